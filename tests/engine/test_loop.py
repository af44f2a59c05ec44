"""The loop on random graphs in memory: whatever ends first, the result is that of a serial run."""

import random
import tempfile
from pathlib import Path
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from amelio.engine.attempts import Attempts
from amelio.engine.conditions import Conditions
from amelio.engine.events import unheard
from amelio.engine.executor import LocalExecutor
from amelio.engine.interrupts import Interrupts
from amelio.engine.journal import Journal
from amelio.engine.loop import Runner
from amelio.engine.schedule import Schedule
from amelio.engine.settings import StageSettings
from amelio.engine.setup import Setup
from amelio.model import OnError, Policy, Stage, Workspace
from tests.engine.fakes import FakeExecutor, FakeWorkspace

RANDOMS = st.randoms(use_true_random=False)


@st.composite
def graphs(draw: st.DrawFn) -> list[Stage]:
    stages = []
    for i in range(draw(st.integers(1, 9))):
        needs = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        stages.append(Stage(f"s{i}", f"s{i}", tuple(f"s{need}" for need in sorted(needs))))
    return stages


def _run(
    workspace: FakeWorkspace,
    jobs: int,
    chance: random.Random,
    failing: set[str],
    on_error: OnError = OnError.FAIL,
    ends_first: str = "",
) -> tuple[dict[str, str], list[str]]:
    stages = list(workspace.stages.values())
    wanted = {stage.id: StageSettings() for stage in stages}
    executor = FakeExecutor(workspace, chance, failing, jobs, ends_first)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        (state / "run").mkdir()
        journal = Journal(state / "journal")
        setup = Setup(
            workspace=cast(Workspace, workspace),
            stages=stages,
            settings=wanted,
            policy=Policy(on_error=on_error),
            schedule=Schedule(stages, wanted, jobs, {"cpu": 2, "gpu": 0}),
            attempts=Attempts(journal, state / "run"),
            conditions=Conditions(cast(Workspace, workspace), stages, wanted),
            executor=cast(LocalExecutor, executor),
        )
        runner = Runner(setup, Interrupts(), unheard)
        runner.run()
        assert runner.trouble is None
        assert not journal.open_attempts()
    assert not workspace.claimed
    return {r.stage: r.outcome.value for r in runner.books.results()}, executor.order


@settings(max_examples=30, deadline=None)
@given(graphs(), st.integers(1, 8), RANDOMS, st.data())
def test_any_order_of_ends_gives_the_serial_result(
    stages: list[Stage], jobs: int, chance: random.Random, data: Any
) -> None:
    seeds = {stage.id: i for i, stage in enumerate(stages)}
    parallel, serial = (FakeWorkspace(Path(), stages, seeds) for _ in range(2))
    for _ in range(3):
        found, order = _run(parallel, jobs, chance, set())
        expected, _ = _run(serial, 1, random.Random(0), set())
        assert found == expected
        assert parallel.lock == serial.lock
        assert len(order) == len(set(order))
        for stage in order:
            before = set(order[: order.index(stage)])
            assert {n for n in parallel.stages[stage].needs if found[n] == "ran"} <= before
        again, order = _run(parallel, jobs, chance, set())
        assert set(again.values()) == {"up to date"}
        assert not order
        for key in data.draw(st.sets(st.sampled_from(sorted(seeds)))):
            for workspace in (parallel, serial):
                workspace.seeds[key] += 100


@settings(max_examples=30, deadline=None)
@given(graphs(), st.integers(1, 8), RANDOMS, st.data())
def test_after_failures_a_second_run_does_exactly_the_rest(
    stages: list[Stage], jobs: int, chance: random.Random, data: Any
) -> None:
    seeds = {stage.id: i for i, stage in enumerate(stages)}
    workspace = FakeWorkspace(Path(), stages, seeds)
    failing = data.draw(st.sets(st.sampled_from(sorted(seeds)), max_size=3))
    on_error = data.draw(st.sampled_from([OnError.FAIL, OnError.KEEP_GOING]))
    found, order = _run(workspace, jobs, chance, failing, on_error)
    assert set(found) == set(seeds)
    assert set(workspace.lock) == {key for key, outcome in found.items() if outcome == "ran"}
    if on_error is OnError.KEEP_GOING:
        lost = _with_dependents(stages, failing)
        assert {key for key, outcome in found.items() if outcome != "ran"} == lost
    second, order_2 = _run(workspace, jobs, chance, set())
    assert set(second.values()) <= {"ran", "up to date"}
    assert set(order_2) == {key for key, outcome in found.items() if outcome != "ran"}
    clean = FakeWorkspace(Path(), stages, seeds)
    _run(clean, 1, random.Random(0), set())
    assert workspace.lock == clean.lock
    assert len(order) <= len(stages)


def _with_dependents(stages: list[Stage], starts: set[str]) -> set[str]:
    found = set(starts)
    for stage in stages:
        if found & set(stage.needs):
            found.add(stage.id)
    return found


def test_a_successor_on_the_longest_path_takes_the_slot_that_its_need_leaves() -> None:
    chain = [Stage(f"s{i}", f"s{i}", (f"s{i - 1}",) if i else ()) for i in range(4)]
    others = [Stage(f"o{i}", f"o{i}", ()) for i in range(3)]
    stages = [*others, *chain]
    workspace = FakeWorkspace(Path(), stages, {stage.id: 0 for stage in stages})
    found, order = _run(workspace, 2, random.Random(0), set(), ends_first="s")
    assert set(found.values()) == {"ran"}
    assert order[:4] == ["s0", "o0", "s1", "s2"]
