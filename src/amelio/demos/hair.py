"""The hair of a cartoon face: behind the head, over the forehead, on chin and lip."""

import numpy as np

from amelio.demos.canvas import Canvas, Points, closed, mirrored, opened
from amelio.demos.look import MEDIUM, SHORT, Look
from amelio.demos.palette import darker


def back(canvas: Canvas, look: Look) -> None:
    """What of chin-length and long hair lies behind the head."""
    if look.hair_length == SHORT:
        return
    w, h, end = look.width, look.height, _end(look) - 0.04
    right = [
        (0.0, -h),
        (0.75 * w, -0.9 * h),
        (w + 0.06, -0.4 * h),
        (w + 0.12, 0.3 * h),
        (w + 0.1, end - 0.2),
        (w - 0.06, end - 0.02),
        (0.5 * w, end + 0.02),
    ]
    canvas.shape(look.wavy(closed(mirrored(right))), darker(look.hair, 0.8))


def front(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """The crown, the fringe and what falls down at both sides."""
    w, h = look.width, look.height
    crown = [
        (w + 0.1, -0.45 * h),
        (0.74 * w, -h - 0.35 * look.volume),
        (0.0, -h - look.volume),
        (-0.74 * w, -h - 0.35 * look.volume),
        (-w - 0.1, -0.45 * h),
    ]
    right, left = _side(look, rng), _side(look, rng)[::-1] * [-1, 1]
    n_outer = len(right) // 2
    flip = -1 if look.is_flipped else 1
    fringe = [(x * w * flip + look.turn * 0.7, y * h) for x, y in look.fringe.value][::flip]
    outer = np.concatenate([right[n_outer:], crown, left[:-n_outer]])
    inner = np.concatenate([left[-n_outer - 1 :], fringe, right[: n_outer + 1]])
    canvas.shape(np.concatenate([look.wavy(opened(outer)), opened(inner)]), look.hair)
    gloss = darker(look.hair, 0.78)
    for x in rng.uniform(-0.6, 0.6, int(rng.integers(2, 6))) * w:
        top = (x, -h - 0.3 * look.volume)
        canvas.stroke(opened([top, (x * 1.12, -h), (x * 1.2, -0.9 * h)]), gloss, 0.6)


def _end(look: Look) -> float:
    """Where chin-length or long hair ends."""
    return look.height * 0.84 if look.hair_length == MEDIUM else look.height + 0.62


def _side(look: Look, rng: np.random.Generator) -> Points:
    """The right side of the front hair, from the temple down and up again, (5 or 7, 2)."""
    w, h = look.width, look.height
    if look.hair_length == SHORT:
        ear = [(0.9, -0.25), (0.9, -0.12), (0.98, -0.1), (1.06, -0.13), (1.08, -0.3)]
        return np.array(ear) * [w, h]
    end = _end(look) + rng.uniform(-0.06, 0.06)
    middle = (end - 0.1 * h) / 2
    fall = [
        (0.9 * w, 0.0),
        (0.9 * w, middle),
        (0.9 * w, end - 0.1),
        (w + 0.06, end),
        (w + 0.22, end - 0.14),
        (w + 0.26, middle + 0.1),
        (w + 0.17, -0.1 * h),
    ]
    return np.array(fall)


def beard(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Hair round the jaw, from ear to ear or round the chin, clear of mouth and upper lip."""
    w, h = look.width, look.height
    colour, length = darker(look.hair, rng.uniform(0.84, 1.0)), rng.uniform(0.12, 0.42)
    if rng.random() < 0.65:
        jaw = look.jaw * w
        outer = [
            (0.99 * w, 0.1 * h),
            (1.1 * jaw + 0.03, 0.55 * h),
            (0.6 * w, 0.94 * h + length / 3),
        ]
        inner = [(0.52 * w, 0.62 * h), (0.78 * w, 0.38 * h)]
    else:
        outer = [(0.52 * w, 0.7 * h), (0.56 * w, 0.9 * h), (0.4 * w, h + 0.7 * length)]
        inner = [(0.36 * w, 0.73 * h)]
    half = np.array([(0.0, 0.79 * h), *inner, *outer, (0.0, h + length)])
    canvas.shape(closed(mirrored(half) + np.array([0.3 * look.turn, 0])), colour)
    for x in np.linspace(-0.3, 0.3, 5) * w:
        strand = np.array([(x, 0.9 * h), (0.9 * x, 0.96 * h + 0.4 * length)])
        canvas.stroke(strand, darker(colour, 0.72), 0.6)


def mustache(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Hair on the upper lip: brush, handlebar or walrus."""
    h, x = look.height, look.turn
    y, half = 0.44 * h, rng.uniform(0.4, 0.56)
    thick = rng.uniform(0.1, 0.14)
    style = rng.integers(3)
    tip = (0.06, -0.12, 0.14)[int(style)]
    right = [
        (0.0, y - 0.5 * thick),
        (0.16, y - thick),
        (0.62 * half, y - 0.55 * thick),
        (half, y + tip),
        (0.6 * half, y + 0.8 * thick),
        (0.14, y + 0.75 * thick),
        (0.0, y + 0.5 * thick),
    ]
    shade = darker(look.hair, rng.uniform(0.84, 1.0))
    canvas.shape(closed(mirrored(right) + np.array([x, 0])), shade, 0.8)
