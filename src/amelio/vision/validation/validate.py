"""Raw images, annotations and the split's rule → everything that is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amelio.vision.data.annotations import Annotations, examine_annotations
from amelio.vision.data.image_folder import scan
from amelio.vision.data.loading import Loaded, load_records
from amelio.vision.data.record_cache import RecordCache
from amelio.vision.data.schema import Side
from amelio.vision.data.split import sides_of
from amelio.vision.params import Params
from amelio.vision.progress import progress
from amelio.vision.validation.annotation_checks import check_annotations
from amelio.vision.validation.copy_checks import Pictures, check_copies
from amelio.vision.validation.findings import Found
from amelio.vision.validation.image_checks import check_images
from amelio.vision.validation.look import LOOK, METHOD, look_at
from amelio.vision.validation_params import Severity


@dataclass(frozen=True)
class DataQuality:
    """What `validate` found.

    found: by the checks that are not off, in their order
    n_images: files below the image folder; n_looked_at: of them, those that were not known yet
    sides: labelled images on each side of the split
    """

    found: tuple[Found, ...]
    annotations: Annotations
    images: Path
    n_images: int
    n_lots: int
    n_looked_at: int
    sides: Mapping[Side, int]

    def describe(self) -> str:
        """What was found, for the terminal and the stage's log."""
        lines = [f"{self.n_images:,} images, {self.n_looked_at:,} of them looked at now"]
        lines += [
            f"{found.check}: {found.in_words()}: {found.findings[0].text}"
            for found in self.found
            if found.findings
        ]
        return "\n".join(lines)


def validate(labels: Path, images: Path, params: Params, cache: Path) -> DataQuality:
    """Check the CSV `labels`, and every image below `images`.

    cache: folder for what was seen in each image; may be deleted at any time

    Raises InputError only when there is nothing to check: no such files, no such columns.
    """
    folder = scan(images)
    reading = examine_annotations(labels, folder, params.data.attributes)
    files = tuple(file for file in folder.files if "/" in file)
    loaded = _looks(images, files, cache)
    annotations = reading.annotations
    pictures = _pictures(files, loaded, annotations, params)
    validation = params.validation
    found = [
        *check_annotations(reading, params),
        *check_images(pictures.files, pictures.looks, loaded.unreadable, validation),
        *check_copies(pictures, annotations, validation),
    ]
    sides = list(pictures.sides.values())
    return DataQuality(
        found=tuple(
            each for each in found if each.check.params(validation).severity is not Severity.OFF
        ),
        annotations=annotations,
        images=images,
        n_images=len(files),
        n_lots=len({file.partition("/")[0] for file in files}),
        n_looked_at=loaded.n_made,
        sides={side: sides.count(side) for side in Side},
    )


def _looks(images: Path, files: tuple[str, ...], folder: Path) -> Loaded:
    cache = RecordCache(folder, f"look-{METHOD}", LOOK.itemsize)
    records = np.empty((len(files), LOOK.itemsize), np.uint8)
    try:
        with progress("looking at images", len(files)) as advance:
            return load_records(images, files, records, look_at, cache, advance)
    finally:
        cache.close()


def _pictures(
    files: tuple[str, ...], loaded: Loaded, annotations: Annotations, params: Params
) -> Pictures:
    readable = tuple(files[row] for row in loaded.rows)
    rows = {file: row for row, file in enumerate(readable)}
    labels = {rows[file]: place for place, file in enumerate(annotations.files) if file in rows}
    digests = [loaded.digests[row] for row in labels]
    sides = sides_of(digests, params.data, params.evaluate)
    return Pictures(
        files=readable,
        looks=np.ascontiguousarray(loaded.records).view(LOOK).reshape(-1),
        digests=loaded.digests,
        sides={row: Side(side) for row, side in zip(labels, sides.tolist(), strict=True)},
        labels=labels,
    )
