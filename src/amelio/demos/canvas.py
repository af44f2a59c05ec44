"""Antialiased drawing of smooth shapes in a portrait's own coordinates."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from amelio.demos.palette import Colour, Light

SIDE_PX = 500
OVERSAMPLING = 2  # drawn twice as large and averaged down: five grey levels on every edge

Points = NDArray[np.float64]

_ANGLES = np.linspace(0, 2 * math.pi, 40, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


@dataclass(frozen=True)
class Pose:
    """Where the portrait's origin lies, and how large and tilted it is.

    x_px, y_px: the origin in the image; unit_px: pixels per unit; tilt: radians, clockwise
    """

    x_px: float
    y_px: float
    unit_px: float
    tilt: float


class Canvas:
    """A square image to draw on; every shape's points are in units of the pose, y downwards."""

    def __init__(self, light: Light, pose: Pose, line_px: float, ink: Colour) -> None:
        side = SIDE_PX * OVERSAMPLING
        self._light = light
        self._image = Image.new("RGB", (side, side), light.paper)
        self._draw = ImageDraw.Draw(self._image)
        cos, sin = math.cos(pose.tilt), math.sin(pose.tilt)
        self._matrix = np.array([[cos, sin], [-sin, cos]]) * (pose.unit_px * OVERSAMPLING)
        self._origin = np.array([pose.x_px, pose.y_px]) * OVERSAMPLING
        self._line = line_px * OVERSAMPLING
        self._ink = ink

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill the polygon through `points`, (N, 2)."""
        self._draw.polygon(self._pixels(points), fill=self._light.on(colour))

    def shape(self, points: Points, colour: Colour, line: float = 1.0) -> None:
        """Fill the polygon and go round it in ink, `line` times the usual line width."""
        self.fill(points, colour)
        self.stroke(np.concatenate([points, points[:1]]), line=line)

    def stroke(self, points: Points, colour: Colour | None = None, line: float = 1.0) -> None:
        """Draw a line with round ends through `points`, (N, 2); in ink unless told otherwise."""
        colour = self._light.on(self._ink if colour is None else colour)
        width = max(2, round(self._line * line))
        pixels = self._pixels(points)
        self._draw.line(pixels, fill=colour, width=width)
        for x, y in (pixels[:2], pixels[-2:]):
            self._draw.circle((x, y), (width - 1) / 2, fill=colour)

    def dot(self, x_px: float, y_px: float, radius_px: float, colour: Colour) -> None:
        """Fill a circle given in pixels of the finished image."""
        centre = (x_px * OVERSAMPLING, y_px * OVERSAMPLING)
        self._draw.circle(centre, radius_px * OVERSAMPLING, fill=self._light.on(colour))

    def finished(self) -> Image.Image:
        """The image, (SIDE_PX, SIDE_PX) RGB."""
        return self._image.reduce(OVERSAMPLING)

    def _pixels(self, points: Points) -> list[float]:
        pixels: list[float] = np.rint(points @ self._matrix + self._origin).ravel().tolist()
        return pixels


def ellipse(x: float, y: float, width: float, height: float) -> Points:
    """Points of an ellipse around (x, y) with these half axes."""
    return _CIRCLE * [width, height] + [x, y]


def closed(points: ArrayLike, n_between: int = 8) -> Points:
    """Smooth closed curve through `points`, (N, 2) → (N · n_between, 2).

    Source: the uniform Catmull-Rom spline.
    """
    knots = np.asarray(points, dtype=np.float64)
    around = np.stack([np.roll(knots, shift, axis=0) for shift in (1, 0, -1, -2)], axis=1)
    return _spline(around, n_between)


def opened(points: ArrayLike, n_between: int = 8) -> Points:
    """Smooth curve from the first to the last point, (N, 2) → ((N - 1) · n_between + 1, 2)."""
    knots = np.asarray(points, dtype=np.float64)
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    around = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    return np.concatenate([_spline(around, n_between), knots[-1:]])


def mirrored(right: ArrayLike) -> Points:
    """A right half, listed from top to bottom, with its mirror image listed from bottom to top."""
    half = np.asarray(right, dtype=np.float64)
    left = half[half[:, 0] > 0][::-1] * [-1, 1]
    return np.concatenate([half, left])


def _spline(around: Points, n_between: int) -> Points:
    t = np.arange(n_between) / n_between
    weights = 0.5 * np.stack(
        [
            -t + 2 * t**2 - t**3,
            2 - 5 * t**2 + 3 * t**3,
            t + 4 * t**2 - 3 * t**3,
            -(t**2) + t**3,
        ]
    )
    curve: Points = np.einsum("kt,nkd->ntd", weights, around).reshape(-1, 2)
    return curve
