"""What the parts of one cartoon face share.

One unit is about half the width of a head; the origin is the middle of the face, a little below the
eyes; y goes downwards.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from amelio.demos import palette
from amelio.demos.canvas import Points, closed, mirrored
from amelio.demos.palette import Colour, pick, varied

SHORT, MEDIUM, LONG = 0, 1, 2  # hair lengths


class Fringe(Enum):
    """How the hair falls over the forehead: x in head widths, y in head heights."""

    BANGS = ((-0.8, -0.44), (-0.3, -0.5), (0.3, -0.5), (0.8, -0.44))
    PARTED = ((-0.78, -0.36), (-0.35, -0.66), (0.0, -0.9), (0.35, -0.66), (0.78, -0.36))
    SWEPT = ((-0.8, -0.34), (-0.5, -0.78), (0.1, -0.62), (0.8, -0.36))
    HIGH = ((-0.82, -0.5), (-0.5, -0.72), (0.0, -0.78), (0.5, -0.72), (0.82, -0.5))
    CURTAIN = ((-0.84, -0.3), (-0.52, -0.5), (0.2, -0.82), (0.55, -0.62), (0.84, -0.3))


@dataclass(frozen=True)
class Look:
    """What several parts of one face share; lengths in units."""

    hair: Colour
    skin: Colour
    width: float
    height: float
    jaw: float
    turn: float
    hair_length: int
    volume: float
    waves: int
    fringe: Fringe
    is_flipped: bool

    @classmethod
    def random(cls, hair: Colour, hair_length: int, rng: np.random.Generator) -> "Look":
        """Everything that is free of the labels, by chance."""
        return cls(
            hair=varied(hair, rng, 18),
            skin=varied(pick(palette.SKIN, rng), rng),
            width=rng.uniform(0.94, 1.1),
            height=rng.uniform(1.04, 1.22),
            jaw=rng.uniform(0.74, 0.94),
            turn=rng.uniform(-0.14, 0.14),
            hair_length=hair_length,
            volume=rng.uniform(0.16, 0.38),
            waves=int(rng.choice([0, 0, 7, 9, 12])),
            fringe=list(Fringe)[int(rng.integers(len(Fringe)))],
            is_flipped=bool(rng.integers(2)),
        )

    def wavy(self, points: Points) -> Points:
        """The outline with this face's waves in it."""
        angles = np.arctan2(points[:, 0], -points[:, 1])
        bumps = 1 + 0.055 * np.abs(np.sin(self.waves * angles)) if self.waves else 1.0
        waved: Points = points * np.reshape(bumps, (-1, 1))
        return waved

    def contour(self) -> Points:
        """The outline of the head."""
        w, h = self.width, self.height
        right = [
            (0.0, -h),
            (0.72 * w, -0.76 * h),
            (w, -0.1 * h),
            (self.jaw * w, 0.55 * h),
            (0.5 * self.jaw * w, 0.9 * h),
            (0.0, h),
        ]
        return closed(mirrored(right))
