"""`when:` and `probe:` on real repositories."""

import json

import pytest

from amelio.cli.instant import instant
from amelio.cli.repro_words import ReproWords
from amelio.errors import InputError
from amelio.model import ReasonKind
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

RETRAIN = (
    "not changed.only_data or params.retrain.policy == 'always'"
    " or probe.overall.average_accuracy < params.retrain.below"
)

ASKING = "not changed.only_data or probe.overall.average_accuracy < 0.9"
PROBE = 'echo >> asked; echo "{\\"overall\\": {\\"average_accuracy\\": 0.95}}"\n'


@pytest.fixture
def retraining(project: Project) -> Project:
    """The guide's pipeline in small: new data alone retrains only if the probe is bad."""
    project.write("data", "1")
    project.write("train.py", "# 1")
    project.write("params.yaml", "lr: 1\nretrain: {policy: if_needed, below: 0.9}\n")
    project.write("accuracy", "0.95")
    probe = 'echo >> asked; echo "{\\"overall\\": {\\"average_accuracy\\": $(cat accuracy)}}"'
    project.stages(
        prepare={"cmd": "cp data prepared", "deps": ["data"], "outs": ["prepared"]},
        train={
            "cmd": "cat prepared train.py > model",
            "deps": ["prepared", "train.py"],
            "params": ["lr"],
            "outs": ["model"],
            "meta": {"amelio": {"when": RETRAIN, "probe": probe}},
        },
        predict={"cmd": "cp model result", "deps": ["model"], "outs": ["result"]},
    )
    assert set(project.outcomes().values()) == {"ran"}
    assert not (project.root / "asked").exists()  # it never ran before: the probe was not needed
    assert instant(ReproWords()) == 0
    return project


def _n_asked(project: Project) -> int:
    path = project.root / "asked"
    return len(path.read_text()) if path.exists() else 0


def _ask_by(project: Project, probe: str) -> None:
    text = project.read("dvc.yaml")
    start, end = text.index("probe: "), text.index("predict:")
    project.write("dvc.yaml", f"{text[:start]}probe: {json.dumps(probe)}\n  {text[end:]}")


def test_new_data_alone_retrains_only_when_the_probe_says_so(retraining: Project) -> None:
    lock = retraining.read("dvc.lock")
    retraining.write("data", "2")
    result = retraining.repro()
    found = {stage.name: stage for stage in result.run.stages}
    assert {name: stage.outcome.value for name, stage in found.items()} == {
        "prepare": "ran", "train": "skipped", "predict": "up to date",
    }  # fmt: skip
    assert "probe.overall.average_accuracy = 0.95" in found["train"].message
    assert "params.retrain.below = 0.9" in found["train"].message
    assert result.exit_code == 0
    assert retraining.read("model") == "1# 1"
    assert retraining.read("dvc.lock") != lock  # `prepare` is in it
    assert "train" in retraining.dvc("status")  # plain DVC goes on telling that inputs moved
    assert _n_asked(retraining) == 1
    assert instant(ReproWords()) is None  # what ran may be what a probe looks at
    assert retraining.outcomes()["train"] == "skipped"
    assert _n_asked(retraining) == 1  # the same inputs: what it printed still counts
    assert instant(ReproWords()) == 0
    retraining.write("params.yaml", "lr: 1\nretrain: {policy: if_needed, below: 0.99}\n")
    assert retraining.outcomes() == {"prepare": "up to date", "train": "ran", "predict": "ran"}
    assert _n_asked(retraining) == 1


def test_other_changes_retrain_without_asking(retraining: Project) -> None:
    for name, text in (
        ("train.py", "# 2"),
        ("params.yaml", "lr: 2\nretrain: {policy: if_needed, below: 0.9}\n"),
    ):
        retraining.write("data", f"data for {name}")
        retraining.write(name, text)
        assert retraining.outcomes()["train"] == "ran"
    retraining.write("data", "3")
    retraining.write("params.yaml", "lr: 2\nretrain: {policy: always, below: 0.9}\n")
    assert retraining.outcomes()["train"] == "ran"
    assert _n_asked(retraining) == 0


def test_force_does_not_ask(retraining: Project) -> None:
    retraining.write("data", "2")
    assert retraining.outcomes(force=True)["train"] == "ran"
    assert _n_asked(retraining) == 0


def test_a_dry_run_starts_no_probe(retraining: Project) -> None:
    retraining.write("data", "2")
    found = retraining.forecast()
    assert found["train"].message == "only if its probe makes the condition true"
    assert found["train"].is_undecided
    told = next(r for r in found["train"].reasons if r.kind is ReasonKind.CONDITION)
    assert told.new == "not known yet"
    assert "changed.only_data = true" in told.note
    assert "params.retrain.below = 0.9" in told.note
    assert _n_asked(retraining) == 0


def test_the_forecast_does_not_go_by_an_answer_on_older_data(retraining: Project) -> None:
    retraining.write("data", "2")
    assert retraining.outcomes()["train"] == "skipped"
    retraining.write("data", "3")
    found = retraining.forecast()
    assert (found["train"].outcome, found["train"].is_undecided) == ("ran", True)
    retraining.write("accuracy", "0.5")
    assert retraining.outcomes()["train"] == "ran"


def test_the_forecast_does_not_go_by_metrics_that_would_be_made_anew(project: Project) -> None:
    project.write("in", "0.9")
    when = "metrics.m.accuracy > 0.8"
    project.stages(
        evaluate={
            "cmd": 'echo "{\\"accuracy\\": $(cat in)}" > m.json',
            "deps": ["in"],
            "metrics": [{"m.json": {"cache": False}}],
        },
        deploy={
            "cmd": "cp m.json live",
            "deps": ["m.json"],
            "outs": ["live"],
            "meta": {"amelio": {"when": when}},
        },
    )
    assert project.outcomes() == {"evaluate": "ran", "deploy": "ran"}
    project.write("in", "0.95")
    found = project.forecast()
    assert found["deploy"].message == "only if new metrics make the condition true"
    assert found["deploy"].is_undecided
    project.write("in", "0.5")
    assert project.outcomes() == {"evaluate": "ran", "deploy": "skipped"}
    project.write("in", "0.97")  # the old metric would say no
    assert project.forecast()["deploy"].outcome == "ran"


def test_a_probe_that_writes_what_it_names_is_asked_once(retraining: Project) -> None:
    long = "y" * 300  # no file's name
    probe = f"echo >> asked; cat accuracy > seen.json ; echo {long} >&2; " + (
        """echo '{"overall": {"average_accuracy": 0.95}}' | tee seen.json"""
    )
    _ask_by(retraining, probe)
    retraining.write("seen.json", "{}")
    retraining.write("data", "2")
    assert retraining.outcomes()["train"] == "skipped"
    assert _n_asked(retraining) == 1


def test_an_answer_counts_only_for_the_model_that_gave_it(project: Project) -> None:
    project.write("data", "1")
    project.write("params.yaml", "lr: 1\n")
    meta = {"amelio": {"when": ASKING, "probe": "sh probe.sh"}}
    project.write("probe.sh", PROBE)
    project.stages(
        search={"cmd": "cat data > found", "deps": ["data"], "outs": ["found"], "meta": meta},
        train={
            "cmd": "cat data found params.yaml > model",
            "deps": ["data", "found"],
            "params": ["lr"],
            "outs": ["model"],
            "meta": meta,
        },
    )
    assert set(project.outcomes().values()) == {"ran"}
    project.write("data", "2")
    assert set(project.outcomes().values()) == {"skipped"}
    assert instant(ReproWords()) == 0
    n_asked = _n_asked(project)
    project.write("params.yaml", "lr: 2\n")
    assert project.outcomes() == {"search": "skipped", "train": "ran"}
    assert _n_asked(project) == n_asked
    assert instant(ReproWords()) is None
    assert project.outcomes() == {"search": "skipped", "train": "up to date"}
    assert _n_asked(project) == n_asked + 1  # the new model is asked
    assert project.forecast("search")["search"].outcome == "skipped"  # whatever is planned
    project.write("probe.sh", PROBE.replace("0.95", "0.5"))
    assert instant(ReproWords()) is None
    assert project.outcomes()["search"] == "ran"


def test_a_missing_output_that_is_in_the_lock_is_fetched_and_never_retrained(
    retraining: Project,
) -> None:
    (retraining.root / "model").unlink()
    assert retraining.outcomes()["train"] == "restored"
    (retraining.root / "model").unlink()
    for path in (retraining.root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file():
            path.unlink()
    result = retraining.repro("train")
    train = next(stage for stage in result.run.stages if stage.name == "train")
    assert train.outcome == "failed"
    assert "dvc pull train" in train.message
    assert result.exit_code in (1, 2)


def test_the_forecast_knows_what_becomes_of_a_conditional_stage_without_outputs(
    retraining: Project,
) -> None:
    (retraining.root / "model").unlink()
    retraining.write("params.yaml", "lr: 1\nretrain: {policy: if_needed, below: 0.9}\nno: 1\n")
    text = retraining.read("dvc.yaml")
    retraining.write("dvc.yaml", text.replace("when: ", "when: params.no > 1 and "))
    assert retraining.forecast()["train"].outcome == "restored"
    for path in (retraining.root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file() and path.read_text() == "1# 1":  # the model
            path.unlink()
    found = retraining.forecast()
    assert (found["train"].outcome, found["predict"].outcome) == ("failed", "not reached")
    assert "dvc pull train" in found["train"].message


def test_the_forecast_knows_what_a_skipped_stage_without_outputs_leaves_to_others(
    project: Project,
) -> None:
    project.write("params.yaml", "deploy: false\n")
    project.stages(
        a={"cmd": "echo > a", "outs": ["a"], "meta": {"amelio": {"when": "params.deploy"}}},
        b={"cmd": "cp a b", "deps": ["a"], "outs": ["b"]},
    )
    found = {name: forecast.outcome for name, forecast in project.forecast().items()}
    assert found == {"a": "skipped", "b": "not reached"}
    assert project.outcomes() == found


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("echo no json", "printed no JSON"),
        ("exit 3", "failed with exit code 3"),
        ("echo '{}'", "no probe.overall"),
    ],
)
def test_a_probe_that_does_not_answer(retraining: Project, probe: str, message: str) -> None:
    _ask_by(retraining, probe)
    retraining.write("data", "2")
    result = retraining.repro()
    train = next(stage for stage in result.run.stages if stage.name == "train")
    assert train.outcome == "failed"
    assert message in train.message


@pytest.mark.parametrize(
    ("when", "accuracy", "outcome"),
    [
        ("metrics['eval/metrics.json'].accuracy > 0.8", 0.9, "ran"),
        ("metrics['metrics'].accuracy > 0.8", 0.7, "skipped"),
        ("metrics.other.accuracy > 0.8 and exists('in')", 0.7, "ran"),
    ],
)
def test_metrics_of_ancestors_are_read_when_the_stage_is_ready(
    project: Project, when: str, accuracy: float, outcome: str
) -> None:
    project.write("in", str(accuracy))
    make = 'mkdir -p eval && echo "{\\"accuracy\\": $(cat in)}" > eval/metrics.json'
    project.stages(
        evaluate={
            "cmd": make,
            "deps": ["in"],
            "metrics": [{"eval/metrics.json": {"cache": False}}],
        },
        other={"cmd": "true", "metrics": ["other.json"], "frozen": True},
        deploy={
            "cmd": "echo > deployed",
            "deps": ["eval/metrics.json"],
            "outs": ["deployed"],
            "meta": {"amelio": {"when": when}},
        },
        after={"cmd": "cp deployed after", "deps": ["deployed"], "outs": ["after"]},
    )
    project.write("eval/metrics.json", '{"accuracy": 0.0}')
    found = project.outcomes("after")
    assert found["deploy"] == outcome
    assert found["after"] == ("ran" if outcome == "ran" else "not reached")


def test_metrics_of_others_are_as_they_were_when_the_run_started(project: Project) -> None:
    """Deploy only what is better than what is deployed."""
    project.write("in", "0.9")
    when = "metrics.new.accuracy > metrics.deployed.accuracy"
    project.stages(
        evaluate={
            "cmd": 'echo "{\\"accuracy\\": $(cat in)}" > new.json',
            "deps": ["in"],
            "metrics": ["new.json"],
        },
        overwrite={
            "cmd": 'sleep 0.1; echo "{\\"accuracy\\": 1.0}" > best.json',
            "deps": ["in"],
            "metrics": ["best.json"],
        },
        deploy={
            "cmd": "cp new.json deployed.json",
            "deps": ["new.json"],
            "metrics": ["deployed.json"],
            "meta": {"amelio": {"when": when}},
        },
        other={
            "cmd": "cp new.json other.json",
            "deps": ["new.json"],
            "outs": ["other.json"],
            "meta": {"amelio": {"when": "metrics.best.accuracy < metrics.new.accuracy"}},
        },
    )
    project.write("best.json", '{"accuracy": 0.1}')
    assert set(project.outcomes().values()) == {"ran"}  # `best.json` was 0.1 at the start
    project.write("in", "0.8")
    found = project.outcomes()
    assert (found["deploy"], found["other"]) == ("skipped", "skipped")
    assert "0.9" in project.read("deployed.json")
    project.write("in", "0.95")
    assert project.outcomes()["deploy"] == "ran"


def test_metrics_that_stand_beside_the_stages(project: Project) -> None:
    """As DVCLive writes them: the file lies in an output."""
    project.write("in", "0.9")
    train = 'mkdir live; echo "{\\"f1\\": $(cat in)}" > live/metrics.json'
    deploy = {"cmd": "cp live/metrics.json deployed", "deps": ["live"], "outs": ["deployed"]}
    project.stages(
        train={"cmd": train, "deps": ["in"], "outs": ["live"]},
        deploy={**deploy, "meta": {"amelio": {"when": "metrics['live/metrics.json'].f1 > 0.8"}}},
    )
    project.write("dvc.yaml", "metrics: [live/metrics.json]\n" + project.read("dvc.yaml"))
    assert project.outcomes()["deploy"] == "ran"
    project.write("in", "0.7")
    assert project.outcomes()["deploy"] == "skipped"


def test_a_broken_metrics_file_matters_to_who_asks_for_it(project: Project) -> None:
    project.write("bad.json", "{")
    stages = {"b": {"cmd": "echo '{}' > bad.json", "metrics": ["bad.json"]}}
    a = {"cmd": "echo > a", "outs": ["a"], "meta": {"amelio": {"when": "not metrics.bad.x > 1"}}}
    project.stages(**stages, a=a)
    (failed,) = project.repro("a").run.stages
    assert "unable to read: 'bad.json'" in failed.message
    a["meta"] = {"amelio": {"when": "exists('dvc.yaml') or metrics.bad.x > 1"}}
    project.stages(**stages, a=a)
    assert project.outcomes() == {"b": "ran", "a": "ran"}


def test_a_missing_metrics_file_makes_it_run_and_a_missing_key_is_an_error(
    project: Project,
) -> None:
    project.write("in", "1")
    stage = {"cmd": "cp in out", "deps": ["in"], "outs": ["out"]}
    project.stages(
        a={**stage, "meta": {"amelio": {"when": "metrics.m.accuracy > 0.5"}}},
        b={"cmd": "true", "metrics": [{"m.json": {"cache": False}}]},
    )
    result = project.repro("a")
    assert result.run.stages[0].outcome == "ran"
    assert "m.json is not there yet" in result.run.stages[0].reasons[-1].note
    project.write("m.json", '{"acuracy": 1}')
    project.write("in", "2")
    result = project.repro("a")
    assert "there is no metrics.m.accuracy; did you mean 'acuracy'" in result.run.stages[0].message
    assert result.exit_code == InputError.exit_code


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("exists(1)", "exists('path') takes one path, as text"),
        ("exists('a', 'b')", "exists('path') takes one path, as text"),
        ("env.HOME == 1", "env.HOME is not allowed; list it under `env:` in amelio.yaml"),
        ("probe.x > 1", "it asks for `probe`, but there is no meta.amelio.probe"),
        ("metrics.m > 1", "several metrics files are called 'm'; known are m.json, sub/m.json"),
        ("params.x + 1", "'one' is not a number"),
    ],
)
def test_a_condition_that_cannot_be_decided(project: Project, when: str, message: str) -> None:
    project.write("params.yaml", "x: one\n")
    project.stages(
        a={"cmd": "echo > a", "outs": ["a"], "meta": {"amelio": {"when": when}}},
        b={"cmd": "x", "frozen": True, "metrics": ["m.json", "sub/m.json"]},
    )
    result = project.repro("a")
    assert result.run.stages[0].message == f"dvc.yaml:8: a: meta.amelio.when: {message}"
    assert result.exit_code == 2


def test_the_same_condition_is_left_alone_by_plain_dvc(retraining: Project) -> None:
    retraining.write("data", "2")
    retraining.dvc("repro", "--quiet")
    assert set(retraining.outcomes().values()) == {"up to date"}


def test_a_stage_without_dependencies_that_never_ran_is_asked(project: Project) -> None:
    meta = {"amelio": {"when": "params.deploy"}}
    project.stages(a={"cmd": "echo > a", "outs": ["a"], "meta": meta})
    project.write("params.yaml", "deploy: false\n")
    assert project.outcomes() == {"a": "skipped"}
    project.write("params.yaml", "deploy: true\n")
    assert project.outcomes() == {"a": "ran"}
