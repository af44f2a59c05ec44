"""Parameters that reach a shell: plain words as DVC has them, anything else refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from amelio.model import OnError, Outcome
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

PAYLOADS = [
    line
    for line in (Path(__file__).parent / "injections.txt").read_text(encoding="utf-8").split("\n")
    if line
]
TEMPLATES: dict[str, tuple[Any, Callable[[str], Any]]] = {
    "plain": ("echo ${name} > out", lambda text: {"name": text}),
    "quoted": ("echo '${name}' > out", lambda text: {"name": text}),
    "nested": ("echo a-${a.b} > out", lambda text: {"a": {"b": text}}),
    "key": ("echo ${a} > out", lambda text: {"a": {text: 1}}),
    "list": (["true", "echo ${name} > out"], lambda text: {"name": text}),
}


def test_fifty_payloads_are_at_hand() -> None:
    assert len(set(PAYLOADS)) >= 50


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_payload_reaches_a_shell(project: Project, template: str) -> None:
    command, params = TEMPLATES[template]
    project.stages(**{f"s{n}": _stage(command, n) for n in range(len(PAYLOADS))})
    for n, payload in enumerate(PAYLOADS):
        _dump(project.root / f"params{n}.yaml", {f"s{n}": params(payload)})
    text = {"vars": [f"params{n}.yaml" for n in range(len(PAYLOADS))]}
    whole = YAML().load(project.read("dvc.yaml"))
    _dump(project.root / "dvc.yaml", {**text, **whole})
    result = project.repro(on_error=OnError.KEEP_GOING)
    assert result.exit_code == 2
    assert not list(project.root.rglob("PWNED*"))
    for stage in result.run.stages:
        assert stage.outcome is Outcome.FAILED
        assert f"{stage.name}: parameters in its command are not plain words: ${{" in stage.message
        assert "core.allow_unsafe_params: true" in stage.message


def _stage(command: str | list[str], n: int) -> dict[str, object]:
    def own(line: str) -> str:
        return line.replace("${", f"${{s{n}.").replace("> out", f"> out{n}")

    lines = [own(line) for line in command] if isinstance(command, list) else own(command)
    return {"cmd": lines, "outs": [f"out{n}"]}


def _dump(path: Path, content: object) -> None:
    with path.open("w") as file:
        YAML().dump(content, file)


def test_plain_words_run_as_with_dvc(project: Project) -> None:
    project.write(
        "params.yaml",
        "lr: 1e-05\nname: a_b-c.d/e:f,g=h@i%j+k\nwords: two words\nflag: true\n"
        "opts: {quiet: true, path: \"it's; here\", n: [1, two]}\nmodels: [cnn, 'résnet']\n",
    )
    project.stages(
        a={"cmd": "echo ${lr} ${name} ${words} ${flag} > a", "outs": ["a"]},
        b={"cmd": "echo ${opts} > b", "outs": ["b"]},
    )
    assert set(project.outcomes().values()) == {"ran"}
    assert project.read("b") == "--quiet --path it's; here --n 1 two\n"
    lock = project.read("dvc.lock")
    project.dvc("repro", "-f")
    assert project.read("dvc.lock") == lock


def test_what_dvc_yaml_itself_says_may_be_anything(project: Project) -> None:
    project.write(
        "dvc.yaml",
        "vars: [{command: 'echo one; echo two'}]\nstages:\n  a:\n    cmd: (${command}) > a\n"
        "    outs: [a]\n  b:\n    foreach: ['x && echo y']\n    do:\n"
        "      cmd: (echo ${item}) > b\n      outs: [b]\n",
    )
    assert set(project.outcomes().values()) == {"ran"}
    assert (project.read("a"), project.read("b")) == ("one\ntwo\n", "x\ny\n")


def test_a_project_may_allow_it_and_a_forecast_tells(project: Project) -> None:
    project.write("params.yaml", "text: 'one; echo two'\n")
    project.stages(a={"cmd": "(echo ${text}) > a", "outs": ["a"]})
    found = project.forecast()["a"]
    assert found.outcome is Outcome.FAILED
    assert "${text} is 'one; echo two'" in found.message
    project.write("amelio.yaml", "core: {allow_unsafe_params: true}\n")
    assert project.outcomes() == {"a": "ran"}
    assert project.read("a") == "one\ntwo\n"


def test_a_probe_is_a_command_as_well(project: Project) -> None:
    project.write("params.yaml", "text: 'one; touch PWNED'\n")
    meta = {"amelio": {"when": "probe.x > 1", "probe": "echo ${text}"}}
    project.stages(a={"cmd": "echo > a", "outs": ["a"], "meta": meta})
    assert "${text} is 'one; touch PWNED'" in project.forecast()["a"].message
    result = project.repro()
    assert result.exit_code == 2
    assert "${text} is 'one; touch PWNED'" in result.run.stages[0].message
    assert not (project.root / "PWNED").exists()
