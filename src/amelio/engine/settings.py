"""What users may say about stages (`meta.amelio`) and about the project (`amelio.yaml`)."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amelio.errors import InputError, all_of
from amelio.yaml_places import line_in, line_of

ALL = "all"
SETTINGS_FILE = "amelio.yaml"
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


@dataclass(frozen=True)
class StageSettings:
    """`meta.amelio` of one stage.

    when: condition; the stage is skipped while it is false
    probe: command that prints JSON for `when`
    mutex: names of which one stage at a time may hold each
    resources: how much of each counter it needs
    is_alone: nothing else runs meanwhile (`cpu: all`)
    retries: how often a failed command is tried again
    timeout_s: longest time for all its commands together
    """

    when: str | None = None
    probe: str | None = None
    mutex: tuple[str, ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    is_alone: bool = False
    retries: int = 0
    timeout_s: float | None = None


@dataclass(frozen=True)
class ProjectSettings:
    """What the engine reads in `amelio.yaml`.

    jobs: stages at a time when the command line does not say
    resources: totals of the counters; cpu and gpu have the machine's as default
    keep_runs, keep_bytes: how many run records, and how much in their folders, are kept
    allow_unsafe_params: whether parameters with characters that mean something to a shell may
        stand in commands
    """

    jobs: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    keep_runs: int = 50
    keep_bytes: int = 2 * 1024**3
    allow_unsafe_params: bool = False
    env: tuple[str, ...] = ()


def parse_stage(raw: Any, stage: str, place: str) -> StageSettings:
    """Check `meta.amelio`. Raises InputError with all its problems."""
    if raw is None:
        return StageSettings()
    problems: list[str] = []
    if not isinstance(raw, Mapping):
        line = line_of(place, place_in_file(stage))
        raise InputError(
            f"{stage}: meta.amelio: expected a mapping, got {raw!r}", path=place, line=line
        )
    problems += [
        f"{stage}: meta.amelio.{key}: unknown key{_did_you_mean(key, _STAGE_KEYS)}"
        for key in raw
        if key not in _STAGE_KEYS
    ]
    values: dict[str, Any] = {}
    for key, (name, read) in _STAGE_KEYS.items():
        if key in raw:
            try:
                values[name] = read(raw[key])
            except (ValueError, TypeError) as error:
                told = str(error).removeprefix(f"{key}: ")
                problems.append(f"{stage}: meta.amelio.{key}: {told}")
    resources = values.get("resources", {})
    if resources.get("cpu") == ALL:
        values["is_alone"] = True
        values["resources"] = {name: n for name, n in resources.items() if name != "cpu"}
    if "probe" in values and "when" not in values:
        problems.append(f"{stage}: meta.amelio.probe: has no effect without `when`")
    if problems:
        key = problems[0].partition("meta.amelio.")[2].partition(":")[0]
        line = line_of(place, [*place_in_file(stage), key])
        raise InputError(all_of(problems), path=place, line=line)
    return StageSettings(**values)


def load_project(root: Path) -> ProjectSettings:
    """Read `amelio.yaml`; defaults without one. Raises InputError. Sections that are not the
    engine's are left alone.
    """
    path = root / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
        import yaml

        raw = yaml.safe_load(text) or {}
    except FileNotFoundError:
        return ProjectSettings()
    except (OSError, ValueError, RecursionError) as error:  # no text, or a date that is none
        raise InputError(f"not readable as YAML: {error}", path=SETTINGS_FILE) from error
    except yaml.YAMLError as error:
        line = (
            error.problem_mark.line + 1
            if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark
            else None
        )
        raise InputError("not valid YAML", path=SETTINGS_FILE, line=line) from error
    try:
        core = _section(raw, "core", ("jobs", "allow_unsafe_params"))
        records = _section(raw, "records", ("keep_runs", "keep_mb"))
        return ProjectSettings(
            jobs=_count(core.get("jobs", 1), "core.jobs", 1),
            resources={
                k: _count(v, f"resources.{k}", 0)
                for k, v in _mapping(raw.get("resources") or {}, "resources").items()
            },
            keep_runs=_count(records.get("keep_runs", 50), "records.keep_runs", 1),
            allow_unsafe_params=_flag(
                core.get("allow_unsafe_params", False), "core.allow_unsafe_params"
            ),
            keep_bytes=_count(records.get("keep_mb", 2048), "records.keep_mb", 1) * 1024**2,
            env=_names(raw.get("env") or [], "env"),
        )
    except ValueError as error:
        keys = str(error).partition(":")[0].split(".")
        raise InputError(str(error), path=SETTINGS_FILE, line=line_in(text, keys)) from error


def _section(raw: Any, name: str, known: Sequence[str]) -> Mapping[str, Any]:
    found = _mapping(_mapping(raw, "").get(name) or {}, name)
    for key in found:
        if key not in known:
            raise ValueError(f"{name}.{key}: unknown key{_did_you_mean(key, known)}")
    return found


def machine_totals(settings: ProjectSettings) -> dict[str, int]:
    """How much of each counter there is: the machine's, and what `amelio.yaml` says; no more GPUs
    than `CUDA_VISIBLE_DEVICES` leaves.
    """
    gpus = len(gpu_ids(None))
    totals = {"cpu": os.cpu_count() or 1, "gpu": gpus, **settings.resources}
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        totals["gpu"] = min(totals["gpu"], gpus)
    return totals


def gpu_ids(total: int | None) -> list[str]:
    """The ids handed out as CUDA_VISIBLE_DEVICES: those visible to amelio itself, else the
    machine's.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        ids = [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    else:
        ids = sorted(p.name.removeprefix("nvidia") for p in Path("/dev").glob("nvidia[0-9]*"))
    if total is None:
        return ids
    return ids[:total] if len(ids) >= total else [str(index) for index in range(total)]


def parse_duration(value: Any) -> float:
    """Seconds of `90`, `90s`, `30m`, `2h` or `1h30m`. Raises ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    match = (
        _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) and value else None
    )
    parts = match.groups() if match else (0, 0, 0)
    hours, minutes, seconds = (float(part or 0) for part in parts)
    total_s = hours * 3600 + minutes * 60 + seconds
    if not total_s:
        raise ValueError(f"expected a duration like 90s, 30m or 2h, got {value!r}")
    return total_s


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name or 'the file'}: expected a mapping, got {value!r}")
    return value


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected true or false, got {value!r}")
    return value


def _names(value: Any, name: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValueError(f"{name}: expected a list of names, got {value!r}")
    return tuple(names)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text, got {value!r}")
    return value


def _condition(value: Any) -> str:
    return str(value) if isinstance(value, bool) else _text(value)


def _resources(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected counters like {{gpu: 1}}, got {value!r}")
    return {
        str(name): ALL if (name, count) == ("cpu", ALL) else _count(count, str(name), 0)
        for name, count in value.items()
    }


_STAGE_KEYS: dict[str, tuple[str, Any]] = {
    "when": ("when", _condition),
    "probe": ("probe", _text),
    "mutex": ("mutex", lambda value: _names(value, "mutex")),
    "resources": ("resources", _resources),
    "retries": ("retries", lambda value: _count(value, "retries", 0)),
    "timeout": ("timeout_s", parse_duration),
}


def place_in_file(stage: str) -> list[str]:
    """The keys that lead to a stage's settings in its file; `stage` as users address it."""
    return ["stages", stage.rpartition(":")[2], "meta", "amelio"]


def _did_you_mean(word: object, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"
