"""Judge what validate_data found by `validation` of params.yaml; an alert stops the pipeline."""

from pathlib import Path

from amelio.actions.data_gate import run_data_gate
from amelio.vision.stage import run_stage


def main() -> None:
    check = run_data_gate(
        Path(),
        metrics=Path("metrics/data_quality.json"),
        findings=Path("reports/data_findings.csv"),
        verdict=Path("metrics/data_gate.json"),  # written only when the gate is passed
        page=Path("reports/data_quality.md"),  # always written; what to read when it is not
    )
    for line in [*check.lines(), *check.told]:
        print(line)
    check.require()


if __name__ == "__main__":
    run_stage(main)
