"""The sheet of the worst mistakes: the wrong predictions that the model was surest of."""

import io
import unicodedata
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from amelio.vision.evaluation.evaluation import Evaluation
from amelio.vision.evaluation.metrics import Integers
from amelio.vision.params import ClassName

N_SHOWN = 24
COLUMNS = 6
PICTURE = 160  # pixels, square
MARGIN = 14
LINE = 19
TEXT_LINES = 4
TITLE = 46
CELL_WIDTH = PICTURE + MARGIN
CELL_HEIGHT = PICTURE + 6 + TEXT_LINES * LINE + MARGIN
INK, GREY, GREEN, RED = "#1f2328", "#6e7781", "#1a7f37", "#cf222e"


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction; pixels: (H, W, 3) uint8."""

    file: str
    attribute: str
    actual: ClassName
    predicted: ClassName
    probability: float
    pixels: Integers


def worst_mistakes(evaluation: Evaluation, n: int = N_SHOWN) -> list[Mistake]:
    """The `n` wrong predictions with the highest probability, the surest first."""
    found = [
        (-float(judgement.confidence[place]), int(judgement.rows[place]), order, int(place))
        for order, judgement in enumerate(evaluation.judgements)
        for place in np.flatnonzero(~judgement.right)
    ]
    mistakes = []
    for minus_probability, row, order, place in sorted(found)[:n]:
        judgement = evaluation.judgements[order]
        classes = judgement.attribute.classes
        mistakes.append(
            Mistake(
                file=evaluation.files[row],
                attribute=judgement.attribute.name,
                actual=classes[judgement.actual[place]],
                predicted=classes[judgement.predicted[place]],
                probability=-minus_probability,
                pixels=evaluation.images[row].permute(1, 2, 0).numpy(),
            )
        )
    return mistakes


def mistakes_sheet(evaluation: Evaluation) -> bytes:
    """The worst mistakes as one PNG; equal evaluations give equal bytes."""
    mistakes = worst_mistakes(evaluation)
    n_wrong = sum(int((~judgement.right).sum()) for judgement in evaluation.judgements)
    n_all = sum(len(judgement.rows) for judgement in evaluation.judgements)
    rows = max(1, -(-len(mistakes) // COLUMNS))
    size = (COLUMNS * CELL_WIDTH + MARGIN, TITLE + (rows * CELL_HEIGHT if mistakes else 0))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    title = f"{n_wrong} wrong of {n_all} predictions on {len(evaluation.files)} test images"
    if len(mistakes) < n_wrong:
        title += f"; the {len(mistakes)} surest"
    draw.text((MARGIN, MARGIN), title, INK, text_font(18))
    for index, mistake in enumerate(mistakes):
        row, column = divmod(index, COLUMNS)
        _draw_cell(sheet, (MARGIN + column * CELL_WIDTH, TITLE + row * CELL_HEIGHT), mistake)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def text_font(size: int) -> FreeTypeFont:
    """The font of our pictures; it has no letters with accents."""
    font = ImageFont.load_default(size)  # the one inside Pillow: the same on every machine
    if not isinstance(font, FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def _draw_cell(sheet: Image.Image, corner: tuple[int, int], mistake: Mistake) -> None:
    """The picture, and below it attribute, truth, prediction with its probability, and file."""
    left, top = corner
    draw = ImageDraw.Draw(sheet)
    tiny = len(mistake.pixels) <= 32  # smoothed, it would be a blur
    picture = Image.fromarray(mistake.pixels.astype(np.uint8)).resize(
        (PICTURE, PICTURE),
        Image.Resampling.NEAREST if tiny else Image.Resampling.BICUBIC,
    )
    sheet.paste(picture, corner)
    draw.rectangle((left, top, left + PICTURE - 1, top + PICTURE - 1), outline="#d0d7de")
    lines = [
        (mistake.attribute, INK, ""),
        (f"is {mistake.actual}", GREEN, ""),
        (f"taken for {mistake.predicted}", RED, f"{mistake.probability:.1%}"),
        (mistake.file, GREY, ""),
    ]
    font = text_font(14)
    for number, (text, colour, aside) in enumerate(lines):
        y = top + PICTURE + 6 + number * LINE
        room = PICTURE - (font.getlength(aside) + 6 if aside else 0)
        draw.text((left, y), _shortened(_plain(text), font, room), colour, font)
        draw.text((left + PICTURE, y), aside, colour, font, anchor="ra")


def _plain(text: str) -> str:
    """`text` without accents: the font inside Pillow has none."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _shortened(text: str, font: FreeTypeFont, width: float) -> str:
    """`text`, its middle replaced by … when it is wider than `width` pixels."""
    kept = len(text)
    shown = text
    while font.getlength(shown) > width and kept > 1:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return shown
