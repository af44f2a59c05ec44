"""Asks one remote, in a process of its own that can be killed: `dvcio.remotes.remotes` runs it.

Reads a request from standard input and writes the answer to standard output, both JSON.
"""

import contextlib
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from amelio.dvcio.translate import explain


def main() -> None:
    """Answer the one request."""
    request = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answer_file:
        os.dup2(2, 1)  # whatever a library prints is no answer
        answer_file.write(json.dumps(_answer(request)))


def look(remote: Any) -> None:
    """Ask for something that need not be there; raises when nobody answers or refuses."""
    if remote.fs.protocol == "local":
        os.listdir(_existing(remote.path))  # noqa: PTH208
        return
    with contextlib.suppress(FileNotFoundError, NotImplementedError):
        remote.fs.fs.ls(remote.path, detail=False)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from dvc.repo import Repo

    answer: dict[str, Any] = {"step": "opening it"}
    try:
        with Repo(request["root"]) as repo:
            remote = repo.cloud.get_remote(request["remote"])
            started = time.monotonic()
            answer["step"] = "reading"
            if request["is_sized"]:
                answer |= _sizes(remote)
            existing = set(remote.odb.list_oids_exists(request["oids"]) if request["oids"] else ())
            answer["missing"] = [oid for oid in request["oids"] if oid not in existing]
            if request["is_written"]:
                look(remote)
                answer["read_s"] = time.monotonic() - started
                answer["step"] = "writing"
                started = time.monotonic()
                _write(remote)
                answer["write_s"] = time.monotonic() - started
            answer["step"] = ""
    except Exception as error:  # each kind of remote raises its own
        answer["problem"] = explain(error)
    return answer


def _existing(path: str) -> str:
    """A local remote is made by the first push: look at the nearest folder that is there."""
    place = Path(path)
    while not place.exists() and place != place.parent:
        place = place.parent
    return str(place)


def _write(remote: Any) -> None:
    """Leave nothing behind."""
    name = f".amelio-health-{uuid.uuid4().hex}"
    is_local = remote.fs.protocol == "local"
    folder = _existing(remote.path) if is_local else remote.path
    path = remote.fs.join(folder, name)
    with remote.fs.open(path, "wb") as file:
        file.write(b"amelio")
    remote.fs.remove(path)


def _sizes(remote: Any) -> dict[str, int]:
    if remote.fs.protocol == "local":
        found = [Path(folder, name) for folder, _, names in os.walk(remote.path) for name in names]
        sizes = [path.stat().st_size for path in found]
    else:
        try:
            listed = remote.fs.fs.find(remote.path, detail=True)
        except FileNotFoundError:
            listed = {}
        sizes = [int(info.get("size") or 0) for info in listed.values()]
    return {"n_files": len(sizes), "size_bytes": sum(sizes)}


if __name__ == "__main__":
    main()
