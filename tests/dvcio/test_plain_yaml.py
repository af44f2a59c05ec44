"""The fast reader reads what ruamel, DVC's own reader, does, or says that it cannot."""

import io
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from dvc.utils.serialize._yaml import _get_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from amelio.dvcio.yaml.plain import NotPlainError, dump_plain_yaml, parse_plain_yaml

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4),
    max_leaves=12,
)
PIECES = [
    *"abyn0123._-+~=:,#?|>'\"[]{}&*!%@`$\\/ ", "\n", "\n", "\n  ", "\n    ", ": ", "- ",
    "k: ", "\nk: ",
    "${item}", "&&", " && ", "<<", "true", "null", "No", "1e3", "1e-05", "0x1F", "0o17", "017",
    "1_000", ".inf", ".5", "2020-01-01", "12:30", "|\n  ", ">-\n  ", "\t", "\r\n",
    "é", "\x85", "\u2028",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def by_ruamel(text: str) -> Any:
    return YAML(typ="safe").load(text) or {}


def shown(value: Any) -> str:
    """Tells 1 from 1.0 and True, and sees the order of keys."""
    return repr(value)


def require_same(text: str) -> None:
    with suppress(NotPlainError):
        found = parse_plain_yaml(text)
        try:
            expected = by_ruamel(text)
        except (YAMLError, ValueError) as error:
            raise AssertionError(f"{text!r} is {found!r}, but wrong to ruamel") from error
        assert shown(found) == shown(expected)


@given(VALUES)
def test_what_ruamel_writes(value: Any) -> None:
    stream = io.StringIO()
    YAML().dump({"key": value}, stream)
    require_same(stream.getvalue())


@settings(max_examples=400)
@given(TEXTS)
@example("a: x\n\n  y\n")
@example("cmd: a && b > c\n")
@example("a: [1, {b: 1e-05, c: 0o17}]\n")
@example("a: 1\na: 2\n")
@example("a: 2020-01-01\n")
@example("a: &x 1\nb: *x\n")
@example("|#")
@example("k: |#")
@example("k: >-2#\n  x")
@example("|\n#")
def test_any_text(text: str) -> None:
    require_same(text)


def test_ordinary_files_take_the_fast_way() -> None:
    text = (
        "stages:\n  a:\n    cmd: python a.py ${x} && echo 'done 1' > o\n    deps:\n    - a.py\n"
        "    outs: [o]\n    params: [train.lr]\n  b:\n    foreach: [1, 2]\n    do:\n"
        "      cmd: |\n        echo ${item}\n        rm *.tmp\n      outs:\n      - o${item}\n"
    )
    assert parse_plain_yaml(text) == by_ruamel(text)


WORDS = st.text(st.sampled_from("ab01ey/._-+:#,?|>'\"[]{}&*!%@`$=~<\\ \né"), max_size=90)
DUMPED = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def written_by_ruamel(data: Any) -> str:
    stream = io.StringIO()
    _get_yaml().dump(data, stream)
    return stream.getvalue()


@settings(max_examples=400)
@given(DUMPED | st.lists(WORDS, min_size=1) | st.dictionaries(WORDS, st.lists(WORDS, min_size=1)))
@example({"a": [[1, ["b", "c"]], {"d": {"e": ["f"]}}]})
@example({"1e3": "1e3", "md5": "12345678901234567890123456789012"})
@example({"cmd": "a " * 39 + "b", "deps": ["c" * 100]})
@example({"cmd": ".../a", "deps": ["...", "../a"]})
def test_what_is_written(data: Any) -> None:
    text = dump_plain_yaml(data)
    assert text is None or text == written_by_ruamel(data)


def test_one_list_in_two_places_is_not_plain() -> None:
    shared = ["a"]
    assert dump_plain_yaml({"a": shared, "b": shared}) is None


def test_an_ordinary_entry_is_plain() -> None:
    out = {"path": "data/o.txt", "hash": "md5", "md5": "68b329da9893e34099c7d8ad5cb9c940.dir"}
    entry = OrderedDict(
        {
            "cmd": "python a.py --n 3 > o",
            "deps": [{**out, "size": 1}],
            "params": {"p.yaml": {"a.b": 3}},
            "outs": [{**out, "size": 1}],
        }
    )
    data = {"stages": {"a@1": entry}}
    assert dump_plain_yaml(data) == written_by_ruamel(data)
