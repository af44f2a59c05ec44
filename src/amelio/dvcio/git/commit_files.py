"""The files of one commit, as far as a snapshot needs them: by path, and what `dvc.lock` says."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from amelio.dvcio.experiments.structure import Entry, Locked
from amelio.dvcio.git.objects import GitObjects, Tree

_LOCK_HEAD = "schema: '2.0'\nstages:\n"
_LOCK_ENTRY = re.compile(r"^(?=  [^\s#-])", re.MULTILINE)
_KNOWN_FACTS = frozenset(["path", "hash", "md5", "size", "nfiles", "isexec"])
_STAGE = re.compile(r"  ([\w./@-]+):")
_KEY = re.compile(r"    (\w+):")
_FACT = re.compile(
    rf"(?:    - |      )({'|'.join(_KNOWN_FACTS)}): ([\w./](?:[\w./@+ -]*[\w./@+-])?)"
)
_SHAPING_NAMES = frozenset(["dvc.yaml", ".dvcignore"])

Facts = Mapping[tuple[str, str], Mapping[str, Any]]


class OnlyDvcError(Exception):
    """This commit has something that only DVC itself can read."""


class CommitFiles:
    """The files of one commit, relative to DVC's root."""

    def __init__(self, objects: GitObjects, root: Tree) -> None:
        self._objects = objects
        self._trees = objects.trees([])
        self._root = root
        self._locks: dict[str, Mapping[str, Facts]] = {}

    def id(self, path: str) -> str | None:
        """The object of the file `path`; None where there is no such file."""
        tree = self._root
        *folders, name = PurePosixPath(path).parts
        for folder in folders:
            if folder not in tree.folders:
                return None
            tree = self._trees[tree.folders[folder]]
        return tree.files.get(name)

    def text(self, oid: str) -> str:
        """The content of a file."""
        raw = self._objects.blobs([oid])[oid]
        if raw.startswith(b"version https://git-lfs"):
            raise OnlyDvcError
        try:
            return raw.decode().replace("\r\n", "\n").replace("\r", "\n")  # as files are read
        except UnicodeDecodeError as error:
            raise OnlyDvcError from error

    def shaping(self) -> Iterator[tuple[str, str]]:
        """The files that give the pipeline its shape."""
        waiting = [("", self._root)]
        while waiting:
            folder, tree = waiting.pop()
            for name, oid in tree.files.items():
                if name in _SHAPING_NAMES or name.endswith(".dvc"):
                    yield f"{folder}{name}", oid
            waiting += [
                (f"{folder}{name}/", self._trees[oid]) for name, oid in tree.folders.items()
            ]

    def facts(self, entry: Entry) -> Mapping[str, Any]:
        """Hash and size of a dependency or output."""
        if entry.locked is None:
            return entry.facts
        raw = self.locked(entry.locked)
        numbers = {name: int(raw[name]) if name in raw else None for name in ("size", "nfiles")}
        return {**entry.facts, "hash": raw.get("md5"), **numbers}

    def locked(self, wanted: Locked) -> Mapping[str, Any]:
        """What the lock file says; nothing where it has no such entry."""
        if wanted.lock not in self._locks:
            oid = self.id(wanted.lock)
            self._locks[wanted.lock] = _lock_entries(self.text(oid)) if oid else {}
        stages = self._locks[wanted.lock]
        found = stages.get(wanted.stage, {}).get((wanted.section, wanted.path), {})
        if found.keys() - _KNOWN_FACTS or (found and "md5" not in found):
            raise OnlyDvcError
        return found


def _lock_entries(text: str) -> Mapping[str, Facts]:
    """What a lock file knows of each stage. Raises OnlyDvcError when it is not as DVC writes it."""
    if not text.startswith(_LOCK_HEAD):
        raise OnlyDvcError
    found: dict[str, Facts] = {}
    for block in _LOCK_ENTRY.split(text[len(_LOCK_HEAD) :]):
        if block.strip():
            found.update(_lock_entry(block))
    return found


@lru_cache(maxsize=50_000)
def _lock_entry(block: str) -> Mapping[str, Facts]:
    found = plain_lock_entry(block)
    return found if found is not None else yaml_lock_entry(block)


def plain_lock_entry(block: str) -> Mapping[str, Facts] | None:
    """A stage's entry as DVC nearly always writes it, twenty times faster than by YAML's rules;
    None where it takes those.
    """
    first, *lines = block.splitlines() or [""]
    name = _STAGE.fullmatch(first)
    found: dict[tuple[str, str], dict[str, str]] = {}
    section, item = "", {}
    for line in lines:
        if key := _KEY.match(line):
            section = key[1] if key[1] in ("deps", "outs") else ""
            if section and line != key[0]:
                return None
        elif not line.startswith(("     ", "    -")):
            return None
        elif section:
            fact = _FACT.fullmatch(line)
            if fact is None or (line[4] == "-") != (fact[1] == "path"):
                return None
            if fact[1] == "path":
                item = found.setdefault((section, fact[2]), {})
            item[fact[1]] = fact[2]
    return {name[1]: found} if name else None


def yaml_lock_entry(block: str) -> Mapping[str, Facts]:
    """Any stage's entry. Raises OnlyDvcError when it is none."""
    try:
        raw = yaml.load(block, Loader=yaml.CBaseLoader)  # noqa: S506 (every scalar as text)
        return {
            str(stage): {
                (section, item["path"]): item
                for section in ("deps", "outs")
                for item in entry.get(section) or ()
            }
            for stage, entry in raw.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise OnlyDvcError from error
