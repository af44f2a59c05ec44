"""A repository under test, and the two programs that may run it."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import yaml

from tests.faults import stage

PATIENCE_S = 60.0
_MAKING = threading.Lock()
_made: "list[tempfile.TemporaryDirectory[str]]" = []


class Subject(StrEnum):
    """Whom the faults are inflicted on; DVC is the control."""

    AMELIO = "amelio"
    DVC = "dvc"


class Project:
    """Git, DVC and stages a → b → d ← c; every version of every input is remembered.

    root: the repository; the stages' marks are kept beside it
    """

    SOURCES = ("raw.txt", "more.txt")

    def __init__(self, folder: Path, subject: Subject) -> None:
        self.root, self.subject = folder / "repo", subject
        self.versions: dict[str, bytes] = {}  # md5 → content
        self.flags: dict[str, dict[str, bool]] = {}  # of the stages' outputs, for `stages`
        shutil.copytree(_template(), self.root)
        for path in self.SOURCES:
            self.write(path, f"{path}, first version\n")
        self.params(alpha=1, beta=1, fail="")
        self.stages()
        self.commit("-A")

    def copied(self, folder: Path) -> "Project":
        """The same, with all that happened to it, somewhere else."""
        twin = copy.copy(self)
        twin.root, twin.versions, twin.flags = folder / "repo", {**self.versions}, {**self.flags}
        shutil.copytree(self.root.parent, folder, symlinks=True)
        return twin

    def stages(self, **words: str) -> None:
        """Write `dvc.yaml`, with `words` behind the commands of the stages that they name."""
        shape = {
            "a": (["raw.txt"], ["alpha"]),
            "b": (["a.out"], ["beta"]),
            "c": (["more.txt"], []),
            "d": (["b.out", "c.out"], []),
        }
        entries = {}
        for name, (deps, params) in shape.items():
            command = [stage.LAUNCH, name, *(f"d={x}" for x in deps), *(f"p={x}" for x in params)]
            entries[name] = {
                "cmd": " ".join([*command, *words.get(name, "").split()]),
                "deps": deps,
                **({"params": [{"params.json": params}]} if params else {}),
                "outs": [
                    {f"{name}.out": flags} if (flags := self.flags.get(name)) else f"{name}.out"
                ],
            }
        (self.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": entries}, sort_keys=False))

    def write(self, path: str, text: str, *, keep_time: bool = False) -> None:
        """A new version of an input; with `keep_time` nobody sees it by its time."""
        target = self.root / path
        before = target.stat() if keep_time else None
        target.write_text(text)
        if before:
            os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.versions[hashlib.md5(text.encode()).hexdigest()] = text.encode()

    def params(self, **values: object) -> None:
        """Set parameters."""
        path = self.root / "params.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | values))

    def start(
        self, *words: str, under: Sequence[str] = (), subject: Subject | None = None
    ) -> subprocess.Popen[str]:
        """The subject's `repro`, in the background, started by the program `under`."""
        subject = subject or self.subject
        jobs = ["--jobs", "2"] if subject is Subject.AMELIO and "--jobs" not in words else []
        return self.popen([*under, *_python(subject), "repro", *jobs, *words])

    def repro(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The subject's `repro`, to its end."""
        return finish(self.start(*words))

    def start_other(self, *words: str) -> subprocess.Popen[str]:
        """Another command of the subject's, in the background."""
        return self.popen([*_python(self.subject), *words])

    def checkout(self) -> subprocess.CompletedProcess[str]:
        """The subject's `checkout`."""
        return finish(self.start_other("checkout"))

    def amelio(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of amelio's, to its end."""
        return finish(self.popen([*_python(Subject.AMELIO), *words]))

    def dvc(self, *words: str) -> str:
        """Real DVC, which must end well; what it prints."""
        done = finish(self.popen([*_python(Subject.DVC), *words]))
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def git(self, *words: str) -> str:
        """Run Git."""
        done = finish(self.popen(["git", *words]))
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def commit(self, *paths: str) -> None:
        """Commit these."""
        self.git("add", *paths)
        self.git("commit", "-qm", "change", "--allow-empty")

    def marks(self, text: str) -> list[str]:
        """The last words of the stages' marks that begin with `text`."""
        path = self.root.parent / "marks"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[-1] for line in lines if line.startswith(text)]

    def forget_marks(self) -> None:
        """Begin a new count."""
        (self.root.parent / "marks").write_text("")

    def read(self, path: str) -> bytes | None:
        """A file's content, None where there is no file."""
        target = self.root / path
        return target.read_bytes() if target.exists() else None

    def cached(self, path: str) -> Path:
        """Where the cache keeps what the workspace now has at `path`."""
        found = hashlib.md5((self.root / path).read_bytes()).hexdigest()
        return self.root / ".dvc/cache/files/md5" / found[:2] / found[2:]

    def popen(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Any program, in the repository, in a process group of its own."""
        return subprocess.Popen(
            words,
            cwd=self.root,
            env={**os.environ, **_environment(self.root.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's: settings, and the place where DVC keeps its database."""
    return {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # DVC's queue starts `dvc`
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }


def _template() -> Path:
    """A repository with nothing but `stage.py`, made once in each process."""
    with _MAKING:
        if not _made:
            folder = tempfile.TemporaryDirectory(prefix="amelio-template-")
            root = Path(folder.name) / "repo"
            root.mkdir()
            environment = {**os.environ, **_environment(Path(folder.name))}
            for words in (
                ["git", "init", "-q", "-b", "main"],
                [*_python(Subject.DVC), "init", "-q"],
            ):
                subprocess.run(words, cwd=root, env=environment, check=True)
            shutil.copy(stage.__file__, root / "stage.py")
            _made.append(folder)
        return Path(_made[0].name) / "repo"


def _python(program: Subject) -> list[str]:
    return [sys.executable, "-m", program.value]


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for its end, within PATIENCE_S."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(happened: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as `happened()` is true; fail when it never is."""
    until = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.005)


def is_alive(pid: str) -> bool:
    """Whether the process runs still; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
