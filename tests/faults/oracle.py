"""What must hold after any history; knows the formats of DVC and nothing of who wrote them."""

import hashlib
import json
from typing import Any

import yaml

from tests.faults import stage
from tests.faults.project import Project


def wrong_results(project: Project, lock_text: bytes | None = None) -> list[str]:
    """Entries of `dvc.lock` whose outputs are not what their command makes of their inputs.

    lock_text: another lock file of the same pipeline than the workspace's

    What it finds right it remembers: an entry may stay behind when those before it have changed.
    """
    if lock_text is None:
        lock_text = project.read("dvc.lock") or b"{}"
    try:
        lock = yaml.safe_load(lock_text) or {}
    except yaml.YAMLError as error:
        return [f"dvc.lock is torn: {str(error).splitlines()[0]}"]
    known = project.versions
    found: list[str] = []
    left = dict(lock.get("stages", {}))
    while left:
        ready = [name for name, entry in left.items() if _inputs(entry, known) is not None]
        if not ready:
            return [*found, f"{', '.join(left)}: inputs in dvc.lock that nobody ever wrote"]
        for name in ready:
            entry = left.pop(name)
            params: dict[str, Any] = next(iter(entry.get("params", {}).values()), {})
            made = stage.content(entry["cmd"], _inputs(entry, known) or {}, params)
            recorded = entry["outs"][0]["md5"]
            if recorded == _name(made, is_folder="as=folder" in entry["cmd"]):
                known[hashlib.md5(made).hexdigest()] = made
            else:
                found.append(f"{name}: dvc.lock records a result that its inputs do not give")
                known = {recorded: b"", **known}
    return found


def wrong_files(project: Project) -> list[str]:
    """Outputs in the workspace that are not what `dvc.lock` says; right after a good end only."""
    lock = yaml.safe_load(project.read("dvc.lock") or b"{}") or {}
    outs = [out for entry in lock.get("stages", {}).values() for out in entry["outs"]]
    return [
        f"{out['path']} is not what dvc.lock says"
        for out in outs
        if (content := project.read(out["path"])) is not None
        and hashlib.md5(content).hexdigest() != out["md5"]
    ]


def rotten_objects(project: Project) -> list[str]:
    """Objects of the cache whose name is not the hash of their content, and what is half copied."""
    folder = project.root / ".dvc/cache/files/md5"
    return [
        f"cache object {path.parent.name}{path.name} holds something else"
        for path in folder.glob("??/*")
        if path.parent.name + path.name.removesuffix(".dir")
        != hashlib.md5(path.read_bytes()).hexdigest()
    ]


def not_mended(project: Project) -> list[str]:
    """What a plain second run leaves undone; it must need no one's hand."""
    done = project.repro()
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        return [f"the next run exits with {done.returncode}: {' '.join(last)}"]
    told = project.dvc("status").strip()
    return [] if told.endswith("up to date.") else [f"dvc status after the next run: {told}"]


def _name(made: bytes, *, is_folder: bool) -> str:
    """DVC's hash of an output with this content."""
    md5 = hashlib.md5(made).hexdigest()
    listed = json.dumps([{"md5": md5, "relpath": "x"}], sort_keys=True).encode()
    return f"{hashlib.md5(listed).hexdigest()}.dir" if is_folder else md5


def _inputs(entry: dict[str, Any], known: dict[str, bytes]) -> dict[str, bytes] | None:
    """The bytes of an entry's dependencies; None as long as one is not known."""
    deps = {dep["path"]: known.get(dep["md5"]) for dep in entry["deps"]}
    found = {path: content for path, content in deps.items() if content is not None}
    return found if len(found) == len(deps) else None


def violations(project: Project) -> list[str]:
    """All of it: truth of the lock and of the cache, now and after the next run."""
    found = wrong_results(project) + rotten_objects(project)
    return [*found, *not_mended(project), *wrong_results(project), *rotten_objects(project)]
