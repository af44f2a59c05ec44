"""What the table of the bars is made of, and how often each fault is inflicted on whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults import bars, experiments, kills, outside, small_disk
from tests.faults.bars import Bar


@dataclass(frozen=True)
class Fault:
    """n: how often on amelio; n_control: on DVC, of which it is only asked whether it fails"""

    bar: Bar
    n: int
    n_control: int


@dataclass(frozen=True)
class Row:
    """tests: amelio's own, pytest arguments; control: for DVC's column where no fault is tried"""

    name: str
    faults: Sequence[Fault] = ()
    tests: Sequence[str] = ()
    control: str = ""


A, D, E, F, S = (f"tests/{name}" for name in ("actions", "dvcio", "e2e", "faults", "security"))
QUICK = ("-m", "not slow")
ROWS = {
    "B1": Row(
        "Killed at a system call", (Fault(kills.kill_sweep, 300, 24), Fault(kills.torn_file, 6, 4))
    ),
    "B2": Row("No orphans", (Fault(kills.orphans, 100, 6),)),
    "B3": Row("No silent wrong result", (Fault(bars.changed_meanwhile, 200, 20),)),
    "B4": Row(
        "Finished work is kept",
        (Fault(kills.finished_work, 50, 10), Fault(kills.locked_out, 10, 3)),
        (f"{A}/test_repro_crash.py", "-k", "any_point or full_disk"),
    ),
    "B5": Row("The last good output is kept", (Fault(bars.failing_stage, 20, 4),)),
    "B6": Row("Signals", (Fault(kills.interrupted, 24, 24), Fault(kills.interrupted_twice, 10, 2))),
    "B7": Row("Mutual exclusion", (Fault(bars.two_runs, 50, 12),)),
    "B8": Row(
        "Same as a serial `dvc repro`",
        tests=(f"{D}/test_same_as_dvc.py", f"{D}/test_shapes.py", *QUICK),
        control="the reference",
    ),
    "B9": Row(
        "Write isolation",
        (Fault(bars.foreign_output, 12, 6),),
        (f"{A}/test_repro_borders.py", *QUICK),
    ),
    "B10": Row("Damage in the cache is seen", (Fault(bars.flipped_byte, 100, 10),)),
    "B11": Row("Disk full", (Fault(small_disk.full_disk, 20, 20),)),
    "B12": Row("Edits that keep size and time", (Fault(bars.same_size_same_time, 20, 4),)),
    "B13": Row(
        "Experiments do not get lost",
        (Fault(experiments.killed_worker, 10, 2),),
        (f"{A}/test_experiments_stress.py", *QUICK),
    ),
    "B14": Row(
        "The user's tree is safe",
        (Fault(experiments.killed_command, 50, 10),),
        (f"{A}/test_experiments.py", *QUICK),
    ),
    "B15": Row(
        "Errors, 44 broken configurations",
        (Fault(outside.alias_bomb, 1, 1),),
        (f"{F}/test_broken.py", f"{D}/test_bounded_yaml.py"),
    ),
    "B16": Row(
        "Untrusted models",
        tests=(f"{F}/test_unsafe_calls.py", f"{S}/test_checkpoints.py"),
        control="loads no models",
    ),
    "B17": Row(
        "Untrusted data",
        (Fault(outside.victim, 4, 4),),
        (f"{A}/test_repro_room.py", f"{S}/test_paths_and_bombs.py"),
    ),
    "B19": Row(
        "Shell injection, 54 payloads",
        (Fault(outside.injection, 5, 5),),
        (f"{A}/test_repro_injection.py",),
    ),
    "B20": Row(
        "Secrets, alerts, CI, reports",
        (Fault(outside.committed_secret, 4, 4),),
        (
            "tests/quality",
            "tests/test_redaction.py",
            "tests/ci",
            f"{E}/test_hostile_report.py",
            f"{S}/test_secrets.py",
            f"{S}/test_foreign.py",
            f"{S}/test_terminal.py",
            *QUICK,
        ),
    ),
    "H": Row(
        "Random histories, every fault",
        tests=(f"{F}/test_histories.py", "-m", "slow"),
        control="its faults are tried above",
    ),
}
# F1, F2, F3, F4, F9, F18 and F22: where nothing is found in DVC, the harness is broken.
CONTROLS = frozenset({"B1", "B2", "B3", "B4", "B7", "B10", "B12", "B13"})
