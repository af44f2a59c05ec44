"""What is remembered of an experiment's metrics, for the tables."""

import json

import pytest

from amelio.actions.experiment_run import MAX_METRICS, numbers
from amelio.dvcio.workspace import open_workspace
from tests.actions.engine_project import Project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")


def test_many_numbers_of_one_file_leave_room_for_the_next(project: Project) -> None:
    project.stages(
        a={"cmd": "true", "metrics": ["a.json"]}, b={"cmd": "true", "metrics": ["b.json"]}
    )
    project.write("a.json", json.dumps({"n": {str(i): i for i in range(300)}, "ok": True}))
    project.write("b.json", '{"accuracy": 0.5}')
    found = numbers(open_workspace(is_quiet=True))
    assert len(found) == 301
    assert found["b.json:accuracy"] == 0.5
    project.write("a.json", json.dumps({str(i): i for i in range(2 * MAX_METRICS)}))
    assert len(numbers(open_workspace(is_quiet=True))) == MAX_METRICS
