"""Every command line of the original guide, with `amelio` for `dvc`: run, and its effect seen."""

import json
import re
import subprocess
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Shell
from tests.e2e.original_project import make_project
from tests.e2e.servers import google, s3

LINES = Path(__file__).with_name("original_guide.txt")
BUCKETS = ("mybucket", "prod-bucket")
NEW_BATCH_SIZES = {64, 128, 256}

Done = subprocess.CompletedProcess[str]


@dataclass
class Guide:
    """The copy that the lines are run in, and what stands around it."""

    project: Path
    shared: Path
    shell: Shell
    environment: dict[str, str]

    def run(self, line: str) -> Done:
        """Run a line of the guide; /shared may not be this user's to write to."""
        line = re.sub(r"^dvc ", "amelio ", line).replace(" /shared/", f" {self.shared}/")
        return self.shell(line, cwd=self.project, **self.environment)

    def must(self, line: str) -> str:
        """Run a line that is to work, and return what it prints."""
        done = self.run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def params_of(self, revision: str) -> dict[str, float]:
        """What the training of a revision used."""
        text = self.must(f"git show {revision}:metrics/train_metrics.json")
        used: dict[str, float] = json.loads(text)["params"]
        return used

    def experiments(self) -> list[str]:
        """Names of all experiments."""
        return self.must("dvc exp list --all-commits --name-only").split()

    def n_waiting(self) -> int:
        """How many experiments wait in the queue."""
        found = json.loads(self.must("amelio exp status --json"))
        return sum(entry["status"] == "queued" for entry in found)

    def alias(self, experiment: str, name: str) -> None:
        """Give an experiment one more name: one of those that the guide uses."""
        refs = self.must("git for-each-ref --format='%(objectname) %(refname)' refs/exps")
        commit, ref = next(line for line in refs.splitlines() if line.endswith(experiment)).split()
        self.must(f"git update-ref {ref.rpartition('/')[0]}/{name} {commit}")

    def objects(self, remote: str = "") -> int:
        """How many files the cache has, or the bucket of a remote."""
        if remote:
            import boto3

            client = boto3.client("s3", endpoint_url=self.environment["AWS_ENDPOINT_URL"])
            try:
                return int(client.list_objects_v2(Bucket=remote)["KeyCount"])
            finally:
                client.close()
        return sum(path.is_file() for path in (self.project / ".dvc/cache/files").rglob("*"))


@pytest.fixture
def guide(tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guide]:
    with s3(tmp_path, BUCKETS) as amazon, google(tmp_path, "backup-bucket") as storage:
        environment = {**amazon.environment, **storage.environment}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        project = make_project(tmp_path / "project")
        yield Guide(project, tmp_path / "shared", shell, environment | summary)


def test_every_line_of_the_original_guide(guide: Guide) -> None:
    lines = [line for line in LINES.read_text().splitlines() if line and not line.startswith("#")]
    failed = []
    for line in lines:
        try:
            CHECKS[line](guide, line)
        except (AssertionError, ValueError, OSError) as problem:
            failed.append(f"{line}\n  {traceback.format_exc()}{problem}")
    assert not failed, "\n\n".join(failed)
    assert set(lines) == CHECKS.keys()


def commit_of(experiment: str) -> str:
    return f"$(git for-each-ref --format='%(objectname)' 'refs/exps/*/*/{experiment}')"


def nothing_changes(guide: Guide, line: str) -> None:
    before = guide.must("git status --porcelain")
    guide.must(line)
    assert guide.must("git status --porcelain") == before


def a_remote_is_the_default(guide: Guide, line: str) -> None:
    guide.must(line)
    name, url = line.split()[-2:]
    assert [name, url, "(default)"] in map(str.split, guide.must("dvc remote list").splitlines())
    guide.must("git commit -q -am 'Name a remote'")


def data_arrive_in_the_bucket(guide: Guide, line: str) -> None:
    guide.must(line)
    assert guide.objects("mybucket") > guide.objects() / 2
    assert "in sync" in guide.must("dvc status --cloud")


def it_trained_with(guide: Guide, line: str) -> None:
    before = set(guide.experiments())
    guide.must(line)
    (new,) = set(guide.experiments()) - before
    assert guide.params_of(commit_of(new))["learning_rate"] == pytest.approx(0.01)
    guide.must("git checkout -q . && dvc checkout -q")


def it_waits_in_the_queue(guide: Guide, line: str) -> None:
    before = guide.n_waiting()
    guide.must(line)
    assert guide.n_waiting() == before + 1


def all_of_the_queue_ran(guide: Guide, line: str) -> None:
    before = set(guide.experiments())
    guide.must(line)
    new = sorted(set(guide.experiments()) - before)
    refs = [commit_of(name) for name in new]
    assert {guide.params_of(ref)["batch_size"] for ref in refs} == NEW_BATCH_SIZES
    assert guide.n_waiting() == 0
    of_64 = next(n for n in new if guide.params_of(commit_of(n))["batch_size"] == 64)
    for experiment, alias in zip(
        [of_64, new[0], new[1], new[0], new[1], new[2]],
        ["exp-12345", "exp-1", "exp-2", "exp-old-1", "exp-old-2", "exp-best"],
        strict=True,
    ):
        guide.alias(experiment, alias)


def the_table_has_what_differs(guide: Guide, line: str) -> None:
    table = guide.must(line)
    assert "exp-12345" in table
    assert "batch_size" in table
    assert "threads" not in table


def the_workspace_is_the_experiments(guide: Guide, line: str) -> None:
    guide.must(line)
    applied = json.loads((guide.project / "metrics/train_metrics.json").read_text())["params"]
    assert applied == guide.params_of(commit_of("exp-12345"))


def a_report_is_written(guide: Guide, line: str) -> None:
    guide.must(line)
    text = (guide.project / line.split()[-1]).read_text()
    assert {
        "metrics_report.md": "| metrics/train_metrics.json",
        "pipeline_graph.md": "flowchart TD",
        "params_report.md": "train.batch_size",
    }[line.rpartition("/")[2]] in text


def missing_data_come_back(guide: Guide, line: str) -> None:
    model = guide.project / "models/best_model.pth"
    before = model.read_bytes()
    guide.must("dvc push -q && rm -rf models/best_model.pth .dvc/cache/files")
    guide.must(line)
    assert model.read_bytes() == before


def nothing_is_left_to_do(guide: Guide, line: str) -> None:
    guide.must(line)
    assert "up to date" in guide.must("dvc status")


def the_summary_has_the_metrics(guide: Guide, line: str) -> None:
    guide.must(line)
    summary = Path(guide.environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert "overall.average_accuracy" in summary
    assert summary.startswith("| Path")


def training_runs_again(guide: Guide, line: str) -> None:
    assert re.search(r"^\[train\] starts: forced", guide.must(line), flags=re.MULTILINE)
    assert "up to date" in guide.must("dvc status")


def it_is_said_and_not_done(guide: Guide, line: str) -> None:
    params, model = guide.project / "params.yaml", guide.project / "models/best_model.pth"
    before, time = params.read_text(), model.stat().st_mtime_ns
    params.write_text(before.replace("label_smoothing: 0.1\n", "label_smoothing: 0.2\n"))
    told = guide.must(line)
    params.write_text(before)
    assert "train would run" in told
    assert "parameter params.yaml:train" in told
    assert model.stat().st_mtime_ns == time


def experiments_are_listed(guide: Guide, line: str) -> None:
    told = guide.must(line)
    assert all(name in told for name in ("exp-1", "exp-2", "exp-best", "exp-old-1"))


def two_experiments_differ(guide: Guide, line: str) -> None:
    told = guide.must(line)
    assert "train.batch_size" in told


def old_experiments_are_gone(guide: Guide, line: str) -> None:
    before = set(guide.experiments())
    done = guide.run(line)
    assert done.returncode == 1
    assert "exp-old-1" in done.stdout
    assert "nothing was removed: there is no terminal to ask at" in done.stderr
    assert set(guide.experiments()) == before
    guide.must(f"{line} --yes")
    assert before - set(guide.experiments()) == {"exp-old-1", "exp-old-2"}


def a_branch_has_the_experiment(guide: Guide, line: str) -> None:
    guide.must(line)
    commit = guide.must("git for-each-ref --format='%(objectname)' 'refs/exps/*/*/exp-best'")
    assert guide.must("git rev-parse my-best-model") == commit


def metrics_are_shown(guide: Guide, line: str) -> None:
    told = guide.must(line)
    assert "overall.average_accuracy" in told
    assert "metrics/eval_metrics.json" in told


def metrics_are_compared(guide: Guide, line: str) -> None:
    assert re.search(r"train_metrics\.json +params\.batch_size +128 +64 +-64", guide.must(line))


def all_parameters_are_shown(guide: Guide, line: str) -> None:
    told = guide.must(line)
    assert re.search(r"params\.yaml +train\.batch_size +\d+", told)
    assert re.search(r"params\.yaml +inference\.output_path +outputs/predictions\.csv", told)


def branches_are_named_and_compared(guide: Guide, line: str) -> None:
    guide.must("git branch -m trunk")
    unknown = guide.run(line)
    assert unknown.returncode == 2
    assert "no revision 'main' in this repository" in unknown.stderr
    assert "trunk" in unknown.stderr
    guide.must("git branch main HEAD")
    assert "train.batch_size" in guide.must(line)  # of the experiment that was applied


def it_is_up_to_date(guide: Guide, line: str) -> None:
    assert "up to date" in guide.must(line)


def it_lists_and_asks(guide: Guide, line: str) -> None:
    before = guide.objects(), guide.objects("mybucket")
    done = guide.run(line)
    assert done.returncode == 1
    assert "nothing was freed: there is no terminal to ask at" in done.stderr
    assert "models/best_model.pth" in done.stdout
    assert (guide.objects(), guide.objects("mybucket")) == before
    guide.must(f"{line} -f")
    assert guide.objects() <= before[0]
    assert guide.objects("mybucket") < before[1]
    nothing_is_left_to_do(guide, "dvc repro --dry")


def the_cache_is_there(guide: Guide, line: str) -> None:
    former = guide.must("dvc cache dir").strip()
    told = guide.must(line)
    folder = Path(line.split()[-1].replace("/shared", str(guide.shared)))
    if not folder.is_absolute():
        folder = guide.project / folder
    assert guide.must("dvc cache dir").strip() == str(folder)
    assert "can be written and read" in told
    assert "links to it that work here: " in told
    if former != str(folder):
        guide.must(f"cp -a {former}/. {folder}/")
    assert "up to date" in guide.must("dvc status")


def links_are_of_the_kind(guide: Guide, line: str) -> None:
    guide.must(line)
    assert guide.must("dvc config cache.type").strip() == "hardlink,symlink"
    guide.must("dvc checkout --relink -q models/best_model.pth")
    model = guide.project / "models/best_model.pth"
    assert model.is_symlink() or model.stat().st_nlink > 1


def a_second_remote_works(guide: Guide, line: str) -> None:
    guide.must(line)
    assert "pushed" in guide.must("dvc push -r backup")


def a_credential_is_not_committed(guide: Guide, line: str) -> None:
    option, value = line.split()[-2:]
    done = guide.run(line)
    assert done.returncode == 0
    assert "is a credential: written to .dvc/config.local" in done.stderr
    assert value not in (guide.project / ".dvc/config").read_text()
    assert f"{option} = {value}" in (guide.project / ".dvc/config.local").read_text()
    assert guide.must("git check-ignore .dvc/config.local")
    if option == "secret_access_key":
        assert "pushed" in guide.must("dvc push -r production")
        assert guide.objects("prod-bucket") > 0


def four_at_a_time(guide: Guide, line: str) -> None:
    guide.must("rm outputs/lots/*.csv")
    nothing_is_left_to_do(guide, line)
    assert len(list((guide.project / "outputs/lots").glob("*.csv"))) == 1


def it_stays_so(guide: Guide, line: str) -> None:
    guide.must(line)
    assert re.search(r"jobs: 4\b", (guide.project / "amelio.yaml").read_text())
    assert "up to date" in guide.must("dvc status")  # the key would break plain DVC's file


def the_size_is_told(guide: Guide, line: str) -> None:
    assert ".dvc/cache" in guide.must(line)


CHECKS: dict[str, Callable[[Guide, str], None]] = {
    "dvc add data/raw": nothing_changes,
    "dvc remote add -d myremote s3://mybucket/dvcstore": a_remote_is_the_default,
    "dvc push": data_arrive_in_the_bucket,
    "dvc exp run --set-param train.learning_rate=0.01": it_trained_with,
    "dvc exp run --queue --set-param train.batch_size=64": it_waits_in_the_queue,
    "dvc exp run --queue --set-param train.batch_size=128": it_waits_in_the_queue,
    "dvc exp run --queue --set-param train.batch_size=256": it_waits_in_the_queue,
    "dvc exp run --queue --run-all --jobs 4": all_of_the_queue_ran,
    "dvc exp show --only-changed": the_table_has_what_differs,
    "dvc exp apply exp-12345": the_workspace_is_the_experiments,
    "dvc metrics diff --show-md > reports/metrics_report.md": a_report_is_written,
    "dvc dag --md > reports/pipeline_graph.md": a_report_is_written,
    "dvc params diff --all --show-md > reports/params_report.md": a_report_is_written,
    "dvc pull": missing_data_come_back,
    "dvc repro": nothing_is_left_to_do,
    "dvc metrics show --show-md >> $GITHUB_STEP_SUMMARY": the_summary_has_the_metrics,
    "dvc repro evaluate": nothing_is_left_to_do,
    "dvc repro -f train": training_runs_again,
    "dvc repro --dry": it_is_said_and_not_done,
    "dvc exp list --all": experiments_are_listed,
    "dvc exp diff exp-1 exp-2": two_experiments_differ,
    "dvc exp remove exp-old-*": old_experiments_are_gone,
    "dvc exp branch exp-best my-best-model": a_branch_has_the_experiment,
    "dvc metrics show": metrics_are_shown,
    "dvc metrics diff HEAD~1": metrics_are_compared,
    "dvc params show": all_parameters_are_shown,
    "dvc params diff main": branches_are_named_and_compared,
    "dvc status": it_is_up_to_date,
    "dvc gc --workspace --cloud": it_lists_and_asks,
    "dvc cache dir .dvc/cache": the_cache_is_there,
    "dvc cache dir /shared/dvc-cache": the_cache_is_there,
    "dvc config cache.type hardlink,symlink": links_are_of_the_kind,
    "dvc remote add -d production s3://prod-bucket/dvc": a_remote_is_the_default,
    "dvc remote add backup gs://backup-bucket/dvc": a_second_remote_works,
    "dvc remote modify production access_key_id XXX": a_credential_is_not_committed,
    "dvc remote modify production secret_access_key YYY": a_credential_is_not_committed,
    "dvc repro --jobs 4": four_at_a_time,
    "dvc config core.jobs 4": it_stays_so,
    "du -sh .dvc/cache": the_size_is_told,
}
