"""Who works on an experiment, and whether that process still lives."""

import os
import socket
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def token(pid: int) -> str:
    """Names a process of this machine for good: its number alone is used again."""
    return f"{_machine()} {pid} {_birth(pid)}"


def is_surely_dead(owner: str) -> bool:
    """True when the process ended; False when it lives, or runs where we cannot look."""
    machine, pid, birth = owner.rsplit(" ", 2)
    if machine != _machine():
        return False
    return not birth or _birth(int(pid)) != birth


def _machine() -> str:
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        space = str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}:{boot}:{space}"


def _birth(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""
