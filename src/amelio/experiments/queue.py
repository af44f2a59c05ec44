"""The queue of experiments: SQLite, so that every change is whole, whoever is killed when."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amelio.errors import EnvironmentFailedError, InputError
from amelio.experiments import owner as owners
from amelio.experiments.entry import OVER, Experiment, Order, Status

LEASE_S = 20.0
MAX_TRIES = 3
PATIENCE_S = 60.0
KEEP_DAYS = 30
FORMAT = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL, baseline TEXT NOT NULL, snapshot TEXT NOT NULL, work TEXT NOT NULL,
    status TEXT NOT NULL, batch TEXT NOT NULL, queued REAL NOT NULL, tries INTEGER DEFAULT 0,
    is_to_stop INTEGER DEFAULT 0, owner TEXT, pid INTEGER, lease_until REAL,
    started REAL, ended REAL, tree TEXT, logs TEXT DEFAULT '[]', stage TEXT DEFAULT '',
    metrics TEXT DEFAULT '{}', metric_files TEXT DEFAULT '{}', result TEXT, message TEXT DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_name ON experiments (name, baseline)
    WHERE status IN ('queued', 'running');
CREATE INDEX IF NOT EXISTS by_status ON experiments (status, id);
PRAGMA user_version = 2;
"""


class Queue:
    """Open it in the process that uses it: a connection does not survive a fork.

    clock: seconds since the epoch
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(_SCHEMA)
        if version not in (0, FORMAT):
            raise EnvironmentFailedError(
                "the queue of experiments is another version's",
                path=path,
                hint="use that version of amelio, or move the file away when nothing waits in it",
            )

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def add(self, orders: Iterable[Order], batch: str) -> list[int]:
        """Queue all or none. Raises InputError when a name is already waiting or running."""
        now = self._clock()
        ids = []
        with self._changing() as db:
            for order in orders:
                try:
                    row = db.execute(
                        "INSERT INTO experiments (name, baseline, snapshot, work, status, batch,"
                        " queued) VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (
                            order.name, order.baseline, order.snapshot,
                            json.dumps(order.to_json()), Status.QUEUED, batch, now,
                        ),
                    )  # fmt: skip
                except sqlite3.IntegrityError as error:
                    raise InputError(
                        f"an experiment {order.name!r} already waits or runs",
                        hint=f"take another name, or `amelio exp stop {order.name}` first",
                    ) from error
                ids.append(int(row.lastrowid or 0))
        return ids

    def add_done(
        self,
        order: Order,
        commit: str,
        times: tuple[float, float],
        logs: Iterable[Path],
        metrics: Mapping[str, float],
    ) -> None:
        """Put down an experiment that ran without the queue; times: when it began and ended."""
        with self._changing() as db:
            db.execute(
                "INSERT INTO experiments (name, baseline, snapshot, work, status, batch, queued,"
                " started, ended, logs, metrics, result)"
                " VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?)",
                (
                    order.name, order.baseline, order.snapshot, json.dumps(order.to_json()),
                    Status.DONE, times[0], *times, _stored(list(logs)), _stored(metrics), commit,
                ),
            )  # fmt: skip

    def claim(self, pid: int, batch: str | None = None) -> Experiment | None:
        """Take up the oldest waiting experiment (of `batch`) for `pid`; None without one."""
        with self._changing() as db:
            row = db.execute(
                "UPDATE experiments SET status = 'running', owner = ?, pid = ?, lease_until = ?,"
                " tries = tries + 1, started = ?, ended = NULL, stage = '', message = '',"
                " metrics = '{}', metric_files = '{}'"
                " WHERE id = (SELECT id FROM experiments WHERE status = 'queued'"
                " AND (? IS NULL OR batch = ?) ORDER BY id LIMIT 1) RETURNING *",
                (owners.token(pid), pid, self._clock() + LEASE_S, self._clock(), batch, batch),
            ).fetchone()
        return _experiment(row) if row else None

    def beat(self, pids: Iterable[int]) -> None:
        """The workers with these process numbers live."""
        with self._changing() as db:
            db.executemany(
                "UPDATE experiments SET lease_until = ? WHERE owner = ? AND status = 'running'",
                [(self._clock() + LEASE_S, owners.token(pid)) for pid in pids],
            )

    def take_back_lost(self) -> int:
        """Queue again what dead workers left, fail what was left for the last time; how many."""
        lost = [
            row
            for row in self._select("status = 'running'")
            if (row["lease_until"] or 0) < self._clock() or owners.is_surely_dead(row["owner"])
        ]
        if not lost:
            return 0
        with self._changing() as db:
            for row in lost:
                status, message = _after_loss(row)
                ended = self._clock() if status in OVER else None
                db.execute(
                    "UPDATE experiments SET status = ?, message = ?, ended = ?, owner = NULL,"
                    " pid = NULL WHERE id = ? AND owner = ? AND status = 'running'",
                    (status, message, ended, row["id"], row["owner"]),
                )
        return len(lost)

    def note(self, experiment: Experiment, **facts: Any) -> bool:
        """Write down facts of a running experiment: tree, logs, stage, metrics, commit.

        False when it is no longer this worker's.
        """
        columns = {"commit": "result"}
        names = [columns.get(name, name) for name in facts]
        with self._changing() as db:
            done = db.execute(
                f"UPDATE experiments SET {', '.join(f'{name} = ?' for name in names)}"
                " WHERE id = ? AND pid = ? AND tries = ? AND status = 'running'",
                (*map(_stored, facts.values()), experiment.id, experiment.pid, experiment.tries),
            )
        return done.rowcount == 1

    def end(self, experiment: Experiment, status: Status, message: str = "") -> bool:
        """A worker is through with it. False when it is no longer this worker's.

        QUEUED gives it back without counting the try.
        """
        with self._changing() as db:
            done = db.execute(
                "UPDATE experiments SET status = ?, message = ?, ended = ?, owner = NULL,"
                " pid = NULL, stage = '', tries = tries - ?"
                " WHERE id = ? AND pid = ? AND tries = ? AND status = 'running'",
                (
                    status, message, self._clock() if status in OVER else None,
                    int(status is Status.QUEUED), experiment.id, experiment.pid, experiment.tries,
                ),
            )  # fmt: skip
        return done.rowcount == 1

    def stop(self, ids: Iterable[int]) -> None:
        """Waiting ones are over; running ones are asked to stop."""
        with self._changing() as db:
            for number in ids:
                db.execute(
                    "UPDATE experiments SET status = 'stopped', ended = ?"
                    " WHERE id = ? AND status = 'queued'",
                    (self._clock(), number),
                )
                db.execute(
                    "UPDATE experiments SET is_to_stop = 1 WHERE id = ? AND status = 'running'",
                    (number,),
                )

    def retry(self, ids: Iterable[int]) -> None:
        """Queue failed and stopped experiments again, with all their tries. Raises InputError when
        the name is waiting or running already.
        """
        try:
            with self._changing() as db:
                db.executemany(
                    "UPDATE experiments SET status = 'queued', tries = 0, is_to_stop = 0,"
                    " message = '', started = NULL, ended = NULL, logs = '[]', result = NULL,"
                    " stage = '', metrics = '{}'"
                    " WHERE id = ? AND status IN ('failed', 'stopped')",
                    [(number,) for number in ids],
                )
        except sqlite3.IntegrityError as error:
            raise InputError("an experiment of that name already waits or runs") from error

    def forget(self, ids: Iterable[int]) -> None:
        """Drop these entries, but for those that run."""
        with self._changing() as db:
            db.executemany(
                "DELETE FROM experiments WHERE id = ? AND status != 'running'",
                [(number,) for number in ids],
            )

    def forget_old(self) -> list[int]:
        """Drop what has been over for a month; returns what that was."""
        with self._changing() as db:
            rows = db.execute(
                "DELETE FROM experiments WHERE status IN ('done', 'failed', 'stopped')"
                " AND ended < ? RETURNING id",
                (self._clock() - KEEP_DAYS * 86400,),
            ).fetchall()
        return [int(row[0]) for row in rows]

    def all(self, first: int = 0) -> list[Experiment]:
        """Every entry from the id `first` on, oldest first."""
        return [_experiment(row) for row in self._select(f"id >= {int(first)}")]

    def live(self) -> list[Experiment]:
        """What waits or runs, oldest first."""
        return [_experiment(row) for row in self._select("status IN ('queued', 'running')")]

    def of_ids(self, ids: Sequence[int]) -> list[Experiment]:
        """These entries."""
        wanted = set(ids)
        return [found for found in self.all(min(ids, default=0)) if found.id in wanted]

    def count(self, status: Status, batch: str | None = None) -> int:
        """How many are so (of `batch`)."""
        row = self._db.execute(
            "SELECT count(*) FROM experiments WHERE status = ? AND (? IS NULL OR batch = ?)",
            (status, batch, batch),
        ).fetchone()
        return int(row[0])

    def to_stop(self) -> list[tuple[int, int]]:
        """The running experiments that are to be stopped, with their workers' process numbers."""
        rows = self._select("status = 'running' AND is_to_stop = 1")
        return [(int(row["id"]), int(row["pid"])) for row in rows]

    def is_to_stop(self, experiment: Experiment) -> bool:
        """Whether somebody wants it stopped."""
        return bool(self._select(f"id = {experiment.id} AND is_to_stop = 1"))

    def snapshots(self) -> set[str]:
        """The commits that are still needed: done is done, everything else may run (again)."""
        return {row["snapshot"] for row in self._select("status != 'done'")}

    def _select(self, condition: str) -> list[sqlite3.Row]:
        with _explained(self.path):
            return self._db.execute(
                f"SELECT * FROM experiments WHERE {condition} ORDER BY id"
            ).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with _explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _after_loss(row: sqlite3.Row) -> tuple[Status, str]:
    if row["is_to_stop"]:
        return Status.STOPPED, ""
    if row["tries"] < MAX_TRIES:
        return Status.QUEUED, ""
    return Status.FAILED, f"its worker was killed {row['tries']} times; see its log"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise EnvironmentFailedError(
            f"cannot use the queue of experiments: {error}",
            path=path,
            hint="is the disk full, or read-only?",
        ) from error


def _stored(value: Any) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=str)
    return str(value) if isinstance(value, Path) else value


def _experiment(row: sqlite3.Row) -> Experiment:
    return Experiment(
        id=row["id"],
        order=Order.from_json(json.loads(row["work"])),
        status=Status(row["status"]),
        batch=row["batch"],
        queued=row["queued"],
        tries=row["tries"],
        is_to_stop=bool(row["is_to_stop"]),
        pid=row["pid"],
        started=row["started"],
        ended=row["ended"],
        tree=Path(row["tree"]) if row["tree"] else None,
        logs=tuple(map(Path, json.loads(row["logs"]))),
        stage=row["stage"],
        metrics=json.loads(row["metrics"]),
        metric_files={Path(p): ns for p, ns in json.loads(row["metric_files"] or "{}").items()},
        commit=row["result"],
        message=row["message"],
    )
