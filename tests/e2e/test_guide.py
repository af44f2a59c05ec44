"""docs/guide.md: every shell block, in order, in a small project, against real remotes."""

import getpass
import os
import re
import shutil
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Shell
from tests.e2e.guide_project import FROZEN
from tests.e2e.servers import azure, google, s3, ssh

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
BUCKETS = ("mybucket", "prod-bucket")


@dataclass
class Reader:
    """Someone who types the guide's blocks in a project; told: what the last one printed."""

    project: Path
    shared: Path
    server: str
    shell: Shell
    environment: dict[str, str]
    told: str = ""

    def run(self, lines: str) -> subprocess.CompletedProcess[str]:
        """Run lines, with names of places that are not here replaced by those of our servers."""
        lines = lines.replace("ssh://me@example.org/srv/dvcstore", self.server)
        lines = lines.replace(" /shared/", f" {self.shared}/")
        return self.shell(lines, cwd=self.project, **self.environment)

    def must(self, lines: str) -> str:
        """Run lines that are to work, and return what they print."""
        done = self.run(lines)
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
        return done.stdout

    def text(self, path: str) -> str:
        """A file of the project."""
        return (self.project / path).read_text(encoding="utf-8")


@pytest.fixture
def reader(
    guide_project: Path, tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    with ExitStack() as stack:
        amazon = stack.enter_context(s3(tmp_path, BUCKETS))
        storage = stack.enter_context(google(tmp_path, "backup-bucket"))
        blobs = stack.enter_context(azure(tmp_path, "mycontainer"))
        server = stack.enter_context(ssh(tmp_path))
        keys = Path(os.environ["HOME"], ".ssh")
        keys.mkdir(mode=0o700, parents=True)
        shutil.copy(tmp_path / "key", keys / "id_ed25519")
        environment = {
            **amazon.environment,
            **storage.environment,
            "AZURE_STORAGE_CONNECTION_STRING": blobs.url,
            "GDRIVE_SECRET": "not-to-be-committed",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        place = server.url.replace("://", f"://{getpass.getuser()}@") + f"{tmp_path}/dvcstore"
        reader = Reader(guide_project, tmp_path / "shared", place, shell, environment)
        reader.must("git branch -m main")
        reader.must(f"amelio unfreeze {' '.join(FROZEN)} && git commit -q -am 'Judge each model'")
        yield reader


def blocks(language: str = "") -> list[str]:
    return BLOCK.findall((DOCS / f"guide{language}.md").read_text(encoding="utf-8"))


def commands(block: str) -> list[str]:
    return [line for line in block.splitlines() if line and not line.startswith("#")]


@pytest.mark.timeout(1200)
def test_every_block_of_the_guide(reader: Reader) -> None:
    seen, failed = [], []
    for block in blocks():
        lines = commands(block)
        seen.append(lines[0])
        try:
            reader.told = reader.must("\n".join(lines))
            if lines[0] in EFFECTS:
                EFFECTS[lines[0]](reader)
        except (AssertionError, OSError):
            failed.append(f"{lines[0]}\n{traceback.format_exc()}")
    assert not failed, "\n\n".join(failed)
    assert set(EFFECTS) <= set(seen)


def test_both_languages_have_the_same_blocks_and_sections() -> None:
    english, french = blocks(), blocks(".fr")
    assert [commands(block) for block in french] == [commands(block) for block in english]
    levels = [
        re.findall(r"^(#+) (?:\d\. )?", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("guide.md", "guide.fr.md")
    ]
    assert levels[0] == levels[1]


def the_pipeline_is_drawn(reader: Reader) -> None:
    assert "flowchart TD" in reader.told
    assert "up to date" in reader.told


def the_data_are_shared(reader: Reader) -> None:
    assert "pushed" in reader.told
    assert "in sync" in reader.told
    assert "mybucket" in reader.must("git show HEAD:.dvc/config")


def every_remote_has_them(reader: Reader) -> None:
    assert reader.told.count("pushed") == 3
    for name in ("azure", "google", "server"):
        reader.must(f"dvc status --cloud --remote {name} | grep 'in sync'")
    assert "AccountKey" not in reader.text(".dvc/config")
    assert "AccountKey" in reader.text(".dvc/config.local")


def the_secret_is_kept_out(reader: Reader) -> None:
    assert "gdrive://" in reader.text(".dvc/config")
    assert "not-to-be-committed" not in reader.text(".dvc/config")


def parameters_are_listed(reader: Reader) -> None:
    assert re.search(r"train\.optimizer +Muon", reader.told)
    assert "| params.yaml | train.optimizer | Muon |" in reader.text("reports/params.md")


def models_are_judged(reader: Reader) -> None:
    assert "budgets.max_latency_p95_ms" in reader.told
    assert "verdict" in reader.told


def experiments_ran(reader: Reader) -> None:
    assert "careful" in reader.told
    assert "train.batch_size" in reader.told
    assert "batch_size: 64" in reader.text("params.yaml")
    assert "up to date" in reader.must("dvc status")


def the_condition_is_told(reader: Reader) -> None:
    assert "train" in reader.told


def the_rules_are_judged(reader: Reader) -> None:
    assert "overall.average_accuracy" in reader.told
    assert reader.text("reports/check.md").startswith("# Quality")


def reports_are_there(reader: Reader) -> None:
    assert "metrics/train_metrics.json" in reader.text("reports/metrics_report.md")
    assert "flowchart" in reader.text("reports/pipeline_graph.md")
    assert "train.batch_size" in reader.text("reports/params_report.md")
    assert (reader.project / "dvc_plots/index.html").exists()
    assert "train.batch_size" in reader.text("reports/report.html")


def a_workflow_is_written(reader: Reader) -> None:
    assert "amelio repro" in reader.text(".github/workflows/dvc-pipeline.yml")
    assert "overall.average_accuracy" in reader.text("reports/summary.md")
    assert "mermaid" in reader.text("reports/comment.md")


def stages_ran(reader: Reader) -> None:
    assert "[train] starts: forced" in reader.told
    assert "up to date" in reader.must("dvc status")


def a_branch_is_made(reader: Reader) -> None:
    assert "train.batch_size" in reader.told
    assert "my-best-model" in reader.must("git branch")


def differences_are_told(reader: Reader) -> None:
    assert "overall.average_accuracy" in reader.told


def all_is_in_sync(reader: Reader) -> None:
    assert "up to date" in reader.told


def what_is_used_stays(reader: Reader) -> None:
    assert "Would be freed" in reader.told
    reader.must("dvc checkout -q && dvc status | grep 'up to date'")


def the_cache_is_shared(reader: Reader) -> None:
    assert "can be written and read" in reader.told
    model = reader.project / "models/best_model.pth"
    assert model.is_symlink() or model.stat().st_nlink > 1
    assert str(reader.shared) in reader.must("dvc cache dir")


def the_keys_are_kept_out(reader: Reader) -> None:
    assert re.search(r"production\s+s3://prod-bucket/dvc\s+\(default\)", reader.told)
    assert "YYY" not in reader.text(".dvc/config")
    assert "pushed" in reader.told


def it_is_for_good(reader: Reader) -> None:
    assert re.search(r"jobs: 4\b", reader.text("amelio.yaml"))


def the_costs_are_told(reader: Reader) -> None:
    assert "train" in reader.told
    assert "drive" in reader.told  # of what is wrong with the set-up
    assert reader.text("reports/reproducibility.md").startswith("# ")


EFFECTS: dict[str, Callable[[Reader], None]] = {
    "amelio repro --dry": the_pipeline_is_drawn,
    "amelio add data/raw": the_data_are_shared,
    "amelio remote add azure azure://mycontainer/dvcstore": every_remote_has_them,
    "amelio remote add drive gdrive://1AbCdEfGhIjKlMnOpQrStUvWxYz/dvcstore": the_secret_is_kept_out,
    "amelio params show": parameters_are_listed,
    "amelio repro compare_models monitor_drift performance_test": models_are_judged,
    "amelio freeze compare_models monitor_drift performance_test": experiments_ran,
    "amelio why train": the_condition_is_told,
    "amelio check": the_rules_are_judged,
    "amelio metrics diff --show-md > reports/metrics_report.md": reports_are_there,
    "amelio ci github --remote s3": a_workflow_is_written,
    "amelio repro": stages_ran,
    "amelio exp list --all": a_branch_is_made,
    "amelio metrics show": differences_are_told,
    "amelio status": all_is_in_sync,
    "amelio gc --workspace --cloud || test $? -eq 1": what_is_used_stays,
    "amelio cache dir": the_cache_is_shared,
    "amelio remote add -d production s3://prod-bucket/dvc": the_keys_are_kept_out,
    "amelio repro --jobs 4": it_is_for_good,
    "amelio perf": the_costs_are_told,
}
