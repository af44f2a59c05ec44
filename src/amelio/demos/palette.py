"""The colours of the cartoon faces, by day and in the lot that drifts."""

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]
Channels = tuple[float, float, float]

HAIR: tuple[Colour, ...] = (
    (38, 34, 40),  # 0 black
    (104, 58, 28),  # 1 brown
    (240, 200, 92),  # 2 blond
    (214, 84, 34),  # 3 red
    (172, 174, 182),  # 4 grey
)
SKIN: tuple[Colour, ...] = (
    (255, 226, 205),
    (252, 212, 180),
    (244, 196, 154),
    (226, 170, 126),
    (202, 142, 100),
    (174, 116, 80),
    (160, 106, 74),
)
CLOTHES: tuple[Colour, ...] = (
    (66, 120, 190),
    (220, 96, 104),
    (84, 160, 122),
    (240, 180, 70),
    (140, 104, 176),
    (70, 84, 110),
    (232, 232, 226),
    (78, 178, 190),
)
PASTEL: tuple[Colour, ...] = (
    (222, 238, 250),
    (253, 228, 226),
    (228, 244, 226),
    (255, 243, 210),
    (238, 228, 248),
    (236, 236, 232),
)
FRAMES: tuple[Colour, ...] = (
    (28, 28, 34),
    (120, 30, 44),
    (24, 66, 110),
    (92, 52, 22),
    (40, 92, 70),
)
INK: tuple[Colour, ...] = ((26, 24, 30), (58, 38, 34), (34, 40, 66))
EYES: tuple[Colour, ...] = ((52, 38, 30), (60, 104, 150), (66, 120, 78), (112, 74, 40))
WHITE: Colour = (255, 255, 255)
LIPS: Colour = (190, 70, 74)
PUPIL: Colour = (20, 18, 22)
BLUSH: Colour = (236, 92, 92)
MOUTH: Colour = (112, 34, 42)


@dataclass(frozen=True)
class Light:
    """What falls on a scene: the paper's colour, and a factor and an offset per channel."""

    paper: Colour
    factor: Channels
    offset: Channels

    def on(self, colour: Colour) -> Colour:
        """The colour as it looks in this light."""
        return shaded(colour, self.factor, self.offset)


DAY = Light(paper=WHITE, factor=(1, 1, 1), offset=(0, 0, 0))
DUSK = Light(paper=(84, 88, 140), factor=(0.94, 0.8, 0.68), offset=(12, 6, 20))


def pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    """One of the colours."""
    return colours[int(rng.integers(len(colours)))]


def varied(colour: Colour, rng: np.random.Generator, spread: float = 8.0) -> Colour:
    """The colour a little lighter or darker as a whole, and a little off in every channel."""
    red, green, blue = (rng.uniform(-spread, spread) + rng.uniform(-spread, spread, 3) / 2).tolist()
    return shaded(colour, (1, 1, 1), (red, green, blue))


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """The colour with `share` of the other in it."""
    keep, (red, green, blue) = 1 - share, other
    return shaded(colour, (keep, keep, keep), (red * share, green * share, blue * share))


def darker(colour: Colour, factor: float) -> Colour:
    """The colour times `factor`."""
    return shaded(colour, (factor, factor, factor), (0, 0, 0))


def shaded(colour: Colour, factor: Channels, offset: Channels) -> Colour:
    """The colour times `factor` plus `offset`, each per channel, within 0 … 255."""
    red, green, blue = (
        min(255, max(0, round(value * times + plus)))
        for value, times, plus in zip(colour, factor, offset, strict=True)
    )
    return red, green, blue
