"""`amelio perf`: times, cache, sizes and reruns of a real pipeline; what is asked of remotes."""

import json
import subprocess
from pathlib import Path

import pytest

from amelio.actions.perf import NOT_ASKED, Part, save
from amelio.actions.rerun import RerunOptions, rerun
from amelio.dvcio.remotes.remotes import ask
from amelio.dvcio.workspace import open_workspace
from amelio.insight.perf import records
from amelio.insight.reproducibility import Check
from amelio.model import Outcome
from tests.actions.engine_project import Project
from tests.actions.perf_project import STAGES, commit, perf, score
from tests.conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value")  # DVC's use of pygtrie


def _edit(project: Project, name: str, old: str, new: str) -> None:
    project.write(name, project.read(name).replace(old, new))


@pytest.mark.usefixtures("clean")
def test_every_stage_has_its_times_and_the_path_goes_through_the_slowest() -> None:
    times = perf(Part.TIMES).times
    assert times is not None
    assert [stage.name for stage in times.stages] == ["clean", "fit", "part@1", "part@2"]
    assert all(stage.last_s for stage in times.stages)
    assert times.critical.stages[0][0] == "clean"
    assert times.critical.total_s < times.critical.serial_s
    assert times.runs[0].busy_s <= times.runs[0].wall_s


def test_hits_misses_and_reasons_are_counted(clean: Project) -> None:
    _edit(clean, "params.yaml", "rounds: 3", "rounds: 4")
    clean.repro()
    _edit(clean, "params.yaml", "rounds: 4", "rounds: 3")
    clean.repro()
    use = perf(Part.CACHE).cache_use
    assert use is not None
    assert use.n_runs == 3
    fit = next(stage for stage in use.stages if stage.name == "fit")
    assert fit.outcomes == {Outcome.RAN: 2, Outcome.RESTORED: 1}
    assert fit.misses == {"never ran": 1, "parameter": 1}
    (why,) = fit.last_miss
    assert why == "parameter params.yaml:fit.rounds: 3 → 4"
    assert fit.saved_s > 0
    part = next(stage for stage in use.stages if stage.name == "part@1")
    assert part.count(Outcome.UP_TO_DATE) == 2


def test_copies_and_links_are_told_apart(clean: Project) -> None:
    cache = perf(Part.CACHE).cache
    assert cache is not None
    assert [use.kind for use in cache.links] in (["copy"], ["reflink"])
    clean.write(".dvc/config.local", "[cache]\n    type = hardlink\n")
    clean.dvc("checkout", "--relink", "--quiet")
    cache = perf(Part.CACHE).cache
    assert cache is not None
    assert [(use.kind, use.n_files) for use in cache.links] == [("hardlink", 4)]


@pytest.mark.usefixtures("clean")
def test_sizes_by_stage_item_revision_and_remote() -> None:
    sizes = perf(Part.SIZES).sizes
    assert sizes is not None
    assert {each.name: each.size_bytes for each in sizes.stages}["data/rows.csv.dvc"] == 8
    lots = [(lot.group, lot.item, lot.in_bytes, lot.out_bytes) for lot in sizes.lots]
    assert lots == [("part", "1", 0, 2), ("part", "2", 0, 4)]
    (revision,) = sizes.revisions
    assert revision.size_bytes == 8 + 6 + 2 + 4
    assert revision.new_bytes == revision.size_bytes
    assert sizes.remote is not None
    assert (sizes.remote.n_files, sizes.remote.size_bytes) == (4, 20)
    assert (sizes.garbage.n_runs, sizes.garbage.unrecorded_bytes) == (0, 0)


def test_garbage_is_priced_by_the_runs_that_made_it(clean: Project) -> None:
    _edit(clean, "params.yaml", "least: 2", "least: 3")
    clean.repro()
    commit(clean)
    sizes = perf(Part.SIZES).sizes
    assert sizes is not None
    garbage = sizes.garbage
    assert garbage.n_runs == 3  # of clean, part@1 and part@2
    assert garbage.size_bytes >= 6 + 2 + 4
    assert garbage.again_s > 0
    assert garbage.inputs == ()
    assert len(sizes.revisions) == 2


def test_replaced_inputs_among_the_garbage_are_named(clean: Project) -> None:
    (clean.root / "data/rows.csv").write_text("5\n6\n")
    clean.dvc("add", "--quiet", "data/rows.csv")
    sizes = perf(Part.SIZES).sizes
    assert sizes is not None
    assert sizes.garbage.inputs == ("data/rows.csv",)


def test_the_figures_are_saved_as_a_metrics_file(clean: Project) -> None:
    path = save(clean.root, perf())
    found = json.loads(path.read_text())
    assert found["reproducibility"]["score"] == 100
    assert found["times"]["stages_s"].keys() == {"clean", "fit", "part@1", "part@2"}
    assert found["sizes"]["inputs_bytes"] == 8
    commit(clean)
    save(clean.root, perf())
    assert score().value == 100  # the file itself is no uncommitted change


@pytest.mark.usefixtures("clean")
def test_json_holds_what_was_asked_for() -> None:
    json.dumps(records(perf()), default=str)
    assert records(perf(Part.CACHE)).keys() == {"cache"}


def _rerun(n_stages: int) -> Check:
    return rerun(open_workspace(is_quiet=True), RerunOptions(n_stages, 0.0), lambda _: None)


def _state(project: Project) -> tuple[str, str, str]:
    words = ["git", "status", "--porcelain", "--ignored"]
    done = subprocess.run(words, cwd=project.root, capture_output=True, text=True, check=True)
    words = ["git", "worktree", "list"]
    trees = subprocess.run(words, cwd=project.root, capture_output=True, text=True, check=True)
    return done.stdout, trees.stdout, project.read("dvc.lock")


@pytest.mark.slow
def test_stages_run_again_make_the_same_and_leave_nothing_behind(clean: Project) -> None:
    (clean.root / "clean.csv").unlink()  # the worktree takes its data from the cache
    before = _state(clean)
    check = _rerun(99)
    assert check.findings == ()
    assert check.n_seen == 4
    assert _state(clean) == before


def test_a_stage_that_makes_something_else_each_time_is_named(clean: Project) -> None:
    _edit(clean, "src/fit.py", "random.seed(params['seed'])\n", "")
    clean.stages(fit={**STAGES["fit"], "deps": ["src/fit.py", "src/shared.py"]})
    clean.repro()
    commit(clean)
    before = _state(clean)
    check = _rerun(1)
    told = [finding.text.partition(":")[0] for finding in check.findings]
    assert told == ["fit made something else"]
    assert _state(clean) == before


@pytest.mark.slow
def test_a_file_that_nobody_declared_is_missed_in_the_clean_worktree(clean: Project) -> None:
    clean.write("notes/extra.txt", "1\n")
    clean.write(".gitignore", clean.read(".gitignore") + "/notes\n")
    _edit(clean, "src/clean.py", "least = ", "open('notes/' + 'extra.txt')\nleast = ")
    clean.repro()
    commit(clean)
    check = _rerun(4)
    assert "clean did not run through in a clean worktree" in check.findings[0].text
    assert "extra.txt" in check.findings[0].text


@pytest.mark.slow
def test_a_dead_remote_leaves_the_rest_of_the_report(clean: Project) -> None:
    url = "s3://data/store\n    endpointurl = http://127.0.0.1:9\n    access_key_id = a"
    config = clean.read(".dvc/config").replace("../../remote", url)
    clean.write(".dvc/config", f"{config}    secret_access_key = b\n")
    undecided = {check.name: check.undecided for check in score().checks}
    assert undecided["inputs-pushed"] == NOT_ASKED
    asked = perf(is_remote_asked=True)
    assert asked.sizes is not None
    assert asked.sizes.remote is not None
    assert asked.sizes.remote.problem
    assert asked.times is not None


def test_a_remote_is_asked_without_importing_from_the_repository(clean: Project) -> None:
    for name in ("yaml", "json", "dvc"):
        clean.write(f"{name}.py", "open('executed', 'w')\n")
    assert ask(clean.root, "near", 30.0).problem == ""
    assert not (clean.root / "executed").exists()


def test_nothing_of_the_repository_is_executed(clean: Project) -> None:
    bomb = "open('executed', 'w')\n"
    for name in ("src/clean.py", "src/fit.py", "src/shared.py", "conftest.py", "setup.py"):
        clean.write(name, bomb)
    clean.write("src/part.sh", "touch executed\n")
    clean.write("amelio.yaml", "core: {jobs: 1}\n")
    perf()
    assert not (clean.root / "executed").exists()


def test_the_command_line_prints_tables_markdown_and_json(clean: Project, amelio: Run) -> None:
    shown = amelio("perf", cwd=clean.root)
    assert shown.returncode == 0, shown.stderr
    for heading in ("Run time", "Cache", "Artefact sizes", "Reproducibility  100 of 100"):
        assert heading in shown.stdout
    page = amelio("perf", "score", "--md", cwd=clean.root).stdout
    assert "| ✓ seeds | 10 of 10 |" in page
    both = amelio("perf", "--md", "--json", cwd=clean.root)
    assert both.returncode == 2
    assert amelio("perf", "times", "--rerun", "1", cwd=clean.root).returncode == 2


def test_outside_of_a_repository_it_is_one_message(tmp_path: Path, amelio: Run) -> None:
    for word in ("perf", "health"):
        done = amelio(word, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("amelio: you are not inside of a DVC repository")


@pytest.mark.parametrize("text", ["stages: [", "stages:\n  a:\n    comd: x\n"])
def test_a_broken_pipeline_file_is_one_message(text: str, repository: Path, amelio: Run) -> None:
    (repository / "dvc.yaml").write_text(text)
    done = amelio("perf", cwd=repository)
    assert done.returncode == 2
    assert "dvc.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_repository_has_nothing_to_tell_but_tells_it(
    repository: Path, amelio: Run
) -> None:
    done = amelio("perf", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "no run of `amelio repro` is recorded yet" in done.stdout
