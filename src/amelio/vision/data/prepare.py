"""Annotated images and parameters → the prepared dataset, and what there is to say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from amelio.errors import InputError
from amelio.vision.data.annotations import Annotations
from amelio.vision.data.balance import Balance, balance_of, check_balance, describe_balance
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.loading import Unreadable, decode_cache, load_images
from amelio.vision.data.schema import Preprocessing
from amelio.vision.data.split import sides_of
from amelio.vision.params import DataParams, EvaluateParams
from amelio.vision.problems import shortened
from amelio.vision.progress import progress


@dataclass(frozen=True)
class PreparationReport:
    """What `prepare` found.

    n_decoded: images that were not in the cache of decoded ones
    warnings: classes that are rare or unevenly spread
    """

    balance: Balance
    warnings: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    n_unlabelled: int
    n_decoded: int

    def describe(self) -> str:
        """The report as text, for the terminal and the stage's log."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from describe_balance(self.balance)
        n_images = int(self.balance.sides.sum())
        yield f"{n_images} images, {self.n_decoded} of them decoded now, the others taken as kept"
        if self.n_unlabelled:
            yield f"{self.n_unlabelled} rows left out: none of their attributes is known"
        if self.unreadable:
            yield f"warning: {len(self.unreadable)} unreadable images left out:"
            yield from (f"  {line}" for line in _listed(self.unreadable))
        yield from (f"warning: {warning}" for warning in self.warnings)


def prepare(
    annotations: Annotations,
    images: Path,
    data: DataParams,
    evaluate: EvaluateParams,
    cache: Path,
    n_workers: int | None = None,
) -> tuple[PreparedData, PreparationReport]:
    """Decode the annotated images below `images` and decide their sides.

    cache: folder for decoded images; may be deleted at any time
    n_workers: threads that decode; every core by default. The result is the same with any.

    Raises InputError when too many images are unreadable, or too few are left to split.
    """
    preprocessing = Preprocessing(data.image_size, data.trim_border)
    decoded = decode_cache(cache, preprocessing)
    files = annotations.files
    try:
        with progress("decoding", len(files)) as advance:
            loaded = load_images(images, files, preprocessing, decoded, advance, n_workers)
    finally:
        decoded.close()
    _check_readable(loaded.unreadable, len(files), data.max_unreadable_share, images)
    labels = annotations.labels[loaded.rows]
    lines = [annotations.lines[row] for row in loaded.rows]
    sides = sides_of(loaded.digests, data, evaluate)
    balance = balance_of(annotations.attributes, labels, sides, lines)
    try:
        warnings = check_balance(balance)
    except InputError as error:
        raise InputError(error.message, path=annotations.path, hint=error.hint) from error
    prepared = PreparedData(
        images=torch.from_numpy(loaded.records),
        labels=torch.from_numpy(labels),
        sides=torch.from_numpy(sides),
        files=tuple(files[row] for row in loaded.rows),
        attributes=annotations.attributes,
        preprocessing=preprocessing,
    )
    report = PreparationReport(
        balance, warnings, loaded.unreadable, annotations.n_unlabelled, loaded.n_made
    )
    return prepared, report


def _check_readable(
    unreadable: tuple[Unreadable, ...], n_images: int, most: float, images: Path
) -> None:
    if len(unreadable) <= most * n_images:
        return
    found = f"{len(unreadable)} of {n_images} images are unreadable"
    raise InputError(
        "\n  ".join([f"{found}, at most {most:.1%} may be:", *_listed(unreadable)]),
        path=images,
        hint="mend or remove them, or raise data.max_unreadable_share in params.yaml",
    )


def _listed(unreadable: tuple[Unreadable, ...]) -> list[str]:
    return shortened([f"{image.file}: {image.reason}" for image in unreadable], "images")
