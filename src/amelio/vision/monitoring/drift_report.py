"""`metrics/drift.json`, `plots/drift` and `reports/drift.md`."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amelio.atomic import write_bytes, write_text
from amelio.vision.evaluation.markdown import markdown_table
from amelio.vision.evaluation.plot_tables import write_csv
from amelio.vision.monitoring.findings import Finding, Kind, LotDrift
from amelio.vision.params import DriftParams

DIGITS = 4
OVERVIEW = """The figures are the strongest change of each kind, in multiples of the least that \
counts: from 1 on a lot drifts."""
N_NAMED = 3  # changes of a lot that are named in one line
COLUMNS = ("trait", "kind", "strength", "shifts", "before", "after")
STATISTICS = ("ks", "psi", "p_value", "p_corrected")


def write_drift(
    drifts: Sequence[LotDrift],
    params: DriftParams,
    pictures: bytes,
    *,
    metrics: Path,
    plots: Path,
    report: Path,
) -> None:
    """Write the figures, a table for each lot, the pictures and a readable page."""
    text = json.dumps(drift_metrics(drifts), indent=2, ensure_ascii=False) + "\n"
    write_text(metrics, text)
    if (plots / "lots").exists():  # of lots that are no more
        shutil.rmtree(plots / "lots")
    for drift in drifts:
        write_csv(plots / "lots" / f"{drift.lot}.csv", COLUMNS + STATISTICS, _rows(drift))
    write_csv(
        plots / "lots.csv",
        ["lot", "strength", *Kind],
        [
            [drift.lot, drift.strength(), *(drift.strength(kind) for kind in Kind)]
            for drift in drifts
        ],
    )
    write_bytes(plots / "pictures.png", pictures)
    write_text(report, drift_page(drifts, params))


def drift_metrics(drifts: Sequence[LotDrift]) -> dict[str, Any]:
    """Few figures a lot, so that `dvc metrics diff` stays readable; the plots have all.

    images, embedding, classes, confidence: largest change of this kind, in multiples of the least
    that counts
    """
    lots = {
        drift.lot: {
            "drifts": drift.drifts,
            "n_images": len(drift.looked_at.traits),
            "n_unreadable": drift.looked_at.n_unreadable,
            "n_shifted": len(drift.shifted),
            **{str(kind): _rounded(drift.strength(kind)) for kind in Kind},
        }
        for drift in drifts
    }
    n_drifted = sum(drift.drifts for drift in drifts)
    return {"overall": {"n_lots": len(drifts), "n_drifted": n_drifted}, "lots": lots}


def in_words(drifts: Sequence[LotDrift]) -> list[str]:
    """How many lots drift, and a line for each that does."""
    drifted = [drift for drift in drifts if drift.drifts]
    if not drifts:
        return ["There is no lot to compare with the training images."]
    if not drifted:
        many = f"None of {len(drifts)} lots drifts."
        return [many if len(drifts) > 1 else f"Lot {drifts[0].lot} does not drift."]
    verb = "drifts" if len(drifted) == 1 else "drift"
    names = ", ".join(drift.lot for drift in drifted)
    lines = [f"{len(drifted)} of {len(drifts)} lots {verb}: {names}."]
    return [*lines, *(f"lot {drift.lot}: {_changes(drift)}" for drift in drifted)]


def drift_page(drifts: Sequence[LotDrift], params: DriftParams) -> str:
    """The page that people read."""
    parts = [
        "# Drift",
        f"**{in_words(drifts)[0]}** Each lot is compared with the training images.",
        *([_overview(drifts), OVERVIEW] if drifts else []),
        *(_section(drift) for drift in drifts if drift.drifts),
        _how(params),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _overview(drifts: Sequence[LotDrift]) -> str:
    rows = []
    for drift in drifts:
        lot, n_seen = drift.looked_at, len(drift.looked_at.traits)
        verdict = f"**drifts** in {len(drift.shifted)} traits" if drift.drifts else "no drift"
        if not drift.findings:
            verdict = "nothing to look at: " + _why_nothing(drift)
        shown = str(n_seen) if lot.n_images == n_seen else f"{n_seen} of {lot.n_images}"
        strengths = [f"{drift.strength(kind):.2f}" for kind in Kind]
        rows.append([lot.lot, shown, *strengths, verdict])
    return markdown_table(["lot", "looked at", *Kind, ""], rows)


def _why_nothing(drift: LotDrift) -> str:
    if drift.looked_at.n_unreadable:
        return f"all {drift.looked_at.n_unreadable} images are unreadable"
    return "all its images are annotated"


def _section(drift: LotDrift) -> str:
    rows = [
        [
            finding.name,
            *_before_after(finding),
            "" if finding.shift.ks is None else f"{finding.shift.ks:.3f}",
            f"{finding.shift.psi:.2f}",
            f"{finding.p_corrected:.1g}",
            f"{finding.strength:.2f}",
        ]
        for finding in drift.shifted
    ]
    header = ["", "training images", "this lot", "KS", "PSI", "p (Holm)", "strength"]
    return f"## {drift.lot}: {_changes(drift)}\n\n{markdown_table(header, rows)}"


def _how(params: DriftParams) -> str:
    return f"""## How this is judged

- A lot drifts when a trait differs significantly **and** by at least a KS distance of \
{params.min_ks:g} or, for shares of classes, a PSI of {params.min_psi:g} (`drift` in params.yaml). \
Where a lot has few images it takes more than that to be sure; the strength counts from there.
- Numbers are tested by Kolmogorov and Smirnov's test, shares of predicted classes by chi-square. \
Holm's correction over all traits of a lot keeps the chance of a false alarm at \
{1 - params.confidence:.2g} a lot.
- Image statistics are compared with all annotated images; what the model sees and says with those \
that it did not learn from, since it is surer of the others.
- "Distance to training" is the embedding's distance to the nearest image that the model learnt \
from; the directions are the main ones of these images."""


def _changes(drift: LotDrift) -> str:
    """The strongest changes of one lot, in words."""
    told = [_words(finding) for finding in drift.shifted]
    more = f" and {len(told) - N_NAMED} more" if len(told) > N_NAMED else ""
    return ", ".join(told[:N_NAMED]) + more


def _words(finding: Finding) -> str:
    return f"{finding.name} {' → '.join(_before_after(finding))}"


def _before_after(finding: Finding) -> tuple[str, str]:
    values = (finding.before, finding.after)
    match finding.kind:
        case Kind.CLASSES:
            before, after = (f"{100 * value:.0f} %" for value in values)
            return f"{finding.value} {before}", after
        case Kind.CONFIDENCE:
            before, after = (f"{100 * value:.1f} %" for value in values)
        case _:
            before, after = (f"{value:.3g}" for value in values)
    return before, after


def _rows(drift: LotDrift) -> Iterator[list[Any]]:
    for finding in sorted(drift.findings, key=_order):
        shift = finding.shift
        yield [
            finding.name,
            str(finding.kind),
            finding.strength,
            "yes" if finding.has_shifted else "no",
            finding.before,
            finding.after,
            shift.ks,
            shift.psi,
            shift.p_value,
            finding.p_corrected,
        ]


def _order(finding: Finding) -> tuple[float, float]:
    return -finding.strength, finding.p_corrected


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
