"""Whether the packages that decide the results are pinned."""

import re
from collections.abc import Iterator

from amelio.dvcio.facts.facts import PipelineFacts
from amelio.insight.reproducibility import Check, Finding

LOCKS = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "pixi.lock",
    "conda-lock.yml", "renv.lock", "Manifest.toml", "Cargo.lock", "go.sum", "package-lock.json",
    "flake.lock",
)  # fmt: skip
_FREEZE = "pip freeze > requirements.txt, then git add requirements.txt"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_CONDA = re.compile(r"^\s*-\s*([\w.:/-]+)\s*(=[^=].*|==.*)?$")


def environment_pinned(facts: PipelineFacts) -> Check:
    """A file in Git says the exact version of every package."""
    tracked = facts.git.tracked if facts.git else frozenset()
    found = {name: text for name, text in facts.environment.items() if name in tracked}
    lock = next((name for name in LOCKS if name in found), None)
    if lock is not None:
        return _check(1, f"{lock} pins the environment")
    name = next(iter(_candidates(found)), None)
    if name is None:
        loose = next(
            (name for name in (*LOCKS, *facts.environment) if name in facts.environment), ""
        )
        if loose and loose not in tracked:
            problem = Finding(f"{loose} is not in Git", f"git add {loose}")
        else:
            problem = Finding("no file says which versions of packages the stages need", _FREEZE)
        return _check(1, "no pinned versions in Git", problem)
    lines = list(_lines(found[name], name, found))
    findings = [
        Finding(f"{name}:{number}: {package} is not pinned", f"{package}==VERSION ({_FREEZE})")
        for number, package, is_pinned in lines
        if not is_pinned
    ]
    n_pinned = len(lines) - len(findings)
    return _check(len(lines), f"{name} pins {n_pinned} of {len(lines)} packages", *findings)


def _check(n_seen: int, evidence: str, *findings: Finding) -> Check:
    title = "The environment is pinned"
    return Check("environment-pinned", title, 10, n_seen, evidence, findings)


def _candidates(found: dict[str, str]) -> list[str]:
    """Files that can pin, the best first."""
    first = ["requirements.txt", "environment.yml", "environment.yaml", "constraints.txt"]
    others = sorted(name for name in found if name.startswith("requirements"))
    wanted = [name for name in [*first, *others, "Dockerfile"] if name in found]
    return [name for name in wanted if any(True for _ in _lines(found[name], name, found))]


def _lines(text: str, name: str, found: dict[str, str]) -> Iterator[tuple[int, str, bool]]:
    """(line, package, whether it is pinned)."""
    if name == "Dockerfile":
        for number, line in enumerate(text.splitlines(), 1):
            if line.upper().startswith("FROM "):
                yield number, line.split()[1], "@sha256:" in line
        return
    if name.startswith("environment"):
        yield from _conda_lines(text)
        return
    constrained = _constrained(text, found)
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.split(r"(?:^|\s)#", raw)[0].strip()
        match = _NAME.match(line)
        if match is None:  # empty, or an option
            continue
        package = match[0]
        is_pinned = "==" in line or _at_revision(line) or package.lower() in constrained
        yield number, package, is_pinned


def _at_revision(line: str) -> bool:
    """`name @ git+https://…@SHA`, or an archive with its hash."""
    url = line.partition(" @ ")[2]
    return bool(re.search(r"@[0-9a-f]{7,40}(?:[#\s;]|$)|#sha256=|\.whl|\.tar\.gz", url))


def _constrained(text: str, found: dict[str, str]) -> set[str]:
    """Packages that a `-c` file pins."""
    names = re.findall(r"^\s*(?:-c|--constraint)[ =](\S+)", text, re.MULTILINE)
    lines = [line for name in names for line in found.get(name, "").splitlines()]
    return {match[0].lower() for line in lines if "==" in line and (match := _NAME.match(line))}


def _conda_lines(text: str) -> Iterator[tuple[int, str, bool]]:
    is_inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^\w", line):
            is_inside = line.startswith("dependencies:")
            continue
        match = _CONDA.match(line.split(" #")[0].rstrip())
        if is_inside and match and not match[1].endswith("pip:") and match[1] != "pip":
            yield number, match[1], match[2] is not None
