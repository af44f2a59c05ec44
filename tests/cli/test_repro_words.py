"""What is understood without typer is what typer would have understood."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amelio.cli import repro
from amelio.cli.app import run_app
from amelio.cli.repro_words import FLAGS, WITH_NUMBER, ReproWords, plain_words

NUMBERS = [
    "0",
    "1",
    "007",
    "12345678901234567890",
    "-1",
    "+1",
    "1_0",
    "1.0",
    " 1",
    "٣",
    "²",
    "x",
    "",
]
OTHERS = [
    "a",
    "a.dvc",
    "",
    "train@1",
    "ä b",
    "--",
    "-",
    "--json",
    "-j4",
    "--jobs=4",
    "-kq",
    "--no-f",
]
WORDS = st.lists(st.sampled_from([*FLAGS, *WITH_NUMBER, *NUMBERS, *OTHERS]), max_size=6)


@given(WORDS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_words_are_typers(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    said = plain_words(words)
    heard: list[ReproWords] = []

    def run_repro(words: ReproWords) -> int:
        heard.append(words)
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(repro, "run_repro", run_repro)
        if said is not None:
            assert run_app(["repro", *words]) == 0
            assert heard == [said]


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_is_its_parameter(flag: str) -> None:
    said = plain_words([flag, "--jobs", "3", "a", "b"])
    assert said is not None
    unlike = {
        name for name, value in said._asdict().items() if value != getattr(ReproWords(), name)
    }
    assert unlike == {"targets", "jobs", FLAGS[flag]}
    assert (said.targets, said.jobs) == (("a", "b"), 3)


@pytest.mark.parametrize(
    "words", [["-j"], ["-j", "0"], ["-j", "x"], ["--jobs", "-1"], ["--"], ["-f"], ["--dry"]]
)
def test_others_are_left_to_typer(words: list[str]) -> None:
    assert plain_words(words) is None
