"""`metrics/performance.json`, `plots/performance` and `reports/performance.md`."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from amelio.atomic import write_text
from amelio.vision.evaluation.markdown import markdown_table
from amelio.vision.evaluation.performance import Performance, RuntimeTimes
from amelio.vision.evaluation.plot_tables import write_csv
from amelio.vision.evaluation.robustness import LEVELS, STRENGTHS, Corruption, curve_rows
from amelio.vision.evaluation.timing import Timing
from amelio.vision.params import PerformanceParams

NOISE_LEVEL = 2  # whose accuracy `min_accuracy_under_noise` speaks of: 16 grey levels
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
DIGITS = 4


def performance_metrics(performance: Performance, params: PerformanceParams) -> dict[str, Any]:
    """All figures as JSON values; times in ms, throughput in images/s, sizes in MB."""
    found: dict[str, Any] = {
        "budgets": budgets(performance, params),
        "torch": _runtime(performance.torch),
        "start": {
            "import_s": performance.start.import_s,
            "load_s": performance.start.load_s,
            "first_prediction_s": performance.start.first_prediction_s,
        },
        "memory": {"peak_mb": performance.start.peak_memory_mb},
        "model": {"size_mb": performance.size_mb, "n_parameters": performance.n_parameters},
        "robustness": _robustness(performance),
        "machine": vars(performance.machine),
    }
    if performance.onnx:
        found["onnx"] = {
            "size_mb": performance.onnx.size_mb,
            "max_probability_difference": performance.onnx.agreement.max_difference,
            "same_class_share": performance.onnx.agreement.same_class_share,
            **_runtime(performance.onnx.times),
        }
    rounded: dict[str, Any] = _rounded(found)
    return rounded


def budgets(performance: Performance, params: PerformanceParams) -> dict[str, dict[str, float]]:
    """Value and limit of every budget, for the gate to judge; all with PyTorch, from files."""
    whole = performance.torch.end_to_end
    noise = performance.robustness.under[Corruption.NOISE][NOISE_LEVEL - 1]
    return {
        "max_latency_p95_ms": {
            "value": whole[1].percentile_ms(0.95),
            "limit": params.max_latency_p95_ms,
        },
        "min_throughput": {
            "value": max(median(timing.rates(size)) for size, timing in whole.items()),
            "limit": params.min_throughput,
        },
        "max_size_mb": {"value": performance.size_mb, "limit": params.max_size_mb},
        "min_accuracy_under_noise": {"value": noise, "limit": params.min_accuracy_under_noise},
    }


def write_performance(
    performance: Performance,
    params: PerformanceParams,
    *,
    metrics: Path,
    plots: Path,
    report: Path,
) -> None:
    """Write the figures, the robustness curve and a readable page."""
    figures = performance_metrics(performance, params)
    write_text(metrics, json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    write_csv(plots / "robustness.csv", ["level", *Corruption], curve_rows(performance.robustness))
    write_text(report, performance_page(performance, params))


def performance_page(performance: Performance, params: PerformanceParams) -> str:
    """The page that people read."""
    machine, start = performance.machine, performance.start
    memory = "" if start.peak_memory_mb is None else f", {start.peak_memory_mb:.0f} MB at most"
    parts = [
        "# Performance",
        f"On {machine.processor}, {machine.n_cores} cores, {machine.n_threads} threads, "
        f"{machine.device} in {machine.precision}; "
        + ", ".join(f"{name} {version}" for name, version in machine.versions.items())
        + f". Load before: {machine.load_average}.",
        "## Budgets",
        _budget_table(performance, params),
        "## Latency of one image, ms",
        _table(performance, ["p50", "p95", "p99", "median of each round"], _latency_cells),
        "## Throughput, images/s (lowest … highest round)",
        _table(performance, [f"by {n}" for n in performance.torch.model], _throughput_cells),
        f"A fresh process takes {start.import_s:.2f} s to import, {start.load_s:.2f} s to load "
        f"the model ({performance.size_mb:.1f} MB) and {start.first_prediction_s:.2f} s for the "
        f"first image{memory}.",
        *_onnx_lines(performance),
        f"## Accuracy on {performance.robustness.n_images} changed test images",
        _robustness_table(performance),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _runtime(times: RuntimeTimes) -> dict[str, Any]:
    kinds = {"end_to_end": times.end_to_end, "model": times.model}
    return {
        kind: {
            "latency_ms": _latency(timings[1]),
            "throughput": {
                str(size): median(timing.rates(size)) for size, timing in timings.items()
            },
        }
        for kind, timings in kinds.items()
    }


def _latency(timing: Timing) -> dict[str, float]:
    """Percentiles over all rounds, and between which values the rounds' medians lie."""
    medians = timing.medians_ms()
    percentiles = {name: timing.percentile_ms(share) for name, share in QUANTILES.items()}
    return {**percentiles, "lowest_median": min(medians), "highest_median": max(medians)}


def _robustness(performance: Performance) -> dict[str, Any]:
    robustness = performance.robustness
    curves = {
        str(corruption): {str(level): value for level, value in zip(LEVELS, values, strict=True)}
        for corruption, values in robustness.under.items()
    }
    return {"n_images": robustness.n_images, "clean": robustness.clean, **curves}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _budget_table(performance: Performance, params: PerformanceParams) -> str:
    rows = []
    for name, budget in budgets(performance, params).items():
        value, limit = budget["value"], budget["limit"]
        kept = value <= limit if name.startswith("max") else value >= limit
        rows.append([name, f"{value:.4g}", f"{limit:.4g}", "yes" if kept else "**no**"])
    return markdown_table(["budget", "value", "limit", "kept"], rows)


def _table(
    performance: Performance, columns: list[str], cells: Callable[[dict[int, Timing]], list[str]]
) -> str:
    rows = []
    runtimes = {"PyTorch": performance.torch}
    if performance.onnx:
        runtimes["ONNX Runtime"] = performance.onnx.times
    for name, times in runtimes.items():
        rows.append([f"{name}, from the file", *cells(times.end_to_end)])
        rows.append([f"{name}, model only", *cells(times.model)])
    return markdown_table(["", *columns], rows)


def _latency_cells(timings: dict[int, Timing]) -> list[str]:
    timing = timings[1]
    medians = timing.medians_ms()
    percentiles = [f"{timing.percentile_ms(share):.1f}" for share in QUANTILES.values()]
    return [*percentiles, f"{min(medians):.1f} … {max(medians):.1f}"]


def _throughput_cells(timings: dict[int, Timing]) -> list[str]:
    every = [timing.rates(size) for size, timing in timings.items()]
    return [f"{median(rates):.0f} ({min(rates):.0f} … {max(rates):.0f})" for rates in every]


def _onnx_lines(performance: Performance) -> list[str]:
    if not performance.onnx:
        return ["ONNX Runtime was left out: `pip install 'amelio[onnx]'` adds it."]
    agreed = performance.onnx.agreement
    return [
        f"ONNX: {performance.onnx.size_mb:.1f} MB; on the test images its probabilities differ "
        f"from PyTorch's by {agreed.max_difference:.1g} at most, both in float32, and "
        f"{agreed.same_class_share:.2%} of its answers are the ones that PyTorch gives here."
    ]


def _robustness_table(performance: Performance) -> str:
    robustness = performance.robustness
    rows = []
    for corruption, values in robustness.under.items():
        cells = [
            f"{value:.4f} ({strength:g})"
            for value, strength in zip(values, STRENGTHS[corruption], strict=True)
        ]
        rows.append([str(corruption), f"{robustness.clean:.4f}", *cells])
    return markdown_table(["", "as they are", *(f"level {n}" for n in LEVELS)], rows)
