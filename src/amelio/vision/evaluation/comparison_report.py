"""`metrics/model_comparison.json` and `reports/model_comparison.md`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amelio.atomic import write_text
from amelio.vision.evaluation.comparison import Comparison, Difference, in_words
from amelio.vision.evaluation.markdown import markdown_table
from amelio.vision.evaluation.references import Reference

DIGITS = 6  # later ones would show in a diff and mean nothing
NO_CHAMPION = (
    "There is no champion yet, so the model is compared with simple ones; "
    "`amelio promote` makes it the champion."
)
HEADER = ("", "images", "reference", "challenger", "difference", "95 % CI", "p", "p (Holm)", "is")


def write_comparison(
    comparisons: Mapping[Reference, Comparison], metrics: Path, report: Path
) -> None:
    """Write the figures and a readable report; the first comparison is the one that counts."""
    text = json.dumps(comparison_metrics(comparisons), indent=2, ensure_ascii=False) + "\n"
    write_text(metrics, text)
    sections = [_section(comparison) for comparison in comparisons.values()]
    said = [] if Reference.CHAMPION in comparisons else [NO_CHAMPION, ""]
    write_text(report, "\n".join(["# Model comparison", "", *said, *sections]))


def all_in_words(comparisons: Mapping[Reference, Comparison]) -> list[str]:
    """A sentence for each verdict, and one more where there is no champion."""
    said = [] if Reference.CHAMPION in comparisons else [NO_CHAMPION]
    return [*said, *map(in_words, comparisons.values())]


def comparison_metrics(comparisons: Mapping[Reference, Comparison]) -> dict[str, Any]:
    """Flat enough for `dvc metrics diff`: `overall` and `attributes` of the first, then `others`.

    Equal comparisons give equal values.
    """
    (key, first), *others = comparisons.items()
    found: dict[str, Any] = {
        "overall": {"reference": str(key), **figures(first.overall)},
        "attributes": {
            name: {**figures(each), "p_corrected": _p_value(each.p_corrected)}
            for name, each in first.attributes.items()
        },
    }
    if others:
        found["others"] = {str(name): figures(each.overall) for name, each in others}
    return found


def figures(difference: Difference) -> dict[str, Any]:
    """One comparison as JSON values."""
    return {
        "verdict": str(difference.verdict),
        "n_images": difference.n_images,
        "reference_accuracy": _rounded(difference.reference_accuracy),
        "challenger_accuracy": _rounded(difference.challenger_accuracy),
        "difference": _rounded(difference.difference),
        "ci_low": _rounded(difference.interval.low),
        "ci_high": _rounded(difference.interval.high),
        "p_value": _p_value(difference.p_value),
    }


def _section(comparison: Comparison) -> str:
    confidence = f"{100 * comparison.params.confidence:g} % CI"
    header = [confidence if title == "95 % CI" else title for title in HEADER]
    rows = [_row(name, each) for name, each in comparison.attributes.items()]
    words = in_words(comparison)
    lines = [
        f"## Against {comparison.reference}",
        "",
        f"{words[0].upper()}{words[1:]}.",
        "",
        markdown_table(header, [*rows, _row("**mean**", comparison.overall)]),
    ]
    if comparison.left_out:
        left_out = ", ".join(comparison.left_out)
        lines += [f"Not compared (unknown to one, or without test labels): {left_out}", ""]
    return "\n".join(lines)


def _row(name: str, difference: Difference) -> list[str]:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return [
        name,
        str(difference.n_images),
        f"{difference.reference_accuracy:.4f}",
        f"{difference.challenger_accuracy:.4f}",
        f"{100 * difference.difference:+.1f}",
        f"{low:+.1f} … {high:+.1f}",
        f"{difference.p_value:.2g}",
        f"{difference.p_corrected:.2g}",
        str(difference.verdict),
    ]


def _rounded(value: float) -> float:
    return round(value, DIGITS)


def _p_value(value: float) -> float:
    return float(f"{value:.3g}")
