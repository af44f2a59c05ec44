"""A real SSH server that is killed in the middle of a push and of a pull, and comes back."""

import getpass
import hashlib
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.e2e.servers import Server, ssh

N_FILES, FILE_BYTES = 60, 1_000_000
PIPELINE = """\
stages:
  count:
    cmd: cat data/* | wc -c > count.txt
    deps: [data]
    outs: [count.txt]
  score:
    cmd: echo '{"accuracy":0.5}' > score.json
    metrics: [score.json]
"""


class Store:
    """A folder of this machine behind an SSH server that can die and come back."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.objects = folder / "store"
        self._folder, self._stack = folder, stack
        self._server: Server = stack.enter_context(ssh(folder))
        self._port = int(self._server.url.rpartition(":")[2])
        keys = Path(os.environ["HOME"], ".ssh")
        keys.mkdir(mode=0o700, parents=True)
        shutil.copy(folder / "key", keys / "id_ed25519")

    @property
    def url(self) -> str:
        return self._server.url.replace("://", f"://{getpass.getuser()}@") + str(self.objects)

    def come_back(self) -> None:
        self._server = self._stack.enter_context(ssh(self._folder, self._port))

    def die_when(self, is_due: Callable[[], bool]) -> threading.Thread:
        """Kill the server as soon as `is_due`; join the thread to know that it is dead."""

        def watch() -> None:
            while not is_due():
                time.sleep(0.002)
            self._server.die()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with ExitStack() as stack:
        yield Store(tmp_path_factory.mktemp("ssh"), stack)


@pytest.fixture
def project(repository: Path, amelio: Run, store: Store) -> Path:
    """A pipeline that has run on 60 MB of data, which no remote has yet."""
    dice = random.Random(0)
    (repository / "data").mkdir()
    for number in range(N_FILES):
        (repository / f"data/{number}.bin").write_bytes(dice.randbytes(FILE_BYTES))
    (repository / "dvc.yaml").write_text(PIPELINE)
    for words in (("add", "-q", "data"), ("repro", "-q"), ("remote", "add", "-d", "s", store.url)):
        assert amelio(*words, cwd=repository).returncode == 0
    for git in (["add", "."], ["commit", "-qm", "Count"]):
        subprocess.run(["git", *git], cwd=repository, check=True)
    return repository


def whole_objects(folder: Path) -> int:
    """How many objects there are; each must hold what its name says, however a transfer ended."""
    n_objects = 0
    for path in (folder / "files/md5").glob("??/*"):
        if not path.name.endswith(".tmp"):
            name = path.parent.name + path.name.removesuffix(".dir")
            assert hashlib.md5(path.read_bytes()).hexdigest() == name
            n_objects += 1
    return n_objects


def has_some(folder: Path) -> Callable[[], bool]:
    """Whether a few files have arrived."""
    return lambda: len(list(folder.glob("files/md5/??/*"))) >= 5


def test_a_remote_that_dies_half_way(
    project: Path, store: Store, amelio: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    death = store.die_when(has_some(store.objects))
    cut = amelio("push", cwd=project)
    death.join()
    assert cut.returncode != 0
    assert "failed to transfer" in cut.stderr
    assert "Traceback" not in cut.stderr
    assert whole_objects(store.objects) < N_FILES
    down = amelio("push", cwd=project)
    assert down.returncode != 0
    assert "Connect call failed" in down.stderr
    health = amelio("health", cwd=project)
    assert health.returncode == 1
    assert "to mend remote s" in health.stdout

    store.come_back()
    assert amelio("push", cwd=project).returncode == 0
    assert whole_objects(store.objects) == N_FILES + 3  # the folder's list, count, score
    assert "in sync" in amelio("status", "--cloud", cwd=project).stdout

    clone = tmp_path_factory.mktemp("clones") / "clone"
    subprocess.run(["git", "clone", "-q", str(project), str(clone)], check=True)
    death = store.die_when(has_some(clone / ".dvc/cache"))
    cut = amelio("pull", cwd=clone)
    death.join()
    assert cut.returncode != 0
    assert "Traceback" not in cut.stderr
    assert whole_objects(clone / ".dvc/cache") < N_FILES

    lock = (clone / "dvc.lock").read_bytes()
    (clone / "dvc.yaml").write_text(PIPELINE.replace("wc -c", "wc -l"))
    down = amelio("repro", "--pull", "--allow-missing", cwd=clone)
    assert down.returncode == 4  # the network, not the stage
    assert "what count needs cannot be fetched: " in down.stdout + down.stderr
    assert "`amelio health` asks the remote" in down.stdout + down.stderr
    assert "Traceback" not in down.stderr
    assert (clone / "dvc.lock").read_bytes() == lock
    assert not (clone / "count.txt").exists()

    shutil.rmtree(clone / ".dvc/cache")  # the score may have arrived
    report = amelio("report", cwd=clone)
    assert report.returncode == 4
    assert "the remote does not give score.json: " in report.stderr
    assert "Connect call failed" in report.stderr
    assert "the remote does not give score.json" in (clone / "reports/report.html").read_text()

    store.come_back()
    assert amelio("report", cwd=clone).returncode == 0
    assert "| `accuracy` |" in (clone / "reports/metrics_report.md").read_text()
    assert amelio("repro", "--pull", "--allow-missing", cwd=clone).returncode == 0
    assert len(list((clone / "data").iterdir())) == N_FILES
    assert (clone / "count.txt").exists()
