"""Small errands in Git for a whole project."""

from pathlib import Path

from amelio.dvcio.project import commit_all, is_committed


def test_what_the_last_commit_has(repository: Path) -> None:
    (repository / "first").touch()
    commit_all(repository, "Start")
    (repository / "later").touch()
    assert is_committed(repository, "first")
    assert not is_committed(repository, "later")
