"""Judge the metrics by `quality.rules` of params.yaml; an alert stops the pipeline."""

from pathlib import Path

from amelio.actions.check import run_gate
from amelio.vision.stage import run_stage


def main() -> None:
    check = run_gate(
        Path(),
        verdict=Path("metrics/quality_gate.json"),  # written only when the gate is passed
        page=Path("reports/quality.md"),  # always written; what to read when it is not
    )
    for line in [*check.lines(), *check.told]:
        print(line)
    check.require()


if __name__ == "__main__":
    run_stage(main)
