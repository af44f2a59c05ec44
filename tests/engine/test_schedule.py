"""The scheduler on random graphs: order, exclusion, and an end."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amelio.engine.schedule import Schedule, longest_paths
from amelio.engine.settings import StageSettings
from amelio.errors import InputError
from amelio.model import Stage

TOTALS = {"cpu": 4, "gpu": 2, "db": 1}


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[Stage], dict[str, StageSettings]]:
    n = draw(st.integers(1, 12))
    stages = []
    wanted = {}
    for i in range(n):
        needs = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        stages.append(Stage(f"s{i}", f"s{i}", tuple(f"s{need}" for need in sorted(needs))))
        wanted[f"s{i}"] = StageSettings(
            is_alone=draw(st.integers(0, 9)) == 0,
            mutex=tuple(draw(st.sets(st.sampled_from("ab"), max_size=2))),
            resources=draw(
                st.fixed_dictionaries(
                    {}, optional={"cpu": st.integers(0, 9), "gpu": st.integers(0, 2)}
                )
            ),
        )
    return stages, wanted


@settings(max_examples=200, deadline=None)
@given(plans(), st.integers(1, 8), st.randoms(use_true_random=False), st.booleans())
def test_every_stage_once_after_its_needs_and_never_too_much_at_a_time(
    plan: tuple[list[Stage], dict[str, StageSettings]],
    jobs: int,
    chance: random.Random,
    fails: bool,
) -> None:
    stages, wanted = plan
    by_id = {stage.id: stage for stage in stages}
    schedule = Schedule(stages, wanted, jobs, TOTALS, ["0", "1"])
    running: dict[str, tuple[str, ...]] = {}
    resting: set[str] = set()
    done: list[str] = []
    lost: list[str] = []
    while not schedule.is_done:
        ready = list(schedule.startable())
        if ready and (not (running or resting) or chance.random() < 0.7):
            key = ready[0]
            assert key not in done
            assert key not in running
            assert key not in resting
            assert set(by_id[key].needs) <= set(done)
            running[key] = schedule.start(key).gpus
            assert len(running) <= jobs
            _assert_exclusive(running, wanted)
            continue
        key = chance.choice(sorted({**running, **dict.fromkeys(resting)}))
        if key in running and chance.random() < 0.5:  # its commands have ended, but not yet it
            schedule.vacate(key)
            resting.add(key)
            del running[key]
            continue
        running.pop(key, None)
        resting.discard(key)
        if fails and chance.random() < 0.2:
            lost += [key, *schedule.fail(key)]
        else:
            schedule.finish(key)
            done.append(key)
    assert sorted(done + lost) == sorted(by_id)
    for key in lost:
        assert key not in done


def _assert_exclusive(
    running: Mapping[str, tuple[str, ...]], wanted: Mapping[str, StageSettings]
) -> None:
    assert len(running) == 1 or not any(wanted[key].is_alone for key in running)
    mutexes = [name for key in running for name in wanted[key].mutex]
    assert len(mutexes) == len(set(mutexes))
    gpus = [gpu for ids in running.values() for gpu in ids]
    assert len(gpus) == len(set(gpus))
    for key, ids in running.items():
        assert len(ids) == wanted[key].resources.get("gpu", 0)
    assert sum(min(wanted[key].resources.get("cpu", 0), 4) for key in running) <= 4


def test_one_slot_keeps_the_serial_order() -> None:
    stages = [Stage("b", "b"), Stage("a", "a"), Stage("c", "c", ("a",))]
    schedule = Schedule(stages, dict.fromkeys("abc", StageSettings()), 1, TOTALS)
    order = []
    while not schedule.is_done:
        order.append(next(schedule.startable()))
        schedule.finish(order[-1])
    assert order == ["b", "a", "c"]


def test_the_longest_path_goes_first() -> None:
    stages = [Stage("short", "short"), Stage("long", "long"), Stage("after", "after", ("long",))]
    seconds = {"short": 5.0, "long": 1.0, "after": 9.0}
    assert longest_paths(stages, seconds) == {"short": 5.0, "long": 10.0, "after": 9.0}
    settings_of = {stage.id: StageSettings() for stage in stages}
    schedule = Schedule(stages, settings_of, 2, TOTALS, (), seconds)
    assert list(schedule.startable()) == ["long", "short"]


def test_the_environment_tells_what_was_given() -> None:
    stages = [Stage("a", "a")]
    wanted = {"a": StageSettings(resources={"gpu": 1, "cpu": 3})}
    env = Schedule(stages, wanted, 1, TOTALS, ["7"]).start("a").environment()
    assert env["CUDA_VISIBLE_DEVICES"] == "7"
    assert env["OMP_NUM_THREADS"] == "3"
    wanted = {"a": StageSettings(resources={"cpu": 64})}  # counts as all of them
    assert Schedule(stages, wanted, 1, TOTALS).start("a").environment()["OMP_NUM_THREADS"] == "4"


@pytest.mark.parametrize(("name", "count"), [("gpu", 3), ("tape", 1)])
def test_a_counter_that_can_never_be_had_is_refused(name: str, count: int) -> None:
    wanted = {"a": StageSettings(resources={name: count})}
    with pytest.raises(InputError, match=f"a: meta.amelio.resources.{name}: .*can never be had"):
        Schedule([Stage("a", "a")], wanted, 1, TOTALS)


def test_what_rests_is_not_abandoned() -> None:
    stages = [Stage("a", "a"), Stage("b", "b", ("a",)), Stage("c", "c")]
    schedule = Schedule(stages, dict.fromkeys("abc", StageSettings()), 2, TOTALS)
    schedule.start("a")
    schedule.vacate("a")
    assert schedule.abandon() == ["b", "c"]
    assert not schedule.is_done
    schedule.finish("a")
    assert schedule.is_done
