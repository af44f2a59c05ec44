"""Small YAML files that stand for billions of values are refused, wherever DVC would read them."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from hypothesis import given
from hypothesis import strategies as st

from amelio.cli import run
from amelio.dvcio.yaml.bounded import line_beyond

BOMB = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
STAGE = "stages:\n  a:\n    cmd: echo hello > out\n    outs: [out]\n"
BOMBS = {
    "dvc.yaml": {"dvc.yaml": STAGE + "vars:\n- " + BOMB.replace("\n", "\n  ")},
    "params.yaml": {"dvc.yaml": STAGE + "    params: [l8]\n", "params.yaml": BOMB},
    "vars.yaml": {"dvc.yaml": "vars: [vars.yaml]\n" + STAGE, "vars.yaml": BOMB},
    "dvc.lock": {
        "dvc.yaml": STAGE,
        "dvc.lock": "schema: '2.0'\nstages:\n  " + BOMB.replace("\n", "\n  "),
    },
    "data.dvc": {
        "dvc.yaml": STAGE,
        "data.dvc": "outs:\n- path: data\nmeta:\n  " + BOMB.replace("\n", "\n  "),
    },
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("place", BOMBS)
def test_a_bomb(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    Repo.init().close()
    for name, text in BOMBS[place].items():
        (tmp_path / name).write_text(text)
    for words in (["repro"], ["why", "a"]):
        assert run(words) == 2
        told = capsys.readouterr().err
        assert f"{place}:" in told
        assert "its aliases stand for more than 1,000,000 values" in told
        assert not (tmp_path / "out").exists()


def test_an_alias_of_itself() -> None:
    assert line_beyond("a: 1\nb: &b [x, *b]\n", 10) == 2


def values(tree: object) -> int:
    if isinstance(tree, dict):
        return 1 + sum(values(key) + values(item) for key, item in tree.items())
    if isinstance(tree, list):
        return 1 + sum(map(values, tree))
    return 1


trees = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)


@given(trees, st.integers(1, 4))
def test_counts_as_if_written_out(tree: object, n: int) -> None:
    shared = [tree] * n  # PyYAML writes aliases for what is the same object
    text = yaml.dump(shared)
    total = values(json.loads(json.dumps(shared)))
    has_alias = "*" in text
    assert (line_beyond(text, total) is None) or not has_alias
    if has_alias:
        assert line_beyond(text, total - 1) is not None
