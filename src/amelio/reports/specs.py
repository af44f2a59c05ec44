"""Vega-Lite specs as this page draws them: today's words, its own sizes and colours, small data."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from amelio.redaction import redacted

HEIGHT = 240
ROW = 20  # pixels of a bar that lies: with less, Vega leaves out every other name
MATRIX = 190
_COUNTED = ("xy_count", "percent_of_y")
_SIZES = ("width", "height")

Rows = Sequence[Mapping[str, Any]]


def drawable(spec: Mapping[str, Any], n_states: int = 1, rows: Rows = ()) -> dict[str, Any]:
    """`spec` without title (the page has it), data, controls and zoom, which would catch the
    reader's scrolling; with selections as Vega-Lite 5 and later write them.

    n_states: of how many revisions the data are; one makes no columns
    rows: the data, of which a chart of many lying bars becomes higher
    """
    modern: dict[str, Any] = _drop_empty(_modern(spec))
    if n_states == 1:
        modern = _coloured_by_series(_without_columns(modern))
    for key in ("title", "data", "$schema", *_SIZES):
        modern.pop(key, None)
    if "facet" in modern or "repeat" in modern:
        inner = modern.get("spec")
        if isinstance(inner, dict):
            inner.update(width=MATRIX, height=MATRIX)
            _drop_inner_sizes(inner)
    elif not any(key in modern for key in ("hconcat", "vconcat", "concat")):
        encoding = modern.get("encoding")
        modern.update(width="container", height=max(HEIGHT, ROW * _n_names(encoding, rows)))
        _drop_inner_sizes(modern)
        if isinstance(encoding, dict) and any(encoding.get(side) for side in ("row", "column")):
            modern["width"] = MATRIX  # a faceted chart does not follow its container
    return modern


def with_equal_ends(charts: Sequence[tuple[dict[str, Any], Rows]]) -> None:
    """Let bars of the same figure end at the same place in `charts`, which stand side by side."""
    if len(charts) < 2:
        return
    ends: dict[tuple[str, str], float] = {}
    sides = [(rows, *side) for spec, rows in charts for side in _bar_ends(spec)]
    for rows, channel, held in sides:
        key = channel, str(held["field"])
        ends[key] = max([ends.get(key, 0.0), *(_number(row.get(held["field"])) for row in rows)])
    for _, channel, held in sides:
        end = ends[channel, str(held["field"])]
        if end:
            held["scale"] = {**(held.get("scale") or {}), "domainMax": end}


def _number(value: Any) -> float:
    """A value as the number that is drawn of it; 0 for none. What comes from a CSV is text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _bar_ends(spec: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The encodings that say how long the bars of a plain bar chart are."""
    mark, encoding = spec.get("mark"), spec.get("encoding")
    kind = mark.get("type") if isinstance(mark, dict) else mark
    if kind != "bar" or not isinstance(encoding, dict):
        return []
    return [
        (channel, encoding[channel])
        for channel in ("x", "y")
        if isinstance(encoding.get(channel), dict)
        and encoding[channel].get("type") == "quantitative"
        and isinstance(encoding[channel].get("field"), str)
        and not {"aggregate", "stack", "bin"} & set(encoding[channel])
    ]


def _n_names(encoding: Any, rows: Rows) -> int:
    """Names along the upright axis; 0 where numbers stand there."""
    upright = encoding.get("y") if isinstance(encoding, dict) else None
    if not isinstance(upright, dict) or upright.get("type") not in ("nominal", "ordinal"):
        return 0
    return len({str(row.get(str(upright.get("field")))) for row in rows})


def columns(rows: Rows) -> dict[str, dict[str, list[Any]]]:
    """Rows as columns of distinct values and of places in them: a tenth of the bytes."""
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    packed = {}
    for name in names:
        values: dict[Any, int] = {}
        places = []
        for row in rows:
            value = _plain(row.get(name))
            key = (type(value), value)
            places.append(values.setdefault(key, len(values)))
        packed[_clean(name)] = {"values": [value for _, value in values], "places": places}
    return packed


def _plain(value: Any) -> Any:
    """A JSON value that a chart can draw; what is no number or text becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bool | int | float | None):
        return value
    return _clean(str(value)[:300])


@lru_cache(maxsize=50_000)
def _clean(text: str) -> str:
    return redacted(text)


def _modern(value: Any) -> Any:
    """A copy with clean texts; `selection` of Vega-Lite 4 becomes `params`, on every level."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [_modern(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"selection"} and isinstance(value["selection"], str):
        return {"param": _clean(value["selection"]), "empty": False}
    found = {_clean(str(key)): _modern(each) for key, each in value.items() if key != "selection"}
    selection = value.get("selection")
    if isinstance(selection, str):  # a condition with a value beside
        found.update(param=_clean(selection), empty=False)
    elif isinstance(selection, dict):
        found["params"] = [_parameter(str(name), each) for name, each in selection.items()]
    return found


def _parameter(name: str, selection: Any) -> dict[str, Any]:
    kept = selection if isinstance(selection, dict) else {}
    select = {
        key: _modern(kept[key]) for key in ("on", "clear", "encodings", "fields") if key in kept
    }
    kind = "interval" if kept.get("type") == "interval" else "point"
    return {"name": _clean(name), "select": {"type": kind, **select}}


def _uncontrolled(param: Any) -> dict[str, Any] | None:
    """A parameter without its control: a checkbox is on, zooming is off."""
    if not isinstance(param, dict) or not param:
        return None
    bind = param.get("bind")
    if bind == "scales":
        return None
    kept = {key: value for key, value in param.items() if key != "bind"}
    if isinstance(bind, dict) and bind.get("input") == "checkbox":
        kept.setdefault("value", True)
    return kept if "value" in kept or "select" in kept or "expr" in kept else None


def _without_columns(spec: dict[str, Any]) -> dict[str, Any]:
    """One revision needs no facet for itself."""
    facet, inner = spec.get("facet"), spec.get("spec")
    if not (isinstance(facet, dict) and isinstance(inner, dict) and set(facet) == {"column"}):
        return spec
    if not (isinstance(facet["column"], dict) and facet["column"].get("field") == "rev"):
        return spec
    outer = {key: value for key, value in spec.items() if key not in ("facet", "spec")}
    return {**outer, **inner}


def _coloured_by_series(spec: dict[str, Any]) -> dict[str, Any]:
    """Several lines of one revision get colours of their own instead of dashes."""
    encoding = spec.get("encoding")
    if not isinstance(encoding, dict) or not _is_by_state(encoding.get("color")):
        return spec
    for channel in ("strokeDash", "shape"):
        series = encoding.get(channel)
        if isinstance(series, dict) and series.get("field"):
            colour = {"field": series["field"], "type": "nominal", "title": None}
            scale = series.get("scale")
            if isinstance(scale, dict) and "domain" in scale:
                colour["scale"] = {"domain": scale["domain"]}
            del encoding[channel]
            return dict(_recoloured(spec, colour))
    return spec


def _recoloured(value: Any, colour: Mapping[str, Any]) -> Any:
    """With `colour` wherever the colour was the revision's."""
    if isinstance(value, list):
        return [_recoloured(each, colour) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: dict(colour) if key == "color" and _is_by_state(each) else _recoloured(each, colour)
        for key, each in value.items()
    }


def _is_by_state(color: Any) -> bool:
    return isinstance(color, dict) and color.get("field") == "rev"


def _drop_inner_sizes(spec: dict[str, Any]) -> None:
    for layer in spec.get("layer", ()):
        if isinstance(layer, dict):
            for key in _SIZES:
                layer.pop(key, None)
            _drop_inner_sizes(layer)


def _drop_empty(spec: Any) -> Any:
    """Without the empty `row`, `column`, `color` … that DVC leaves in, and without controls."""
    if isinstance(spec, list):
        return [_drop_empty(each) for each in spec]
    if not isinstance(spec, dict):
        return spec
    cleaned = {key: _drop_empty(value) for key, value in spec.items()}
    if isinstance(cleaned.get("params"), list):
        cleaned["params"] = [each for each in map(_uncontrolled, cleaned["params"]) if each]
    if cleaned.get("field") in _COUNTED:  # the cells of DVC's matrices have their number on them
        cleaned["legend"] = None
    for place in ("encoding", "facet"):
        if isinstance(cleaned.get(place), dict):
            cleaned[place] = {key: value for key, value in cleaned[place].items() if value != {}}
    return cleaned
