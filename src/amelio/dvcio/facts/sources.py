"""Programs of a repository: which a command names, and which files of the repository those use."""

import ast
import re
import shlex
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from amelio.dvcio.run.judge import PROGRAM_SUFFIXES

MAX_SOURCE_BYTES = 1_000_000
_MAX_WALKED = 2_000
_NAMED = re.compile(r"[\w./-]+\.\w+")
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})


def named_files(commands: Iterable[str], folder: Path, root: Path) -> tuple[str, ...]:
    """Files below `root` that commands run in `folder` name, relative to `root`."""
    found: dict[str, None] = {}
    for command in commands:
        words = _words(command)
        for at, word in enumerate(words):
            is_module = at > 0 and words[at - 1] == "-m"
            candidates = _module_files(word, [folder, root]) if is_module else [folder / word]
            for candidate in candidates:
                inside = _inside(candidate, root)
                if inside is not None:
                    found[inside] = None
                    break
    return tuple(found)


def is_program_file(path: str) -> bool:
    """Whether a named file is a program rather than data."""
    return PurePosixPath(path).suffix.lower() in PROGRAM_SUFFIXES


def read_sources(
    programs: Iterable[str], root: Path
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The texts of programs and of what they use of the repository; and program → what it uses."""
    texts: dict[str, str] = {}
    uses: dict[str, tuple[str, ...]] = {}
    waiting = list(dict.fromkeys(programs))
    while waiting and len(texts) < _MAX_WALKED:
        path = waiting.pop()
        if path in texts:
            continue
        texts[path] = _text(root / path)
        uses[path] = tuple(dict.fromkeys(_used(path, texts[path], root)))
        waiting += uses[path]
    return texts, {path: _closure(path, uses) for path in texts}


def parsed(text: str) -> ast.Module | None:
    """A Python program's syntax tree; None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the foreign program
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _closure(path: str, uses: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    waiting = list(uses.get(path, ()))
    while waiting:
        other = waiting.pop()
        if other not in seen and other != path:
            seen[other] = None
            waiting += uses.get(other, ())
    return tuple(sorted(seen))


def _used(path: str, text: str, root: Path) -> Iterator[str]:
    folder = (root / path).parent
    if PurePosixPath(path).suffix == ".py":
        tree = parsed(text)
        for node in ast.walk(tree) if tree else ():
            for candidate in _imported(node, folder, root):
                inside = _inside(candidate, root)
                if inside is not None:
                    yield inside
        return
    if PurePosixPath(path).suffix.lower() in PROGRAM_SUFFIXES - {".ipynb"}:
        for word in _NAMED.findall(text):
            if is_program_file(word):
                for place in (folder, root):
                    inside = _inside(place / word, root)
                    if inside is not None:
                        yield inside
                        break


def _imported(node: ast.AST, folder: Path, root: Path) -> list[Path]:
    places = [folder, root, root / "src"]
    if isinstance(node, ast.Import):
        return [file for name in node.names for file in _module_files(name.name, places)]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        start = folder
        for _ in range(node.level - 1):
            start = start.parent
        places = [start]
    names = [f"{base}.{name.name}".strip(".") for name in node.names]
    found = [file for name in names for file in _module_files(name, places)]
    return found + (_module_files(base, places) if base else [])


def _module_files(name: str, places: Sequence[Path]) -> list[Path]:
    relative = Path(*name.split(".")) if name.strip(".") else Path()
    if not relative.parts:
        return []
    return [
        file
        for place in dict.fromkeys([*places, *(p / "src" for p in places)])
        for file in (
            place / relative.with_suffix(".py"),
            place / relative / "__main__.py",
            place / relative / "__init__.py",
        )
        if file.is_file()
    ]


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command, comments=True)
    except ValueError:  # an open quote
        words = command.split()
    cleaned = [word.strip(";&|()<>") for word in words if word not in _SEPARATORS]
    return [word.rpartition("=")[2] if word.startswith("--") else word for word in cleaned]


def _inside(path: Path, root: Path) -> str | None:
    """`path` relative to `root` where it is a file in it and none of Git's, DVC's or a venv's."""
    try:
        if not path.is_file():
            return None
        relative = path.absolute().relative_to(root) if ".." not in path.parts else None
        relative = relative or path.resolve().relative_to(root.resolve())
    except (OSError, ValueError):
        return None
    foreign = {".git", ".dvc", ".venv", "venv", "site-packages", "node_modules"}
    return None if foreign & set(relative.parts) else relative.as_posix()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES).decode(errors="replace")
    except OSError:
        return ""
