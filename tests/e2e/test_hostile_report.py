"""A repository that is hostile in every name and value: its reports show text, and run nothing."""

import csv
import json
import re
import subprocess
from pathlib import Path

from markdown_it import MarkdownIt

from tests.browser import Visit, chromium, visit
from tests.conftest import Run

URL = "http://127.0.0.1:9/canary"
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</SCRIPT ><script>alert(3)//",
    "<img src=x onerror=alert(4)>",
    '"><img src=x onerror=alert(5)>',
    "'><svg onload=alert(6)>",
    "<svg><script>alert(7)</script></svg>",
    "</title><script>alert(8)</script>",
    "</style><script>alert(9)</script>",
    "</textarea><script>alert(10)</script>",
    "--><script>alert(11)</script><!--",
    "<!--<script>alert(12)",
    "]]><script>alert(13)</script>",
    '" onmouseover="alert(14)" x="',
    "' autofocus onfocus='alert(15)",
    "<details open ontoggle=alert(16)>",
    f"<iframe src={URL}/17>",
    '<iframe srcdoc="<script>parent.alert(18)</script>">',
    f'<meta http-equiv="refresh" content="0;url={URL}/19">',
    f"<base href={URL}/20/>",
    f"<link rel=stylesheet href={URL}/21>",
    f"<style>@import '{URL}/22'</style>",
    f"<object data={URL}/23></object>",
    f"<embed src={URL}/24>",
    f"<form action={URL}/25><button autofocus>",
    f"<video><source src={URL}/26 onerror=alert(26)></video>",
    f"<audio src={URL}/27 autoplay>",
    '<a href="javascript:alert(28)">28</a>',
    "[29](javascript:alert(29))",
    f"![30]({URL}/30)",
    "`</code><script>alert(31)</script>",
    "| <b>32</b> | <script>alert(32)</script> |",
    "{{ 33 * 33 }}{% raw %}<script>alert(33)</script>",
    "\\u003cscript>alert(34)</script>",
    "&lt;script&gt;alert(35)&lt;/script&gt;<script>alert(35)</script>",
    "\u2028<script>alert(36)</script>\u2029",
    '"]; click n1 call alert("37") %%{init: {"securityLevel": "loose"}}%%',
    "' + alert(38) + '",
    "datum[constructor]['constructor']('alert(39)')()",
    "\x1b]0;40\x07\u202e<script>alert(40)</script>",
)
KEYS = (*PAYLOADS, "__proto__", "constructor", "a.b[c]'\"", "")
FOREIGN = (
    "iframe,object,embed,form,link,base,video,audio,a:not([href^='#']),meta[http-equiv=refresh]"
)


def file_name(payload: str) -> str:
    """The payload as it may stand in a path."""
    return re.sub(r"[/\x00-\x1f\u2028\u2029]", "_", payload)[:80]


def make_project(root: Path) -> None:
    """Payloads in metrics, parameters, plots, predictions, rules, stages and file names."""
    for folder in ("metrics", "plots", "outputs", "data/raw"):
        (root / folder).mkdir(parents=True)
    values = dict(zip(KEYS, reversed(KEYS), strict=True))
    numbers = {f"{key} accuracy": place / 100 for place, key in enumerate(KEYS)}
    metrics = {file_name(name): f"metrics/{file_name(name)}.json" for name in PAYLOADS[:4]}
    metrics |= {name: f"metrics/{name}.json" for name in ("data_quality", "drift")}
    for path in metrics.values():
        (root / path).write_text(json.dumps({**values, **numbers, "nested": {"in": values}}))
    params = {key: value for key, value in values.items() if key.isprintable()}
    write_yaml(root / "params.yaml", {"plain": 1, "values": params})
    plots = [write_plot(root, number, payload) for number, payload in enumerate(PAYLOADS)]
    (root / "plots/evil.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(\'svg\')">'
        f'<script>alert("svg")</script><image href="{URL}/svg"/></svg>'
    )
    (root / "plots/evil.json").write_text(json.dumps([{"x": 1, "y": 2}]))
    templates = root / ".dvc/plots"
    templates.mkdir()
    (templates / "evil.json").write_text(json.dumps(evil_template()))
    with (root / "outputs/predictions.csv").open("w", newline="") as file:
        table = csv.writer(file)
        names = [name for payload in PAYLOADS[:5] for name in (payload, f"{payload}_probability")]
        table.writerow(["filename", "lot", *names, "uncertain"])
        table.writerows([f"{p}.png", p, *[p, "0.5"] * 5, "yes"] for p in PAYLOADS)
    rule = {"expression": "params.plain == 2", "severity": "warning"}
    write_yaml(root / "amelio.yaml", {"quality": {"rules": {PAYLOADS[0]: rule}}})
    stages = {
        "group": {"foreach": ["a<b>", "c&d", "e'f"], "do": {"cmd": "echo '${item}' \"<img>\""}},
        "last": {"cmd": f"echo '{PAYLOADS[3]}'", "deps": ["params.yaml"], "desc": PAYLOADS[0]},
    }
    evil = {"plots/evil.json": {"template": "evil", "x": "x", "y": "y"}}
    pipeline = {
        "stages": stages,
        "metrics": [*metrics.values()],
        "plots": [*plots, "plots/evil.svg", evil],
    }
    write_yaml(root / "dvc.yaml", pipeline)


def write_yaml(path: Path, content: object) -> None:
    """JSON is YAML, and survives any key."""
    path.write_text(json.dumps(content, ensure_ascii=True))


def write_plot(root: Path, number: int, payload: str) -> dict[str, object]:
    """A plot with the payload in its file's name, column, values and labels."""
    path = f"plots/{number} {file_name(payload)}.csv"
    column = payload.replace("\x1b", "").replace("\x07", "") or "y"
    with (root / path).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["step", column])
        table.writerows([[n, payload if n % 2 else n] for n in range(4)])
    label = column.replace("${", "")
    return {path: {"x": "step", "y": column, "title": label, "x_label": label}}


def evil_template() -> dict[str, object]:
    """A template of the repository that wants to load, link and call."""
    return {
        "data": {"values": "<DVC_METRIC_DATA>"},
        "layer": [
            {"data": {"url": f"{URL}/data.json"}, "mark": "point"},
            {
                "mark": {"type": "image", "width": 50, "height": 50},
                "encoding": {
                    "url": {"value": f"{URL}/image.png"},
                    "href": {"value": "javascript:alert('href')"},
                    "x": {"field": "<DVC_METRIC_X>", "type": "quantitative"},
                },
            },
            {
                "transform": [
                    {"calculate": "datum.x.constructor.constructor('alert(1)')()", "as": "z"}
                ],
                "mark": "text",
                "encoding": {"text": {"field": "z"}, "y": {"field": "<DVC_METRIC_Y>"}},
            },
        ],
        "title": "<DVC_METRIC_TITLE>",
    }


def require_harmless(seen: Visit) -> None:
    """Nothing ran, nothing was loaded, nothing foreign is in the document."""
    assert seen.dialogs == []
    assert seen.requests == []
    assert not [line for line in seen.console if "Refused" in line or "violates" in line]
    assert seen.page.locator(FOREIGN).count() == 0
    handlers = seen.page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
        ".filter(a => a.name.startsWith('on')).map(a => a.name + a.value)"
    )
    assert handlers == []


def test_forty_payloads_draw_as_text(tmp_path: Path, amelio: Run) -> None:
    assert len(PAYLOADS) == 40
    root = tmp_path / "<img src=x onerror=alert('folder')>"
    root.mkdir()
    for words in (["init", "-q"], ["config", "user.name", "A"], ["config", "user.email", "a@b.c"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    amelio("init", "-q", cwd=root)
    make_project(root)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", PAYLOADS[0]], cwd=root, check=True)
    branch = "x<img/src=x/onerror=alert('branch')>"
    subprocess.run(["git", "checkout", "-qb", branch], cwd=root, check=True)
    amelio("repro", cwd=root)
    (root / "params.yaml").write_text((root / "params.yaml").read_text().replace("1", "2", 1))
    done = amelio("report", cwd=root)
    assert done.returncode == 0, done.stderr
    comment = amelio("report", "--pr", cwd=root).stdout
    assert len(comment.encode()) < 64_000

    pages = [root / "reports/report.html"]
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    for text in (comment, *(p.read_text() for p in sorted((root / "reports").glob("*.md")))):
        page = tmp_path / f"rendered-{len(pages)}.html"
        page.write_text(f"<meta charset=utf-8>{markdown.render(text)}")
        pages.append(page)
    with chromium() as browser:
        for page in pages:
            for has_policy in (True, False) if page == pages[0] else (False,):  # others have none
                seen = visit(browser, page, has_policy=has_policy)
                require_harmless(seen)
                if page == pages[0]:
                    require_complete(seen)
                seen.page.context.close()


def require_complete(seen: Visit) -> None:
    """The page has everything that is hostile, as text."""
    text = seen.page.locator("body").text_content() or ""
    for payload in PAYLOADS[:35]:
        assert " ".join(payload.split()) in " ".join(text.split()), payload
    assert seen.page.locator("script").count() == 3
    assert seen.page.locator(".chart svg").count() >= 25  # Vega has no way to say quotes in names
    across = seen.page.locator('.chart [aria-label^="X-axis"] .role-axis-label text')
    marks = across.all_text_contents()
    assert {"0", "1", "2", "3"} <= set(marks)  # the steps, and nothing between them
    assert not {"0.5", "1.5", "2.5"} & set(marks)
    assert "This plot cannot be drawn" in text  # the template that wants to load
    assert "\x1b" not in text
    assert "\u202e" not in text
