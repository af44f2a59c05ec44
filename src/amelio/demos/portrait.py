"""The parts of a cartoon face that are neither hair nor eyes, and what lies around it."""

import math
from enum import Enum

import numpy as np

from amelio.demos import palette
from amelio.demos.canvas import SIDE_PX, Canvas, Pose, closed, ellipse, mirrored, opened
from amelio.demos.look import Look
from amelio.demos.palette import Colour, darker, mixed, pick, varied


def background(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> None:
    """A pastel disc or blot behind most faces, with confetti around."""
    colour = varied(pick(palette.PASTEL, rng), rng, 4)
    style = rng.integers(4)
    if style < 3:
        radii = rng.uniform(1.5, 1.9) * (1 + 0.09 * style * rng.uniform(-1, 1, 9))
        angles = np.linspace(0, 2 * math.pi, 9, endpoint=False)
        blot = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
        canvas.fill(closed(blot + np.array([0, 0.2])), colour)
    for _ in range(int(rng.integers(6, 44))):
        angle, distance = rng.uniform(0, 2 * math.pi), rng.uniform(0.9, 2.05) * pose.unit_px
        x, y = pose.x_px + distance * math.cos(angle), pose.y_px + distance * math.sin(angle)
        tone = varied(darker(pick(palette.PASTEL, rng), 0.9), rng, 14)
        canvas.dot(x, y, rng.uniform(2, 9), tone)


def bust(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Shoulders and neck."""
    h = look.height
    cloth = varied(pick(palette.CLOTHES, rng), rng, 12)
    breadth, drop = rng.uniform(1.15, 1.45), h + rng.uniform(0.72, 0.86)
    torso = [
        (0.3, h + 0.12),
        (0.8 * breadth, h + 0.26),
        (breadth, h + 0.55),
        (breadth, drop),
        (0.5 * breadth, drop + 0.07),
        (0.0, drop + 0.09),
    ]
    canvas.shape(closed(mirrored(torso)), cloth)
    collar = h + rng.uniform(0.28, 0.5)
    _pattern(canvas, collar, drop, mixed(cloth, pick(palette.CLOTHES, rng), 0.7), rng)
    neck = [(0.34, 0.6 * h), (0.33, h + 0.1), (0.38, h + 0.2), (0.0, collar)]
    canvas.shape(closed(mirrored(neck)), darker(look.skin, 0.93))


class _Cloth(Enum):
    PLAIN = 0
    STRIPES = 1
    BUTTONS = 2
    DOTS = 3


def _pattern(
    canvas: Canvas, top: float, bottom: float, colour: Colour, rng: np.random.Generator
) -> None:
    style = _Cloth(int(rng.integers(len(_Cloth))))
    if style is _Cloth.STRIPES:
        for y in np.arange(top + 0.02, bottom - 0.02, 0.16):
            half = 0.9 if y > top + 0.1 else 0.7
            canvas.stroke(opened([(-half, y + 0.02), (0, y + 0.06), (half, y + 0.02)]), colour, 2.2)
    elif style is _Cloth.BUTTONS:
        canvas.stroke(np.array([(0.0, top), (0.0, bottom + 0.08)]), line=0.7)
        for y in (top + 0.12, top + 0.3):
            canvas.shape(ellipse(0.1, y, 0.045, 0.045), colour, 0.5)
    elif style is _Cloth.DOTS:
        for x, y in rng.uniform((-0.9, top - 0.05), (0.9, bottom), (14, 2)):
            canvas.fill(ellipse(x, y, 0.05, 0.05), colour)


def head(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Ears, head, cheeks and freckles."""
    w, h = look.width, look.height
    for side in (-1, 1):
        canvas.shape(ellipse(side * w * 0.98, 0.08 * h, 0.15, 0.2), look.skin)
    canvas.shape(look.contour(), look.skin)
    blush = mixed(look.skin, palette.BLUSH, 0.3)
    if rng.random() < 0.6:
        for side in (-1, 1):
            x = look.turn + side * 0.6 * w
            canvas.fill(ellipse(x, 0.26 * h, 0.17, 0.11), blush)
    if rng.random() < 0.25:
        for x, y in rng.uniform((0.3, 0.14), (0.66, 0.34), (5, 2)):
            for side in (-1, 1):
                canvas.fill(
                    ellipse(look.turn + side * x, y * h, 0.025, 0.025), darker(look.skin, 0.8)
                )


def features(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Nose and mouth."""
    h, x = look.height, look.turn
    tip = x * 1.5 + 0.02
    shadow = darker(look.skin, 0.72)
    nose = rng.integers(3)
    if nose == 0:
        canvas.stroke(opened([(tip, 0.02), (tip + 0.14, 0.27 * h), (tip - 0.05, 0.3 * h)]), shadow)
    elif nose == 1:
        canvas.shape(ellipse(tip, 0.24 * h, 0.14, 0.11), darker(look.skin, 0.92), 0.7)
    else:
        canvas.stroke(
            opened([(tip - 0.13, 0.25 * h), (tip, 0.32 * h), (tip + 0.13, 0.25 * h)]), shadow
        )
    _mouth(canvas, x, 0.575 * h, rng)


def _mouth(canvas: Canvas, x: float, y: float, rng: np.random.Generator) -> None:
    half, smile = rng.uniform(0.2, 0.34), rng.uniform(0.05, 0.13)
    corners = (x - half, y - smile / 2), (x + half, y - smile / 2)
    style = rng.integers(3)
    if style == 0:
        canvas.stroke(opened([corners[0], (x, y + smile), corners[1]]))
    elif style == 1:
        smiling = opened([corners[0], (x, y + 0.02), corners[1]])
        jaw = opened([corners[1], (x, y + 0.1 + smile), corners[0]])
        canvas.shape(np.concatenate([smiling, jaw]), palette.MOUTH, 0.8)
        canvas.fill(ellipse(x, y + 0.045, half * 0.5, 0.025), palette.WHITE)
    else:
        lips = [corners[0], (x - 0.06, y - 0.03), (x + 0.06, y - 0.03), corners[1], (x, y + smile)]
        canvas.shape(closed(lips), varied(palette.LIPS, rng), 0.7)


def specks(canvas: Canvas, rng: np.random.Generator) -> None:
    """A little dust over everything but the rim, so that the paper's border stays uniform."""
    for x, y in rng.uniform(60, SIDE_PX - 60, (int(rng.integers(0, 26)), 2)):
        tone = int(rng.choice([70, 150, 235]))
        canvas.dot(x, y, rng.uniform(0.8, 2.2), (tone, tone, tone))
