"""What `dvc plots show` and `diff` would draw: Vega-Lite specs and images, of one or two states."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from amelio.dvcio.figures.plot_sources import resolve
from amelio.dvcio.repository import NO_REMOTE, open_repo
from amelio.dvcio.translate import explain, translated
from amelio.errors import InputError

if TYPE_CHECKING:
    from dvc.render.match import RendererWithErrors

WORKSPACE = "workspace"
_SHORT = 7


@dataclass(frozen=True)
class PlotImage:
    """One image of a plot: the state that it is of, and the file's bytes."""

    state: str
    path: str
    content: bytes


@dataclass(frozen=True)
class Plot:
    """One plot: a Vega-Lite spec or images.

    name: the plot's, often a path; spec: with `rows` (list of dicts) beside it, not in it
    notes: what is to be said beside it
    """

    name: str
    spec: Mapping[str, Any] | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    images: tuple[PlotImage, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plots:
    """Plots in the order of their definition, and what could not be drawn, by name."""

    plots: tuple[Plot, ...] = ()
    problems: Mapping[str, str] | None = None


def collect_plots(root: Path, baseline: str | None = None) -> Plots:
    """All plots of the workspace, together with those of the commit `baseline` where they differ.

    Nothing is fetched (see figure_fetch).

    Raises InputError when the pipeline itself is not readable.
    """
    from dvc.render.match import match_defs_renderers

    found: dict[str, Any] = {}
    notes: dict[str, str] = {}
    with translated(InputError), open_repo(str(root), config=NO_REMOTE) as repo:
        states = [WORKSPACE] if baseline is None else [WORKSPACE, baseline]
        for content in repo.plots.collect(revs=states, onerror=_keep_error):
            notes.update(resolve(content))
            found.update({_short(state): plots for state, plots in content.items()})
        problems = _definition_problems(found)
        _leave_out_equal(found)
        try:
            matched = match_defs_renderers(found, templates_dir=repo.plots.templates_dir)
        except Exception as error:  # a template or definition that is not usable at all
            return Plots(problems={**problems, "plots": explain(error)})
    plots = []
    for each in matched:
        plot, problem = _plot(each, notes)
        if plot:
            plots.append(plot)
        if problem:
            problems[each.renderer.name] = problem
    return Plots(tuple(plots), problems)


def _plot(matched: "RendererWithErrors", notes: Mapping[str, str]) -> tuple[Plot | None, str]:
    renderer, source_errors, definition_errors = matched
    errors: list[BaseException] = list(
        definition_errors.get(WORKSPACE, ()) and [definition_errors[WORKSPACE]]
    )
    errors += list(source_errors.get(WORKSPACE, {}).values())
    problem = "" if not errors else _in_words(errors)
    said = tuple(notes[path] for path in _sources(matched, notes))
    if renderer.TYPE == "image":
        images = tuple(_image(point, renderer.name) for point in renderer.datapoints)
        return (
            (Plot(renderer.name, images=images, notes=said), problem) if images else (None, problem)
        )
    if not renderer.datapoints:
        return None, problem
    try:
        spec = renderer.get_filled_template()
    except Exception as error:  # the data lacks what the template wants
        return None, problem or explain(error)
    if not isinstance(spec, dict):
        return None, f"the template {renderer.template.name} is no Vega-Lite specification"
    rows = _take_rows(spec)
    return Plot(renderer.name, spec=spec, rows=rows, notes=said), problem


def _take_rows(spec: dict[str, Any]) -> tuple[Mapping[str, Any], ...]:
    data = spec.get("data")
    rows = data.pop("values", None) if isinstance(data, dict) else None
    return tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _image(point: Mapping[str, Any], name: str) -> PlotImage:
    import base64

    encoded = str(point["src"]).partition(",")[2]
    return PlotImage(str(point["rev"]), str(point.get("filename", name)), base64.b64decode(encoded))


def _sources(matched: "RendererWithErrors", notes: Mapping[str, str]) -> list[str]:
    """The files with a note that the plot draws."""
    renderer = matched.renderer
    files = {str(point.get("filename")) for point in renderer.datapoints[:1]} | {renderer.name}
    definitions = renderer.properties.get("anchors_y_definitions") or []
    files |= {str(each.get("filename")) for each in definitions}
    return [path for path in notes if path in files]


def _definition_problems(found: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with whole definition files of the workspace."""
    definitions = found.get(WORKSPACE, {}).get("definitions", {})
    problems = {}
    if "error" in definitions:
        problems["plots"] = explain(definitions["error"])
    for path, content in definitions.get("data", {}).items():
        if "error" in content:
            problems[str(path)] = explain(content["error"])
    return problems


def _leave_out_equal(found: dict[str, Any]) -> None:
    """Take away earlier data that is what the workspace has: one line hides the other."""
    now = found.get(WORKSPACE, {}).get("sources", {}).get("data", {})
    for state, content in found.items():
        if state == WORKSPACE:
            continue
        sources = content.get("sources", {}).get("data", {})
        for path in list(sources):
            if path not in now or sources[path].get("data") == now[path].get("data"):
                del sources[path]
        for definitions in content.get("definitions", {}).get("data", {}).values():
            drawn = definitions.get("data", {})
            for plot_id in [name for name in drawn if _is_gone(name, drawn[name], sources)]:
                del drawn[plot_id]


def _is_gone(plot_id: str, definition: Any, sources: Mapping[str, Any]) -> bool:
    from dvc.repo.plots import infer_data_sources

    wanted: Iterable[str] = infer_data_sources(plot_id, definition)
    return not any(path in sources for path in wanted)


def _keep_error(result: dict[str, Any], error: Exception, *_: Any, **__: Any) -> None:
    result["error"] = error


def _short(state: str) -> str:
    return state if state == WORKSPACE else state[:_SHORT]


def _in_words(errors: Iterable[BaseException]) -> str:
    texts = []
    for error in errors:
        if isinstance(error, FileNotFoundError):
            path = PurePosixPath(str(error.filename or error.args[-1])).as_posix()
            texts.append(f"no file {path.removeprefix('/')}")
        else:
            texts.append(" ".join(explain(error).split()))
    return "; ".join(dict.fromkeys(texts))
