"""What is wrong in a YAML file, in the user's words: line, key, what was expected."""

import difflib
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

if TYPE_CHECKING:  # 0.03 s that a run without own settings need not pay
    from pydantic import BaseModel

AT = "at"  # type of our own errors that name a deeper place than their validator's, in ctx["loc"]


def misspelt_sections(tree: Any, known: list[str]) -> list[str]:
    """A complaint for each unknown section that looks like one of ours; others are the user's."""
    problems = []
    for key in tree:
        guess = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8)
        if key not in known and guess:
            problems.append(f"line {_line(tree, [key])}: {key}: did you mean '{guess[0]}'?")
    return problems


def problem_text(tree: Any, model: "type[BaseModel]", detail: dict[str, Any]) -> str:
    """One error of pydantic as one line; `tree` is the file as ruamel read it."""
    context = detail.get("ctx", {})
    keys = [key for key in detail["loc"] if key != "[key]"]  # pydantic's mark for a key of a dict
    if detail["type"] == AT:
        keys += context["loc"]
    place = f"line {_line(tree, keys)}: {_dotted(keys)}"
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key; {suggestion(keys[-1], _known_keys(model, keys[:-1]))}"
    if detail["type"] in ("enum", "literal_error"):
        known = _quoted_words(context["expected"])
        return f"{place}: unknown value {detail['input']!r}; {suggestion(detail['input'], known)}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}"


def suggestion(word: Any, known: list[str]) -> str:
    """The known word that was probably meant (`lr`: `learning_rate`), and all of them."""
    guess = difflib.get_close_matches(str(word), known, n=1)
    guess = guess or [each for each in known if word and _initials(each) == word]
    listed = f"known: {', '.join(known)}"
    return f"did you mean '{guess[0]}'? ({listed})" if guess else listed


def _initials(name: str) -> str:
    return "".join(part[:1] for part in name.split("_"))


def _known_keys(model: Any, keys: list[Any]) -> list[str]:
    """Keys of the section that `keys` lead to; the values of a free dict are its last argument."""
    for key in keys:
        fields = getattr(model := _bare(model), "model_fields", None)
        model = fields[key].annotation if fields else get_args(model)[-1]
    return list(_bare(model).model_fields)


def _bare(model: Any) -> Any:
    """`Annotated[X, …] | None` as X."""
    while get_origin(model) in (Annotated, Union, UnionType):
        model = next(argument for argument in get_args(model) if argument is not NoneType)
    return model


def _quoted_words(text: str) -> list[str]:
    """`'tpe', 'random' or 'cmaes'` (pydantic's list of what is allowed) as words."""
    return text.split("'")[1::2]


def _dotted(keys: list[Any]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _line(tree: Any, keys: list[Any]) -> int:
    """1-based line of the deepest of `keys` that stands in the file."""
    line = 1
    for key in keys:
        marks = getattr(tree, "lc", None)
        if marks is None or (isinstance(tree, dict) and key not in tree):
            break
        line = (marks.key(key) if isinstance(tree, dict) else marks.item(key))[0] + 1
        tree = tree[key]
    return line
