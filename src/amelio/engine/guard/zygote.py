"""The small process that every guard is forked from; it has imported next to nothing.

Run as a program: `python -I -S zygote.py SOCKET LIFE`. SOCKET takes `run TASK` (JSON), `read
TASK_FILE` and `signal ATTEMPT NUMBER`, and carries the guards' answers. LIFE is the reading end of
a pipe that only amelio holds open: its end is amelio's.
"""

# Paths are strings here: they come from DVC or the kernel, and are many.
# ruff: noqa: PTH100, PTH120, PTH123

import contextlib
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path += [here, os.path.dirname(os.path.dirname(here))]
    import fingerprint  # type: ignore[import-not-found,no-redef,unused-ignore]
    import journal_line  # type: ignore[import-not-found,no-redef,unused-ignore]
    import tree  # type: ignore[import-not-found,no-redef,unused-ignore]
else:
    from amelio import fingerprint
    from amelio.engine.guard import journal_line, tree

LONGEST_MESSAGE = 65536  # bytes
GRACE_S = 4.0  # after a signal; so that the prompt is back within 5 s
LOCK_PATIENCE_S = 20.0
LONGEST_WAIT_MS = 1e9  # 11 days; the system's limit is 24
CANNOT_START = 127
HEARD = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AS_USUAL = (*HEARD, signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores the last two


def serve(connection: socket.socket, life: int) -> None:
    """Fork a guard for every task, pass signals on, until amelio is gone. In a session of its own
    already.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.disable()  # it would write to, and so copy, every page that a guard shares with us
    tree.adopt_orphans()  # of a guard that is killed
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    poller.register(wake_read, select.POLLIN)
    guards: dict[int, dict[str, Any]] = {}  # by pid, what each one has to do
    while True:
        ready = {handle for handle, _ in poller.poll()}
        with contextlib.suppress(BlockingIOError):
            os.read(wake_read, 4096)
        _bury(guards, connection)
        if connection.fileno() not in ready:
            continue
        word, _, rest = connection.recv(LONGEST_MESSAGE).decode().partition(" ")
        if word == "read":
            with open(rest, encoding="utf-8") as file:
                word, rest = "run", file.read()
        if word == "run":
            task = json.loads(rest)
            pid = os.fork()
            if pid == 0:
                _guard_and_exit(task, connection, life)
            guards[pid] = task
        elif word == "signal":
            attempt, _, number = rest.rpartition(" ")
            for pid, task in guards.items():
                if task["attempt"] == attempt:
                    os.kill(pid, int(number))
        else:
            return


def _bury(guards: dict[int, dict[str, Any]], connection: socket.socket) -> None:
    """Forget guards that have ended. One that could not end its work is spoken for: without it
    amelio would wait for ever, and what it guarded would live on.
    """
    for pid, task in list(guards.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            continue
        del guards[pid]
        if status:
            tree.end_strays(guards)
            code = os.waitstatus_to_exitcode(status)
            with open(task["log"], "a", encoding="utf-8") as log:
                log.write(f"amelio: the guard of this stage has died ({code})\n")
            with contextlib.suppress(OSError):  # amelio is gone
                connection.send(json.dumps(_last_words(task, code)).encode())


def _last_words(task: dict[str, Any], code: int) -> dict[str, Any]:
    """A guard's report, as far as others can tell."""
    return {
        "kind": "exited",
        "attempt": task["attempt"],
        "code": code,
        "signal": 0,
        "timed_out": False,
        "stragglers": True,
        "sealed": False,
        "started": time.time(),
        "ended": time.time(),
        "cpu_s": 0.0,
        "peak_bytes": 0,
        "read_bytes": 0,
        "written_bytes": 0,
        "inputs": {},
        "outputs": {},
    }


def _guard_and_exit(task: dict[str, Any], connection: socket.socket, life: int) -> None:
    code = 1
    try:
        Guard(task, life).run(connection)
        code = 0
    finally:
        os._exit(code)


class Guard:
    """Runs one attempt's commands, outlives none of them, and says how they ended.

    While a command runs it waits for: its end, the deadline, a signal from amelio, amelio's death.
    It reports only when every process of the tree is dead, so what it then sees of the outputs is
    final.
    """

    def __init__(self, task: dict[str, Any], life: int) -> None:
        self.task = task
        self.life = life
        self.group = 0
        self.is_timed_out = False
        self.is_orphaned = False
        self.had_stragglers = False
        self.signalled = 0
        self.kill_at: float | None = None
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self, connection: socket.socket) -> None:
        os.setsid()
        is_sealed = tree.adopt_orphans()
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, self._note_signal)
        lock = self._take_lock()
        if self._is_amelio_gone():  # and the next run may have undone this attempt already
            return
        started = time.time()
        log = os.open(self.task["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        code = self._run_commands(log, lock)
        if self.is_orphaned:
            return
        self._report(connection, code, started, is_sealed)

    def _note_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.signalled = number

    def _is_amelio_gone(self) -> bool:
        poller = select.poll()
        poller.register(self.life, select.POLLIN)
        return bool(poller.poll(0))

    def _take_lock(self) -> int:
        handle = os.open(self.task["lock"], os.O_RDWR | os.O_CREAT, 0o666)
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                os.set_inheritable(handle, True)  # whoever still writes, still holds the stage
                return handle

    def _run_commands(self, log: int, lock: int) -> int:
        timeout_s = self.task["timeout_s"]
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        code = 0
        for argv in self.task["commands"]:
            code = self._run_command(argv, log, deadline)
            if code or self.signalled or self.is_orphaned or self.is_timed_out:
                break
        os.close(lock)
        return code

    def _run_command(self, argv: list[str], log: int, deadline: float | None) -> int:
        pid = self._start(argv, log)
        if pid is None:
            return CANNOT_START
        self.group = pid
        code = self._wait(pid, deadline)
        if tree.has_children():
            self.had_stragglers = True
            self._end_tree(pid, GRACE_S if code == 0 else 0.5)
        return code

    def _end_tree(self, pid: int, grace_s: float) -> None:
        """Within what a first signal has left of its time; a second one, or amelio's death, leaves
        none.
        """
        if self.kill_at is not None:
            grace_s = self.kill_at - time.monotonic()
        tree.end_tree(
            pid, grace_s, lambda: self.signalled == signal.SIGHUP or self._is_amelio_gone()
        )

    def _start(self, argv: list[str], log: int) -> int | None:
        """Start a command in a session of its own, without a copy of this process: 1 ms less."""
        environment = {**os.environ, **self.task["env"]}
        for name in self.task["unset"]:
            environment.pop(name, None)
        nothing = os.open(os.devnull, os.O_RDONLY)
        spawn = os.posix_spawn if "/" in argv[0] else os.posix_spawnp
        try:
            os.chdir(self.task["cwd"])
            return spawn(
                argv[0],
                argv,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, nothing, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsid=True,
                setsigdef=AS_USUAL,
            )
        except OSError as error:
            os.write(log, f"amelio: cannot start {argv[0]!r}: {error}\n".encode())
            return None
        finally:
            os.close(nothing)

    def _wait(self, pid: int, deadline: float | None) -> int:
        poller = select.poll()
        poller.register(self.wake_read, select.POLLIN)
        poller.register(self.life, select.POLLIN)
        forwarded = 0
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if self.signalled and self.signalled != forwarded:
                forwarded = self._pass_on(pid)
            left_s = self._left_s(deadline)
            if left_s is not None and left_s <= 0:
                self.is_timed_out = self.kill_at is None
                self._end_tree(pid, GRACE_S)
                return -(forwarded or signal.SIGTERM)
            wait_ms = None if left_s is None else min(left_s * 1000 + 1, LONGEST_WAIT_MS)
            events = poller.poll(wait_ms)
            for handle, _ in events:
                if handle == self.life:
                    done, status = os.waitpid(pid, os.WNOHANG)
                    if done:  # the command ended first: its work is kept
                        return os.waitstatus_to_exitcode(status)
                    self.is_orphaned = True
                    self._end_tree(pid, 0)
                    return -signal.SIGKILL
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake_read, 4096)

    def _pass_on(self, pid: int) -> int:
        """The signal, to the whole tree; from now on it has `GRACE_S`, or nothing after SIGHUP."""
        number = self.signalled
        is_patient = number != signal.SIGHUP
        self.kill_at = time.monotonic() + (GRACE_S if is_patient else 0)
        if is_patient:
            tree.signal_tree(pid, number)
        return number

    def _left_s(self, deadline: float | None) -> float | None:
        ends = [end for end in (deadline, self.kill_at) if end is not None]
        return min(ends) - time.monotonic() if ends else None

    def _report(self, connection: socket.socket, code: int, started: float, sealed: bool) -> None:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        entry = {
            "kind": "exited",
            "attempt": self.task["attempt"],
            "code": code,
            "signal": self.signalled,
            "timed_out": self.is_timed_out,
            "stragglers": self.had_stragglers,
            "sealed": sealed,
            "started": started,
            "ended": time.time(),
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
            "read_bytes": usage.ru_inblock * 512,
            "written_bytes": usage.ru_oublock * 512,
            "inputs": {path: fingerprint.of_path(path) for path in self.task["inputs"]},
            "outputs": {path: fingerprint.of_path(path) for path in self.task["outputs"]},
        }
        with contextlib.suppress(OSError):  # a full disk: amelio still hears it, and says so
            journal_line.append(self.task["journal"], entry, is_synced=False)
        with contextlib.suppress(OSError):  # amelio is gone: the journal has it
            try:
                connection.send(json.dumps(entry).encode())
            except OSError:  # too long for one message: amelio reads the rest in the journal
                short = {**entry, "inputs": None, "outputs": None}
                connection.send(json.dumps(short).encode())
        with contextlib.suppress(OSError):  # only a loss of power needs it: amelio need not wait
            journal_line.sync(self.task["journal"])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
