"""The program of every stage here: what it writes is a function of what `dvc.lock` records.

    python3 -SE stage.py NAME [d=DEP …] [p=PARAM …] [sleep=S] [size=BYTES] [spoil=FILE] [child=N]
        [as=folder] [signal=ignore|0|1]

`as=folder`: the output is a folder with one file; `signal`: what it does with signals. It runs in
the repository and leaves marks beside it, in ../marks. Only the standard library.
"""

# ruff: noqa: PTH103, PTH123 - it must start fast
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

LAUNCH = "python3 -SE stage.py"
MARKS = "../marks"


def content(command: str, deps: dict[str, bytes], params: dict[str, object]) -> bytes:
    """What the stage with this command writes, given its inputs' bytes and parameters' values."""
    known = [command, {path: hashlib.sha256(deps[path]).hexdigest() for path in deps}, params]
    text = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return (text * (1 + int(options(command).get("size", ["0"])[0]) // len(text))).encode()


def options(command: str) -> dict[str, list[str]]:
    """The words `key=value` of a command."""
    found: dict[str, list[str]] = {}
    for word in command.split():
        key, sign, value = word.partition("=")
        if sign:
            found.setdefault(key, []).append(value)
    return found


def main() -> int:
    """Read, wait, write; the marks say when."""
    name = sys.argv[1]
    command = " ".join([LAUNCH, *sys.argv[1:]])
    wanted = options(command)
    deps = {}
    for path in wanted.get("d", []):
        with open(path, "rb") as file:
            deps[path] = file.read()
    with open("params.json") as file:
        values = json.load(file)
    params = {key: values[key] for key in wanted.get("p", [])}
    for answer in wanted.get("signal", []):
        answer_signals(f"{name}.out", answer)
    mark(f"start {name} {os.getpid()}")
    for i in range(int(wanted.get("child", ["0"])[0])):
        spawn_stubborn(new_session=bool(i % 2))
    time.sleep(float(wanted.get("sleep", ["0"])[0]))
    for path in wanted.get("spoil", []):
        with open(path, "a") as file:
            file.write("spoilt")
    write(f"{name}.out", content(command, deps, params), is_folder="as" in wanted)
    if values.get("fail") == name:
        return 1
    mark(f"end {name} {os.getpid()}")
    return 0


def write(path: str, made: bytes, *, is_folder: bool) -> None:
    """The output."""
    if is_folder:
        os.makedirs(path, exist_ok=True)
        path = f"{path}/x"
    with open(path, "wb") as file:
        file.write(made)


def answer_signals(path: str, answer: str) -> None:
    """Ignore them, or leave half an output and exit with a code."""

    def leave(_number: int, _frame: object) -> None:
        write(path, b"half", is_folder=False)
        os._exit(int(answer))

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN if answer == "ignore" else leave)


def spawn_stubborn(*, new_session: bool) -> None:
    """A child that ignores polite signals."""
    child = subprocess.Popen(
        [sys.executable, "-SEc", "import time; time.sleep(60)"],
        start_new_session=new_session,
        preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    )
    mark(f"child of {os.getpid()} {child.pid}")


def mark(text: str) -> None:
    """One line, appended at once."""
    with open(MARKS, "a") as file:
        file.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
