"""`metrics/data_quality.json` and `reports/data_findings.csv`."""

import json
from pathlib import Path
from typing import Any

from amelio.atomic import write_text
from amelio.vision.data.labels import UNKNOWN
from amelio.vision.evaluation.plot_tables import write_csv
from amelio.vision.inference.predictions_csv import harmless
from amelio.vision.validation.findings import Found
from amelio.vision.validation.validate import DataQuality

DIGITS = 6  # later ones would show in a diff and mean nothing
COLUMNS = ("check", "line", "file", "finding")


def write_quality(quality: DataQuality, metrics: Path, findings: Path) -> None:
    """Write the figures, and a table with every finding; equal findings give equal bytes."""
    text = json.dumps(quality_metrics(quality), indent=2, ensure_ascii=False) + "\n"
    write_text(metrics, text)
    rows = [
        (found.check, finding.line or "", harmless(finding.file), harmless(finding.text))
        for found in quality.found
        for finding in found.findings
    ]
    write_csv(findings, COLUMNS, rows)


def quality_metrics(quality: DataQuality) -> dict[str, Any]:
    """All figures as JSON values, flat enough for `dvc metrics diff`."""
    annotations = quality.annotations
    unknown = (annotations.labels == UNKNOWN).mean(axis=0) if len(annotations.labels) else []
    return {
        "images": {"n": quality.n_images, "lots": quality.n_lots},
        "labelled": {
            "n": sum(quality.sides.values()),
            **{side.name.lower(): n for side, n in quality.sides.items()},
        },
        "unknown_labels": {
            attribute.name: round(float(share), DIGITS)
            for attribute, share in zip(annotations.attributes, unknown, strict=False)
        },
        "checks": {str(found.check): _figures(found) for found in quality.found},
    }


def _figures(found: Found) -> dict[str, Any]:
    return {"n": found.n, "of": found.of, "share": round(found.share, DIGITS)}
