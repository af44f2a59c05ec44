"""Old runs' folders are removed by number and by size."""

from pathlib import Path

import pytest

from amelio.engine.settings import load_project
from amelio.insight import records


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Five runs with a log of 1,000 bytes each; the later one sorts later."""
    for n in range(5):
        log = tmp_path / f"run-{n}" / "0001-a" / "log"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"x" * 1000)
    return tmp_path


def left(runs: Path) -> list[int]:
    return sorted(int(path.name[-1]) for path in runs.iterdir())


def test_by_number(runs: Path) -> None:
    records.prune(runs, keep_runs=2, keep_bytes=10**9, spared=set())
    assert left(runs) == [3, 4]


def test_by_size_also_when_it_was_counted_before(runs: Path) -> None:
    records.prune(runs, keep_runs=9, keep_bytes=10**9, spared=set())
    assert left(runs) == [0, 1, 2, 3, 4]
    records.prune(runs, keep_runs=9, keep_bytes=2500, spared=set())
    assert left(runs) == [2, 3, 4]  # the one with which it is too much stays


def test_both_are_settings(tmp_path: Path) -> None:
    (tmp_path / "amelio.yaml").write_text("records: {keep_runs: 3, keep_mb: 2}\n")
    settings = load_project(tmp_path)
    assert (settings.keep_runs, settings.keep_bytes) == (3, 2 * 1024**2)


def test_what_is_spared_stays_and_does_not_count(runs: Path) -> None:
    records.prune(runs, keep_runs=1, keep_bytes=10**9, spared={"run-0", "run-2"})
    assert left(runs) == [0, 2, 4]
