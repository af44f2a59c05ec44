"""Seeded cartoon faces with five attributes: which labels a face has, and the face itself."""

import io
import math
from dataclasses import dataclass

import numpy as np

from amelio.demos import eyes, hair, palette, portrait
from amelio.demos.canvas import SIDE_PX, Canvas, Pose
from amelio.demos.look import Look

DRIFTED_LOT = 7
CLASSES = (2, 2, 2, 5, 3)  # of each attribute, in the order of FaceLabels
N_COMBINATIONS = math.prod(CLASSES)

_LABELS, _DRAWING = 0, 1  # two independent streams of random numbers


@dataclass(frozen=True)
class FaceLabels:
    """What is true of one face; the names are the columns of the CSV.

    beard, mustache, glasses_binary: 0 no, 1 yes
    hair_color_label: 0 black, 1 brown, 2 blond, 3 red, 4 grey
    hair_length: 0 above the ears, 1 to the chin, 2 over the shoulders
    """

    beard: int
    mustache: int
    glasses_binary: int
    hair_color_label: int
    hair_length: int


def labels(seed: int, lot: int, index: int) -> FaceLabels:
    """The labels of one face, determined by the three numbers alone.

    Every 120 faces in a row of a lot are the 120 combinations in random order: the attributes are
    balanced and independent of each other even in small collections.
    """
    block, position = divmod(index, N_COMBINATIONS)
    order = np.random.default_rng((seed, _LABELS, lot, block)).permutation(N_COMBINATIONS)
    return FaceLabels(*(int(label) for label in np.unravel_index(order[position], CLASSES)))


def png(seed: int, lot: int, index: int) -> bytes:
    """One face as a PNG file, 500×500 RGB; the same bytes every time with the same Pillow.

    Lot 7 is drawn at dusk: other colours, the same labels.
    """
    rng = np.random.default_rng((seed, _DRAWING, lot, index))
    light = palette.DUSK if lot == DRIFTED_LOT else palette.DAY
    pose = Pose(
        x_px=SIDE_PX / 2 + rng.uniform(-24, 24),
        y_px=SIDE_PX * 0.44 + rng.uniform(-16, 16),
        unit_px=rng.uniform(84, 122),
        tilt=rng.uniform(-0.28, 0.28),
    )
    ink = palette.pick(palette.INK, rng)
    canvas = Canvas(light, pose, line_px=rng.uniform(1.6, 6.5), ink=ink)
    truth = labels(seed, lot, index)
    look = Look.random(palette.HAIR[truth.hair_color_label], truth.hair_length, rng)
    portrait.background(canvas, pose, rng)
    hair.back(canvas, look)
    portrait.bust(canvas, look, rng)
    portrait.head(canvas, look, rng)
    if truth.beard:
        hair.beard(canvas, look, rng)
    portrait.features(canvas, look, rng)
    if truth.mustache:
        hair.mustache(canvas, look, rng)
    hair.front(canvas, look, rng)
    eyes.draw(canvas, look, rng, has_glasses=bool(truth.glasses_binary))
    portrait.specks(canvas, rng)
    buffer = io.BytesIO()
    canvas.finished().save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
