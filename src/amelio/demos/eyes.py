"""The eyes of a cartoon face, with or without glasses."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from amelio.demos import palette
from amelio.demos.canvas import Canvas, Points, closed, ellipse, mirrored, opened
from amelio.demos.look import Look
from amelio.demos.palette import Colour, darker, pick


class Lens(Enum):
    """Shapes of glasses: the right half of a lens of size one."""

    ROUND = ((0.0, -1.0), (0.7, -0.7), (1.0, 0.0), (0.7, 0.7), (0.0, 1.0))
    SQUARE = ((0.0, -0.82), (0.9, -0.86), (1.08, -0.5), (1.0, 0.5), (0.7, 0.8), (0.0, 0.8))
    DROP = ((0.0, -0.8), (0.9, -0.8), (1.08, -0.3), (0.8, 0.5), (0.0, 0.95))


@dataclass(frozen=True)
class Glasses:
    """One pair of glasses around the eyes at (x ± apart, y)."""

    left: Points
    right: Points
    colour: Colour
    tint: Colour
    line: float

    @classmethod
    def random(cls, x: float, y: float, apart: float, rng: np.random.Generator) -> "Glasses":
        """Any pair."""
        shape = list(Lens)[int(rng.integers(len(Lens)))]
        size = np.array([rng.uniform(0.3, 0.35), rng.uniform(0.27, 0.34)])
        lens = closed(mirrored(shape.value)) * size
        return cls(
            left=lens + np.array([x - apart, y]),
            right=lens + np.array([x + apart, y]),
            colour=pick(palette.FRAMES, rng),
            tint=pick(palette.PASTEL, rng),
            line=rng.uniform(1.3, 1.9),
        )

    def frame(self, canvas: Canvas, look: Look) -> None:
        """The rims, the bridge and the arms."""
        y = float(self.left[:, 1].mean())
        inner, outer = self.left[:, 0].max(), self.right[:, 0].min()
        bridge = [(inner, y - 0.04), ((inner + outer) / 2, y - 0.1), (outer, y - 0.04)]
        canvas.stroke(opened(bridge), self.colour, self.line)
        for lens, side in ((self.left, -1), (self.right, 1)):
            canvas.stroke(np.concatenate([lens, lens[:1]]), self.colour, self.line)
            rim = max(lens[:, 0] * side) * side
            arm = np.array([(rim, y - 0.08), (side * look.width, y - 0.12)])
            canvas.stroke(arm, self.colour, self.line)


def draw(canvas: Canvas, look: Look, rng: np.random.Generator, *, has_glasses: bool) -> None:
    """Brows and eyes, behind glasses where the face has them."""
    x, y, apart = look.turn, -0.06, rng.uniform(0.38, 0.45)
    glasses = Glasses.random(x, y, apart, rng) if has_glasses else None
    if glasses:
        for lens in (glasses.left, glasses.right):
            canvas.fill(lens, glasses.tint)
    iris, size, is_open = pick(palette.EYES, rng), rng.uniform(0.12, 0.17), rng.random() < 0.6
    lift, slant = rng.uniform(0.32, 0.4), rng.uniform(-0.07, 0.025)
    for side in (-1, 1):
        at = x + side * apart
        if is_open:
            canvas.shape(ellipse(at, y, size, size * 1.15), palette.WHITE, 0.6)
        pupil = at + x * 0.25
        canvas.fill(ellipse(pupil, y, size * 0.7, size * 0.78), iris)
        canvas.fill(ellipse(pupil, y, size * 0.42, size * 0.48), palette.PUPIL)
        canvas.fill(ellipse(pupil + 0.03, y - 0.03, 0.025, 0.025), palette.WHITE)
        tilt, top = side * slant, y - lift
        arch = [(at - 0.17, top + 0.06 + tilt), (at, top), (at + 0.17, top + 0.06 - tilt)]
        canvas.stroke(opened(arch), darker(look.hair, 0.75), 1.4)
    if glasses:
        glasses.frame(canvas, look)
