"""Which tracked path, of which commits and experiments, a hash in DVC's cache belongs to."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_StringLoader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # a hash of digits is no number


@dataclass(frozen=True)
class MadeBy:
    """path: from its repository's root; revisions: names of experiments, else short commits."""

    path: str
    revisions: tuple[str, ...]


def object_names(root: Path) -> dict[str, MadeBy]:
    """Hash → whose it is, from every `dvc.lock` and `.dvc` file that any commit ever had."""
    versions = list(_versions(root))
    texts = _blobs([version.blob for version in versions], root)
    named = _experiments(root)
    found: dict[str, tuple[str, dict[str, None]]] = {}
    for version in versions:
        revision = named.get(version.commit, version.commit[:7])
        for path, md5 in _outputs(texts.get(version.blob, ""), version.path):
            found.setdefault(md5, (path, {}))[1][revision] = None
    return {md5: MadeBy(path, tuple(revisions)) for md5, (path, revisions) in found.items()}


@dataclass(frozen=True)
class _Version:
    commit: str
    blob: str
    path: str


def _versions(root: Path) -> Iterator[_Version]:
    words = ["log", "--all", "-m", "--raw", "--no-abbrev", "--no-renames", "-z", "--format=@%H"]
    done = subprocess.run(
        ["git", *words, "--", "*dvc.lock", "*.dvc"], cwd=root, capture_output=True, text=True
    )
    commit, blob = "", ""
    for part in done.stdout.split("\0"):
        word = part.strip()
        if word.startswith("@"):
            commit = word[1:41]
        elif word.startswith(":"):
            blob = word.split()[3]
        elif blob.strip("0"):
            yield _Version(commit, blob, word)
            blob = ""


def _blobs(names: list[str], root: Path) -> dict[str, str]:
    wanted = list(dict.fromkeys(names))
    done = subprocess.run(
        ["git", "cat-file", "--batch"],
        cwd=root,
        input="\n".join(wanted).encode(),
        capture_output=True,
    )
    texts, rest = {}, done.stdout
    for name in wanted:
        header, _, rest = rest.partition(b"\n")
        if header.endswith(b"missing"):
            continue
        n_bytes = int(header.split()[2])
        texts[name] = rest[:n_bytes].decode(errors="replace")
        rest = rest[n_bytes + 1 :]
    return texts


def _experiments(root: Path) -> dict[str, str]:
    """Commit → name of every experiment."""
    words = ["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps/*/*/*"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    pairs = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {commit: ref.rpartition("/")[2] for commit, ref in pairs}


def _outputs(text: str, file: str) -> Iterator[tuple[str, str]]:
    try:
        tree = yaml.load(text, Loader=_StringLoader)  # noqa: S506 - strings only
    except yaml.YAMLError:
        return
    if not isinstance(tree, dict):
        return
    stages = tree.get("stages")
    entries: list[Any] = list(stages.values()) if isinstance(stages, dict) else [tree]
    folder = Path(file).parent
    for entry in entries:
        for output in entry.get("outs") or () if isinstance(entry, dict) else ():
            if isinstance(output, dict) and output.get("md5"):
                yield (folder / str(output.get("path", ""))).as_posix(), str(output["md5"])
