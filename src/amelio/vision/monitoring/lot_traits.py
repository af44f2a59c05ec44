"""Image files → their traits; what has been looked at once is kept."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import Model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.image_folder import scan
from amelio.vision.data.images import METHOD, UnreadableImageError, bombs_refused, read_content
from amelio.vision.data.record_cache import DIGEST_BYTES, digest_of
from amelio.vision.inference.inference import load_batch, one_thread_each
from amelio.vision.inference.prediction import CHUNK
from amelio.vision.monitoring.kept_traits import Found, kept
from amelio.vision.monitoring.traits import Traits, joined, traits_of
from amelio.vision.parallel import in_order
from amelio.vision.progress import progress

TRAITS = 1  # goes up when equal images and models would give other traits than before


@dataclass(frozen=True)
class LotTraits:
    """What was looked at of a lot.

    files: names within the lot, one for each row of `traits`
    n_images: images that the training data does not have; those looked at are a sample of them
    n_annotated: images that it has: they are left out
    n_unreadable: of the sample
    """

    lot: str
    traits: Traits
    files: tuple[str, ...]
    n_images: int
    n_annotated: int
    n_unreadable: int


@dataclass(frozen=True)
class Looker:
    """A model that looks at images.

    model_digest: of the model's file, so that what another model saw is not taken
    folder: where it keeps what it saw; may be deleted at any time
    """

    model: Model
    model_digest: bytes
    folder: Path

    def at_training(self, name: str, data: PreparedData, rows: Tensor) -> Traits:
        """Traits of some of the prepared images, kept under `name`."""
        images = data.images[rows]

        def look() -> Found:
            return traits_of(self.model, images), rows

        key = self._key([images.numpy().tobytes()])
        return kept(self.folder / f"{name}.pt", key, look)[0]

    def at_lot(self, lot: Path, annotated: Collection[str], n_images: int) -> LotTraits:
        """Look at a lot's images, without the `annotated` ones; at a sample where they are many.

        annotated: names within the lot; n_images: size of the sample

        Raises InputError when the lot is missing or has no image.
        """
        found = scan(lot).files
        if not found:
            raise InputError(
                "empty lot: no .png, .jpg, .jpeg, .webp or .bmp file below it",
                path=lot,
                hint="add its images, or take the lot out of inference.lots in params.yaml",
            )
        new = [file for file in found if file not in annotated]
        files = sample(new, n_images)

        def look() -> Found:
            return self._look_at_files(lot, files)

        key = self._key(part for file in files for part in (file.encode(), _content(lot / file)))
        traits, rows = kept(self.folder / "lots" / f"{lot.name}.pt", key, look)
        return LotTraits(
            lot=lot.name,
            traits=traits,
            files=tuple(files[row] for row in rows.tolist()),
            n_images=len(new),
            n_annotated=len(found) - len(new),
            n_unreadable=len(files) - len(rows),
        )

    def _look_at_files(self, lot: Path, files: Sequence[str]) -> Found:
        """Traits of the readable files, and their positions. Batches run side by side."""

        def look(rows: range) -> Found:
            paths = [lot / files[row] for row in rows]
            images, reasons = load_batch(paths, self.model.preprocessing)
            readable = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
            return traits_of(self.model, images), torch.tensor(readable, dtype=torch.int64)

        if not files:
            return look(range(0))
        chunks = [range(i, min(i + CHUNK, len(files))) for i in range(0, len(files), CHUNK)]
        parts = []
        with (
            bombs_refused(),
            one_thread_each(),
            progress(f"looking at {lot.name}", len(files)) as advance,
        ):
            for chunk, part in zip(chunks, in_order(look, chunks), strict=True):
                parts.append(part)
                advance(len(chunk))
        traits, rows = zip(*parts, strict=True)
        return joined(traits), torch.cat(rows)

    def _key(self, parts: Iterable[bytes]) -> str:
        size, trim = self.model.preprocessing.image_size, self.model.preprocessing.trim_border
        key = hashlib.blake2b(self.model_digest, digest_size=DIGEST_BYTES)
        key.update(f"{TRAITS} {METHOD} {size} {trim}".encode())
        for part in parts:
            key.update(digest_of(part))
        return key.hexdigest()


def sample(names: Sequence[str], n: int) -> list[str]:
    """At most `n` of `names`, in their order: the same ones whatever names come or go besides.

    A name's hash decides, not its place: images of a lot often stand in the order of taking.
    """
    if len(names) <= n:
        return list(names)
    chosen = set(sorted(names, key=lambda name: digest_of(name.encode()))[:n])
    return [name for name in names if name in chosen]


def _content(path: Path) -> bytes:
    """The file's bytes; none where they cannot be read, which looking at it will find again."""
    try:
        return read_content(path)
    except UnreadableImageError:
        return b""
