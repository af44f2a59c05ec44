"""Vega-Lite specs as the page draws them."""

import json
from typing import Any

import pytest
from dvc_render import VegaRenderer
from dvc_render.vega_templates import TEMPLATES

from amelio.reports.specs import columns, drawable, with_equal_ends

ROWS = [
    {"x": "1", "y": "0.5", "rev": "workspace", "field": "a", "filename": "f"},
    {"x": "2", "y": "0.7", "rev": "workspace", "field": "b", "filename": "f"},
]


def everything(value: Any) -> list[Any]:
    """Every dict in a spec."""
    if isinstance(value, list):
        return [found for each in value for found in everything(each)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for each in value.values() for found in everything(each))]


@pytest.mark.parametrize("name", [template.DEFAULT_NAME for template in TEMPLATES])
def test_every_template_of_dvc_loses_controls_and_old_words(name: str) -> None:
    renderer = VegaRenderer([dict(row) for row in ROWS], "f", template=name, x="x", y="y")
    spec = drawable(renderer.get_filled_template())
    parts = everything(spec)
    assert not any("selection" in part or "bind" in part for part in parts)
    assert not any(part.get("$schema") for part in parts)
    assert "facet" not in spec
    json.dumps(spec, allow_nan=False)


def test_several_lines_of_one_revision_get_colours() -> None:
    sources = [{"filename": "f", "field": each} for each in "ab"]
    renderer = VegaRenderer(
        [dict(row) for row in ROWS], "f", x="x", y="y", anchors_y_definitions=sources
    )
    filled = renderer.get_filled_template()
    spec = drawable(filled)
    assert spec["encoding"]["color"]["field"] == "field"
    assert "strokeDash" not in spec["encoding"]
    assert drawable(filled, n_states=2)["encoding"]["color"]["field"] == "rev"


def test_a_chart_of_many_lying_bars_has_a_place_for_each_name() -> None:
    rows = [{"x": n, "y": f"trait {n}", "rev": "workspace", "filename": "f"} for n in range(40)]
    heights = []
    for shown in (rows[:5], rows):
        given = [dict(row) for row in shown]
        renderer = VegaRenderer(given, "f", template="bar_horizontal", x="x", y="y")
        heights.append(drawable(renderer.get_filled_template(), rows=shown)["height"])
    assert heights == [240, 800]


def test_bars_of_one_figure_in_several_charts_end_at_the_same_place() -> None:
    charts = []
    for name, longest in (("s2", "0.5"), ("s7", "2.0"), ("empty", "")):
        rows = [{"strength": x, "trait": n} for n, x in enumerate(("0.1", longest))]
        rows = [{**row, "rev": "workspace", "filename": name} for row in rows]
        given = [dict(row) for row in rows]
        renderer = VegaRenderer(given, name, template="bar_horizontal", x="strength", y="trait")
        charts.append((drawable(renderer.get_filled_template(), rows=rows), rows))
    other = drawable(VegaRenderer([dict(ROWS[0])], "f", x="x", y="y").get_filled_template())
    before = json.dumps(other)
    with_equal_ends([*charts, (other, ROWS[:1])])
    assert [spec["encoding"]["x"]["scale"]["domainMax"] for spec, _ in charts] == [2.0] * 3
    assert json.dumps(other) == before


def test_columns_hold_what_rows_held() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": "x"},
        {"a": True, "b": float("nan")},
        {"a": 1.0},
        {"c": [1]},
    ]
    packed = columns(rows)
    n_rows = len(rows)
    back = [
        {name: held["values"][held["places"][i]] for name, held in packed.items()}
        for i in range(n_rows)
    ]
    assert [row["a"] for row in back] == [1, True, 1.0, None]
    assert [type(row["a"]) for row in back] == [int, bool, float, type(None)]
    assert [row["b"] for row in back] == ["x", None, None, None]
    assert back[3]["c"] == "[1]"


def test_equal_values_are_stored_once() -> None:
    packed = columns([{"class": "cat", "n": 1}] * 5000)
    assert len(json.dumps(packed)) < 40_000
