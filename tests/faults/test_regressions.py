"""Histories in which amelio once failed, in the shortest form that random ones shrank to."""

from pathlib import Path

import pytest

from tests.faults import oracle
from tests.faults.project import Project, Subject


@pytest.mark.parametrize(
    ("link", "words"), [("copy", ""), ("reflink", ""), ("symlink", "as=folder")]
)
def test_what_is_made_again_does_not_give_way_to_what_is_damaged_in_the_cache(
    tmp_path: Path, link: str, words: str
) -> None:
    """c made good bytes, DVC linked the damaged ones of the cache over them, d built on those."""
    project = Project(tmp_path, Subject.AMELIO)
    if link != "reflink":
        project.dvc("config", "cache.type", link)
    project.stages(c=words)
    project.repro("c")
    path = "c.out/x" if words else "c.out"
    good, damaged = project.read(path) or b"", project.cached(path)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" + good[1:])
    damaged.chmod(0o444)
    assert project.repro("--force", "c").returncode == 0
    assert project.read(path) == good
    assert oracle.wrong_results(project) == []
