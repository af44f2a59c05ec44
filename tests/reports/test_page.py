"""The HTML page: what it says, and that a reader sees all of it."""

from pathlib import Path

import pytest

from amelio.model import Outcome
from amelio.reports.facts import (
    Chart,
    Compared,
    LotPredictions,
    Origin,
    Page,
    Picture,
    Report,
    StageFact,
)
from amelio.reports.page import html_page
from tests.browser import DESKTOP, chromium, visit

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
CUT = """() => [...document.querySelectorAll(".tile .name, figcaption, .values dt, .values dd")]
  .filter(each => each.scrollWidth > each.clientWidth + 1
    || each.scrollHeight > each.clientHeight + 1)
  .map(each => each.textContent)"""
OVERLAPPING = """() => [...document.querySelectorAll(".values div")]
  .filter(each => each.lastElementChild.getBoundingClientRect().right
    > each.getBoundingClientRect().right + 1)
  .map(each => each.textContent)"""


def report() -> Report:
    detail = "beard, mustache, glasses_binary, hair_color_label: 1, hair_length: 2"
    machine = {"processor": "Intel(R) Xeon(R) Platinum 8480+ Processor", "n_cores": 2, "a": 1}
    return Report(
        Origin("faces", "now"),
        metrics=Compared({"m.json": {"overall": {"average_calibration_error_of_all": 0.12}}}),
        stages=(
            StageFact("a", "train", outcome=Outcome.FAILED, message="its command failed"),
            StageFact("b", "evaluate", outcome=Outcome.NOT_REACHED),
        ),
        pages=(Page("Performance", "p.json", {"machine": {**machine, "b": 2}}),),
        lots=(LotPredictions("s1", 1, 0, {"beard": {"1": 1}}, (Picture(PIXEL, "1.png", detail),)),),
    )


def test_a_failed_stage_is_the_first_that_the_summary_says() -> None:
    text = html_page(report())
    summary = text[text.index('<section id="summary">') : text.index('<section id="metrics">')]
    assert '<div class="banner bad"><p><strong>train failed: its command failed. 1 sta' in summary
    assert "banner bad" not in html_page(Report(Origin("faces", "now")))


@pytest.mark.parametrize(("n_changed", "n_folded"), [(14, 0), (15, 3)])
def test_of_many_changes_the_first_are_open(n_changed: int, n_folded: int) -> None:
    now, before = ({f"key{n}": n + step for n in range(n_changed)} for step in (1, 0))
    origin = Origin("faces", "now", baseline="a" * 40)
    text = html_page(Report(origin, metrics=Compared({"m.json": now}, {"m.json": before})))
    assert text.count('class="key mono"') == n_changed
    _, folds, folded = text.partition('<details class="more">')
    assert folded.count('class="key mono"') == n_folded
    assert bool(folds) == bool(n_folded)
    assert not folds or f"{n_folded} more changed" in folded


@pytest.mark.parametrize("size", [DESKTOP, (390, 844)])
def test_names_captions_and_values_are_whole(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_page(report()), encoding="utf-8")
    with chromium() as browser:
        page = visit(browser, path, size=size).page
        assert page.locator("figcaption").count() == 1
        assert page.evaluate(CUT) == []
        assert page.evaluate(OVERLAPPING) == []
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_a_chart_that_is_wider_than_its_column_gets_two(tmp_path: Path) -> None:
    def chart(title: str, *revisions: str) -> Chart:
        mark = {"mark": "rect", "encoding": {"x": {"field": "x", "type": "nominal"}}}
        spec = {"facet": {"field": "rev", "type": "nominal"}, "spec": mark}
        return Chart(title, "plots/confusion", spec, tuple({"rev": r, "x": 1} for r in revisions))

    path = tmp_path / "report.html"
    charts = chart("wide", "workspace", "c0ffee1"), chart("narrow", "workspace")
    path.write_text(html_page(Report(Origin("faces", "now"), charts=charts)), encoding="utf-8")
    with chromium() as browser:
        page = visit(browser, path).page
        page.wait_for_selector("figure.wide svg")
        width = "each => [each.clientWidth, each.querySelector('.chart').scrollWidth]"
        wide, narrow = (page.eval_on_selector(f"figure:nth-of-type({n})", width) for n in (1, 2))
    assert wide[0] == wide[1] > 2 * narrow[0]
    assert narrow[0] == narrow[1]


def test_no_name_of_two_legends_is_cut(tmp_path: Path) -> None:
    """As of the calibration of two revisions."""
    kinds = {"color": "revision", "strokeDash": "field"}
    legends = {channel: {"field": name, "type": "nominal"} for channel, name in kinds.items()}
    numbers = {axis: {"field": axis, "type": "quantitative"} for axis in "xy"}
    spec = {"mark": "line", "width": "container", "encoding": {**numbers, **legends}}
    rows = tuple(
        {"x": x, "y": x, "revision": revision, "field": field}
        for x in (0, 1)
        for revision in ("workspace", "c0ffee1")
        for field in ("accuracy", "perfect")
    )
    path = tmp_path / "report.html"
    charts = tuple(Chart(title, "plots/calibration", spec, rows) for title in "abc")
    path.write_text(html_page(Report(Origin("faces", "now"), charts=charts)), encoding="utf-8")
    with chromium() as browser:
        page = visit(browser, path).page
        name = page.locator(".chart").first.get_by_text("perfect")
        name.wait_for()
        box, chart = name.bounding_box(), page.locator(".chart").first.bounding_box()
    assert box
    assert chart
    assert box["x"] + box["width"] <= chart["x"] + chart["width"]
