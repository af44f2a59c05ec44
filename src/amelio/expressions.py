"""Expressions of users over plain data: comparisons and arithmetic; no attributes, no calls out."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simpleeval import InvalidExpression, SimpleEval

from amelio.errors import InputError
from amelio.yaml_problems import suggestion

MAX_LENGTH = 1000  # characters; nobody can read more, and nesting stays harmless
MAX_SUBJECT = 60


class WrongExpressionError(InputError):
    """The text is not an expression that we evaluate: its syntax, a name, a function."""


class NoValueError(Exception):
    """A well-formed expression met data that is missing or is not of the needed kind."""


class Lookup(Protocol):
    """Data behind a name that is found only when it is asked for: metrics files, a probe."""

    def __getitem__(self, key: str, /) -> Any:
        """Plain data; raises NoValueError where there is none."""


@dataclass(frozen=True)
class Outcome:
    """What an expression came to.

    value: its result
    left, sign, right: of a single comparison, its two sides as values; else None and ""
    subject: what stands on the left side, in short: `overall.n_drifted`
    """

    value: Any
    subject: str = ""
    left: Any = None
    sign: str = ""
    right: Any = None


def check(expression: str, names: Sequence[str], functions: Sequence[str] = ()) -> ast.expr:
    """Parse `expression`; only `names`, our and the given functions and our operators may stand
    in it.

    Raises WrongExpressionError with the first thing that may not.
    """
    if len(expression) > MAX_LENGTH:
        raise WrongExpressionError(f"longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        for node in ast.walk(tree):
            _check_node(node, names, (*FUNCTIONS, *functions))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else error
        raise WrongExpressionError(f"not an expression: {expression.strip()!r}: {why}") from error
    return tree


def evaluate(
    expression: str,
    names: Mapping[str, Lookup | Mapping[str, Any]],
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Outcome:
    """Evaluate `expression`; `a.b` and `a['b']` are the same, and look into data only.

    Raises WrongExpressionError as `check` does; NoValueError when data is missing, is no finite
    number, or cannot be compared.
    """
    tree = check(expression, list(names), list(functions or ()))
    nodes = {name: _Node(data, name) for name, data in names.items()}
    evaluator = _Evaluator(nodes, functions or {})
    try:
        value = evaluator.eval(expression, tree)
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
            sides = [evaluator.eval(expression, side) for side in (tree.left, *tree.comparators)]
            left, right = map(_bare, sides)
            return Outcome(value, _short(tree.left), left, _SIGNS[type(tree.ops[0])], right)
    except ZeroDivisionError as error:
        raise NoValueError("division by zero") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NoValueError(str(error)) from error
    except InvalidExpression as error:
        raise WrongExpressionError(str(error)) from error
    return Outcome(_bare(value))


def _short(side: ast.expr) -> str:
    """The last two steps of a path into the data; of anything else its text."""
    steps: list[str] = []
    node = side
    while isinstance(node, ast.Attribute | ast.Subscript):
        steps.append(node.attr if isinstance(node, ast.Attribute) else _key(node.slice))
        node = node.value
    text = ".".join(reversed(steps[:2])) or ast.unparse(side)
    return text if len(text) <= MAX_SUBJECT else f"{text[: MAX_SUBJECT - 1]}…"


def _key(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


class _Node:
    """A mapping or a list of the data, which knows its place; an expression sees nothing else."""

    def __init__(self, data: Any, place: str) -> None:
        self.data = data
        self.place = place

    def child(self, key: Any) -> Any:
        place = f"{self.place}.{key}" if str(key).isidentifier() else f"{self.place}[{key!r}]"
        try:
            return _wrapped(self.data[key], place)
        except (KeyError, IndexError, TypeError) as error:
            known = list(self.data) if isinstance(self.data, dict) else []
            hint = f"; {suggestion(key, [str(name) for name in known[:20]])}" if known else ""
            raise NoValueError(f"there is no {place}{hint}") from error

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.data, dict):
            return iter(self.data)
        return (_wrapped(item, f"{self.place}[{at}]") for at, item in enumerate(self.data))

    def __contains__(self, item: Any) -> bool:
        return item in self.data

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"{self.place} is no number and no text")

    __hash__ = None  # type: ignore[assignment]


def _wrapped(value: Any, place: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise NoValueError(f"{place} is {value}, not a finite number")
    return value if isinstance(value, bool | int | float | str | None) else _Node(value, place)


def _bare(value: Any) -> Any:
    return value.data if isinstance(value, _Node) else value


def _numbers(compute: Callable[..., Any]) -> Callable[..., Any]:
    """`compute` for numbers only: texts and lists could be multiplied until memory is full."""

    def guarded(*values: Any) -> Any:
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                shown = value.place if isinstance(value, _Node) else repr(value)
                raise TypeError(f"{shown} is not a number")
        return compute(*values)

    return guarded


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _numbers(operator.add),
    ast.Sub: _numbers(operator.sub),
    ast.Mult: _numbers(operator.mul),
    ast.Div: _numbers(operator.truediv),
    ast.USub: _numbers(operator.neg),
    ast.Lt: _numbers(operator.lt),
    ast.LtE: _numbers(operator.le),
    ast.Gt: _numbers(operator.gt),
    ast.GtE: _numbers(operator.ge),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Not: operator.not_,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": _numbers(abs),
    "len": len,
    "max": lambda *values: _numbers(max)(*_listed(values)),
    "min": lambda *values: _numbers(min)(*_listed(values)),
    "round": _numbers(round),
}
_PLAIN_NODES = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.UnaryOp, ast.BinOp,
    ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.IfExp, ast.Subscript, ast.Attribute, ast.Call,
)  # fmt: skip


def _listed(values: tuple[Any, ...]) -> list[Any]:
    """`max(list)` and `max(a, b)` alike."""
    alone = values[0] if len(values) == 1 else None
    return list(alone if isinstance(alone, _Node | list) else values)


def _check_node(node: ast.AST, names: Sequence[str], functions: Sequence[str]) -> None:
    what = type(node).__name__
    if not isinstance(node, _PLAIN_NODES) and type(node) not in _OPERATORS:
        raise WrongExpressionError(f"{what} is not allowed in an expression")
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str):
        raise WrongExpressionError(f"{node.value!r} is not allowed in an expression")
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called not in functions or node.keywords:
            raise WrongExpressionError(
                f"only these functions may be called: {', '.join(functions)}"
            )
    if isinstance(node, ast.Name) and node.id not in names and node.id not in functions:
        raise WrongExpressionError(f"unknown name '{node.id}'; {suggestion(node.id, list(names))}")


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval, with our operators and functions, and attributes that are keys of the data."""

    def __init__(
        self, names: dict[str, _Node], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        super().__init__(operators=_OPERATORS, functions={**FUNCTIONS, **functions}, names=names)
        self.nodes[ast.List] = self.nodes[ast.Tuple] = self._eval_list

    def _eval_list(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self._eval(item) for item in node.elts]

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        return _child(self._eval(node.value), node.attr)

    def _eval_subscript(self, node: ast.Subscript) -> Any:
        return _child(self._eval(node.value), self._eval(node.slice))


def _child(container: Any, key: Any) -> Any:
    if isinstance(container, _Node):
        return container.child(key)
    raise TypeError(f"{container!r} has nothing in it: no {key!r}")
