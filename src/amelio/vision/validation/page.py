"""`reports/data_quality.html`: every check with its findings and pictures, in one file."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from amelio.atomic import write_text
from amelio.vision.data.labels import UNKNOWN
from amelio.vision.params import ClassName
from amelio.vision.validation.findings import MEANINGS, Finding, Found, percent
from amelio.vision.validation.thumbnails import thumbnail
from amelio.vision.validation.validate import DataQuality
from amelio.vision.validation_params import ValidationParams

ASSETS = Path(__file__).parent / "assets"
MAX_FINDINGS = 24  # of one check, on the page; the table of findings has all
MAX_PICTURES = 4  # of one finding
MAX_CLASSES = 20  # of one attribute, the rarest ones


@dataclass(frozen=True)
class _Shown:
    """A finding as the page shows it; pictures: (file, data URL) of those that can be shown."""

    finding: Finding
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Section:
    """One check as the page shows it; mark: ok, warning or alert."""

    found: Found
    meaning: str
    mark: str
    allowed: str
    shown: tuple[_Shown, ...]


@dataclass(frozen=True)
class _Classes:
    """How the labels of one attribute are spread; bars: class, images, width in per cent."""

    name: str
    unknown: str
    bars: tuple[tuple[ClassName, int, float], ...]
    n_hidden: int


def write_page(quality: DataQuality, validation: ValidationParams, path: Path) -> None:
    """Write the page, all or nothing; equal findings give equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (ASSETS / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = environment.get_template("page.html.j2").render(
        quality=quality,
        validation=validation,
        sections=[_section(found, validation, quality.images) for found in quality.found],
        attributes=list(_classes(quality)),
        style=Markup(style),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:",
    )
    write_text(path, text)


def _section(found: Found, validation: ValidationParams, images: Path) -> _Section:
    params = found.check.params(validation)
    return _Section(
        found=found,
        meaning=MEANINGS[found.check],
        mark=str(params.severity) if found.share > params.max_share else "ok",
        allowed=percent(params.max_share) if params.max_share else "none",
        shown=tuple(_shown(finding, images) for finding in found.findings[:MAX_FINDINGS]),
    )


def _shown(finding: Finding, images: Path) -> _Shown:
    pictures = ((file, thumbnail(images / file)) for file in finding.files[:MAX_PICTURES])
    return _Shown(finding, tuple((file, url) for file, url in pictures if url))


def _classes(quality: DataQuality) -> Iterator[_Classes]:
    annotations = quality.annotations
    for codes, attribute in zip(annotations.labels.T, annotations.attributes, strict=True):
        known = codes[codes != UNKNOWN]
        counts = np.bincount(known, minlength=len(attribute.classes))
        largest = max(1, int(counts.max(initial=0)))
        rarest = sorted(np.argsort(counts, kind="stable")[:MAX_CLASSES])
        yield _Classes(
            name=attribute.name,
            unknown=percent(1 - len(known) / max(1, len(codes))),
            bars=tuple(
                (attribute.classes[code], int(counts[code]), float(100 * counts[code] / largest))
                for code in rarest
            ),
            n_hidden=len(attribute.classes) - len(rarest),
        )
