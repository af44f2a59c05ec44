"""How the stage programs end when they cannot do their work: a message, and 1."""

import runpy
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from amelio.atomic import replacing
from amelio.errors import AmelioError, EnvironmentFailedError, InputError, StageFailedError
from amelio.vision.stage import run_stage

PROGRAMS = files("amelio.templates") / "vision/src"
REPORTS = {
    "data/validate_data.py": "data/annotations/mapped_train.csv: no such file",
    "monitoring/monitor_drift.py": "data/processed/train_data_s1.pt: no such file",
    "testing/test_performance.py": "data/processed/train_data_s1.pt: no such file",
    "training/compare_models.py": "data/processed/train_data_s1.pt: no such file",
}
GATES = {
    "data/check_data.py": ("data_quality.md", "line 1: validation.leeks: unknown key"),
    "monitoring/check_metrics.py": ("quality.md", "line 2: quality.on_alrt: unknown key"),
}


@pytest.mark.parametrize(
    "error", [InputError("wrong"), EnvironmentFailedError("full"), StageFailedError("shut")]
)
def test_every_error_of_ours_is_a_message_and_1(
    error: AmelioError, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        run_stage(main)
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"amelio: {error}\n"


def test_a_full_disk_is_a_message_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        with replacing(tmp_path / "metrics.json"):
            Path("/dev/full").write_text("x")

    with pytest.raises(SystemExit) as ended:
        run_stage(main)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith(f"amelio: {tmp_path}/metrics.json: No space left on device (the disk of")


def test_what_needs_no_pytorch_does_not_wait_for_it() -> None:
    names = ["data/validate_data", "data/check_data", "inference/inference_batches"]
    names += ["monitoring/check_metrics"]
    program = f"""
import runpy, sys
import amelio.cli.demo, amelio.cli.lots, amelio.cli.new
for name in {names}:
    runpy.run_path(f"{PROGRAMS}/{{name}}.py")
sys.exit("torch" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_other_errors_keep_their_traceback() -> None:
    def main() -> None:
        raise FileNotFoundError("x")

    with pytest.raises(FileNotFoundError):
        run_stage(main)


def test_a_stage_that_did_its_work_ends_with_0() -> None:
    run_stage(lambda: None)


@pytest.mark.parametrize(
    ("program", "said"), [*REPORTS.items(), *((name, said) for name, (_, said) in GATES.items())]
)
def test_a_report_or_gate_that_cannot_do_its_work_ends_with_1(
    program: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [program])
    (tmp_path / "data/raw/s1").mkdir(parents=True)
    wrong = "validation: {leeks: {severity: alert}}\nquality: {on_alrt: fail}\n"
    Path("params.yaml").write_text(wrong if program in GATES else "")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROGRAMS / program), run_name="__main__")
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("amelio: ")
    assert said in told
    assert "Traceback" not in told
    made = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    del made["params.yaml"]
    assert list(made) == ([GATES[program][0]] if program in GATES else [])
    assert all("Nothing was judged" in page and said in page for page in made.values())
