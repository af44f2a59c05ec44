"""The predictions of every lot, from a CSV with `filename`, `lot` and `<attribute>_probability`."""

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from amelio.actions.lot_order import in_order
from amelio.actions.report_pictures import thumbnail
from amelio.reports.class_bars import NO, YES
from amelio.reports.facts import LotPredictions, Picture

FOLDER = Path("outputs")
IMAGES = Path("data/raw")
MAX_BYTES = 200_000_000
MAX_LOTS = 30
MAX_CLASSES = 12
N_THUMBNAILS = 6
PROBABILITY = "_probability"


@dataclass
class _Lot:
    n_images: int = 0
    n_uncertain: int = 0
    classes: dict[str, Counter[str]] = field(default_factory=dict)
    samples: list[dict[str, str]] = field(default_factory=list)


def predicted_lots(root: Path, tell: Callable[[str], None]) -> tuple[LotPredictions, ...]:
    """Every lot of the largest table of predictions in `outputs`; none where there is no such.

    tell: called with what is left out
    """
    path = _table(root / FOLDER)
    if path is None:
        return ()
    if path.stat().st_size > MAX_BYTES:
        tell(f"{path.name} is too large to show predictions.")
        return ()
    try:
        lots = _read(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        tell(f"{path.relative_to(root)} is not readable: {error}")
        return ()
    if len(lots) > MAX_LOTS:
        tell(f"Predictions are shown of {MAX_LOTS} of {len(lots)} lots.")
    known: dict[str, set[str]] = {}
    for lot in lots.values():
        for attribute, counts in lot.classes.items():
            known.setdefault(attribute, set()).update(name.lower() for name in counts)
    is_binary = {attribute: names <= YES | NO for attribute, names in known.items()}
    return tuple(_shown(root, name, lots[name], is_binary) for name in in_order(lots)[:MAX_LOTS])


def _table(folder: Path) -> Path | None:
    tables = [
        path for path in folder.glob("*.csv") if path.is_file() and _attributes(_header(path))
    ]
    return max(tables, key=lambda path: path.stat().st_size, default=None)


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _attributes(header: list[str]) -> list[str]:
    if not {"filename", "lot"} <= set(header):
        return []
    return [name for name in header if f"{name}{PROBABILITY}" in header]


def _read(path: Path) -> dict[str, _Lot]:
    attributes = _attributes(_header(path))
    lots: dict[str, _Lot] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lot = lots.setdefault(row["lot"] or "", _Lot())
            lot.n_images += 1
            lot.n_uncertain += (row.get("uncertain") or "").lower() in YES
            for name in attributes:
                lot.classes.setdefault(name, Counter())[row[name] or "unknown"] += 1
            _sample(lot, row)
    return lots


def _sample(lot: _Lot, row: dict[str, str]) -> None:
    """Keep rows evenly spread over the lot: every n-th, with n doubling as the lot grows."""
    step = 1
    while lot.n_images // step >= 4 * N_THUMBNAILS:
        step *= 2
    if lot.n_images % step == 0:
        lot.samples.append(row)
    if len(lot.samples) > 4 * N_THUMBNAILS:
        del lot.samples[1::2]


def _shown(root: Path, name: str, lot: _Lot, is_binary: Mapping[str, bool]) -> LotPredictions:
    classes = {attribute: _most(counts) for attribute, counts in lot.classes.items()}
    chosen = lot.samples[:: max(1, len(lot.samples) // N_THUMBNAILS)][:N_THUMBNAILS]
    pictures = (_picture(root, row, is_binary) for row in chosen)
    return LotPredictions(
        lot=name,
        n_images=lot.n_images,
        n_uncertain=lot.n_uncertain,
        classes=classes,
        thumbnails=tuple(filter(None, pictures)),
    )


def _most(counts: Counter[str]) -> dict[str, int]:
    """The most frequent classes, the others together."""
    kept = dict(counts.most_common(MAX_CLASSES))
    rest = counts.total() - sum(kept.values())
    return {**kept, "others": rest} if rest else kept


def _picture(root: Path, row: dict[str, str], is_binary: Mapping[str, bool]) -> Picture | None:
    place = PurePosixPath(row["lot"] or "", row["filename"] or "")
    if place.is_absolute() or ".." in place.parts:
        return None
    source = thumbnail(root / IMAGES / place)
    if source is None:
        return None
    return Picture(source, caption=str(place), detail=_words(row, is_binary))


def _words(row: dict[str, str], is_binary: Mapping[str, bool]) -> str:
    """`beard, hair: short`: what is yes by its attribute's name, what is no not at all."""
    words = []
    for name, is_yes_or_no in is_binary.items():
        value = row[name] or "unknown"
        if not is_yes_or_no:
            words.append(f"{name}: {value}")
        elif value.lower() in YES:
            words.append(name)
    return ", ".join(words) or "none"
