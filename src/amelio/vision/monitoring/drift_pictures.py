"""One sheet: images of the lots that are farthest from the training images, below usual ones."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.schema import Preprocessing, Side
from amelio.vision.evaluation.mistakes import GREY, INK, MARGIN, RED, text_font
from amelio.vision.inference.inference import load_batch
from amelio.vision.monitoring.drift import rows_of
from amelio.vision.monitoring.findings import LotDrift

N_PICTURES = 8
MAX_LOTS = 12
PICTURE = 110  # pixels, square
TITLE = 26


def drift_sheet(drifts: Sequence[LotDrift], data: PreparedData, raw: Path) -> bytes:
    """A PNG with a row of training images, and one for each lot, those that drift first.

    raw: the folder of lots
    """
    learnt = rows_of(data, [Side.TRAIN], N_PICTURES)
    shown = sorted(drifts, key=lambda drift: not drift.drifts)[:MAX_LOTS]
    rows = [("training images", INK, data.images[learnt])]
    for drift in shown:
        state = "drifts" if drift.drifts else "no drift"
        title = f"{drift.lot}: {state}; the images farthest from training"
        pictures = _farthest(drift, raw, data.preprocessing)
        rows.append((title, RED if drift.drifts else GREY, pictures))
    width = MARGIN + N_PICTURES * (PICTURE + MARGIN)
    height = MARGIN + len(rows) * (TITLE + PICTURE + MARGIN)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, colour, pictures) in enumerate(rows):
        top = MARGIN + number * (TITLE + PICTURE + MARGIN)
        draw.text((MARGIN, top), title, colour, text_font(16))
        for column, picture in enumerate(pictures):
            place = (MARGIN + column * (PICTURE + MARGIN), top + TITLE)
            sheet.paste(_enlarged(picture), place)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _farthest(drift: LotDrift, raw: Path, preprocessing: Preprocessing) -> Tensor:
    rows = np.argsort(-drift.distances, kind="stable")[:N_PICTURES]
    files = [raw / drift.lot / drift.looked_at.files[row] for row in rows]
    return load_batch(files, preprocessing)[0]


def _enlarged(picture: Tensor) -> Image.Image:
    tiny = picture.shape[-1] <= 32  # smoothed, it would be a blur
    resampling = Image.Resampling.NEAREST if tiny else Image.Resampling.BICUBIC
    pixels = picture.permute(1, 2, 0).to(torch.uint8).numpy()
    return Image.fromarray(pixels).resize((PICTURE, PICTURE), resampling)
