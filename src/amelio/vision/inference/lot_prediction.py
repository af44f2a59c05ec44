"""One lot → its predictions as CSV, and what there is to say of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amelio.errors import InputError
from amelio.vision.checkpoint import load_model
from amelio.vision.data.image_folder import scan
from amelio.vision.data.loading import Unreadable
from amelio.vision.device import choose_placement
from amelio.vision.inference.inference import Prediction, predict_files
from amelio.vision.inference.predictions_csv import write_predictions
from amelio.vision.params import ClassName, InferenceParams
from amelio.vision.problems import shortened
from amelio.vision.progress import progress


@dataclass(frozen=True)
class LotReport:
    """What was predicted for a lot.

    counts: attribute → how often each class was predicted
    outside: links that leave the lot, not followed
    ignored: files that are not images by their name
    """

    lot: str
    output: Path
    n_images: int
    n_uncertain: int
    counts: dict[str, dict[ClassName, int]]
    unreadable: tuple[Unreadable, ...]
    outside: tuple[str, ...]
    ignored: tuple[str, ...]

    def describe(self) -> str:
        """The report as text, for the terminal and the stage's log."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        share = self.n_uncertain / self.n_images
        yield f"lot {self.lot}: {self.n_images} images → {self.output}"
        for name, counts in self.counts.items():
            yield f"  {name}: " + ", ".join(f"{value} {n}" for value, n in counts.items())
        yield f"  uncertain: {self.n_uncertain} ({share:.1%})"
        unreadable = [f"{image.file}: {image.reason}" for image in self.unreadable]
        yield from _section("unreadable, without a prediction", unreadable)
        yield from _section("links that leave the lot, passed over", list(self.outside))
        yield from _section("not images by their name, passed over", list(self.ignored))


def predict_lot(
    model: Path,
    lot: Path,
    output: Path,
    inference: InferenceParams,
    n_workers: int | None = None,
) -> LotReport:
    """Predict every image below the folder `lot`, sorted by name, and write `output` as CSV.

    An unreadable image does not stop the lot: its row stays empty.

    Raises InputError for a missing or empty lot and an unusable model; EnvironmentFailedError
    when the disk is full. `output` stays as it was then.
    """
    folder = scan(lot)
    if not folder.files:
        raise InputError(
            "empty lot: no .png, .jpg, .jpeg, .webp or .bmp file below it",
            path=lot,
            hint="add its images, or take the lot out of inference.lots in params.yaml",
        )
    loaded = load_model(model, choose_placement().device)
    counts = [Counter(dict.fromkeys(a.classes, 0)) for a in loaded.attributes]
    unreadable: list[Unreadable] = []
    n_uncertain = 0

    def rows() -> Iterator[tuple[str, str, Prediction]]:
        nonlocal n_uncertain
        paths = [lot / file for file in folder.files]
        found = predict_files(loaded, paths, inference.batch_size, advance, n_workers)
        for name, prediction in zip(folder.files, found, strict=True):
            n_uncertain += prediction.is_uncertain(inference.confidence_threshold)
            if prediction.reason:
                unreadable.append(Unreadable(name, prediction.reason))
            for counter, value in zip(counts, prediction.classes, strict=False):
                counter[value] += 1
            yield lot.name, name, prediction

    n_images = len(folder.files)
    with progress(f"predicting {lot.name}", n_images) as advance:
        write_predictions(
            output, loaded.attributes, rows(), inference.confidence_threshold, n_images
        )
    return LotReport(
        lot=lot.name,
        output=output,
        n_images=n_images,
        n_uncertain=n_uncertain,
        counts={
            a.name: dict(counter) for a, counter in zip(loaded.attributes, counts, strict=True)
        },
        unreadable=tuple(unreadable),
        outside=tuple(folder.outside),
        ignored=folder.ignored,
    )


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {len(lines)} {title}:"
        yield from (f"    {line}" for line in shortened(lines, "files"))
