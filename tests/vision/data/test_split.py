"""The split: by content alone, in the right shares, and steady while data grows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amelio.errors import InputError
from amelio.vision.data.balance import balance_of, check_balance, describe_balance
from amelio.vision.data.schema import Attribute, Side
from amelio.vision.data.split import sides_of
from amelio.vision.params import DataParams, EvaluateParams

DIGESTS = [index.to_bytes(16, "big") for index in range(20_000)]
DATA = DataParams(train_split=0.9, val_split=0.1)
EVALUATE = EvaluateParams(test_size=0.2)


def shares(data: DataParams, evaluate: EvaluateParams) -> list[float]:
    counts = np.bincount(sides_of(DIGESTS, data, evaluate), minlength=4)
    return [float(count) / len(DIGESTS) for count in counts]


def test_shares() -> None:
    assert shares(DATA, EVALUATE) == pytest.approx([0.72, 0.08, 0.2, 0], abs=0.01)
    half = DataParams(train_split=0.3, val_split=0.2)
    assert shares(half, EVALUATE) == pytest.approx([0.24, 0.16, 0.2, 0.4], abs=0.01)


def test_nothing_is_unused_when_shares_add_up_to_one() -> None:
    for tenths in range(1, 10):
        data = DataParams(train_split=1 - tenths / 10, val_split=tenths / 10)
        assert shares(data, EVALUATE)[Side.UNUSED] == 0


def test_the_test_set_depends_on_evaluate_alone() -> None:
    first = sides_of(DIGESTS, DATA, EVALUATE) == Side.TEST
    other = DataParams(seed=1, train_split=0.5, val_split=0.3)
    assert (first == (sides_of(DIGESTS, other, EVALUATE) == Side.TEST)).all()
    reseeded = EvaluateParams(test_size=0.2, random_state=1)
    assert 0.1 < (first != (sides_of(DIGESTS, DATA, reseeded) == Side.TEST)).mean() < 0.5


def test_a_larger_share_keeps_who_was_there() -> None:
    small = sides_of(DIGESTS, DATA, EVALUATE) == Side.TEST
    large = sides_of(DIGESTS, DATA, EvaluateParams(test_size=0.3)) == Side.TEST
    assert (large[small]).all()


def test_the_seeds_draw_independently() -> None:
    same_seed = sides_of(DIGESTS, DATA, EvaluateParams(test_size=0.2, random_state=DATA.seed))
    rest = same_seed[same_seed != Side.TEST]
    assert (rest == Side.VALIDATION).mean() == pytest.approx(0.1, abs=0.01)
    other = sides_of(DIGESTS, DataParams(seed=7, train_split=0.9, val_split=0.1), EVALUATE)
    both = (other == Side.VALIDATION) & (same_seed == Side.VALIDATION)
    assert both.mean() == pytest.approx(0.2 * 0.04, abs=0.005)


@given(
    st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=30),
    st.lists(st.binary(min_size=16, max_size=16), max_size=30),
    st.integers(),
    st.integers(),
    st.randoms(),
)
def test_no_image_changes_sides_when_data_grows(
    before: list[bytes], new: list[bytes], seed: int, state: int, random: object
) -> None:
    data, evaluate = DataParams(seed=seed), EvaluateParams(random_state=state)
    first = dict(zip(before, sides_of(before, data, evaluate), strict=True))
    grown = [*before, *new, *before[:3]]
    random.shuffle(grown)  # type: ignore[attr-defined]
    later = dict(zip(grown, sides_of(grown, data, evaluate), strict=True))
    assert all(later[digest] == side for digest, side in first.items())


ATTRIBUTES = (Attribute("a", (0, 1)), Attribute("b", ("x", "y", "z")))


def spread(*per_side: tuple[Side, int, int, int]) -> tuple[np.ndarray, np.ndarray, range]:
    """Labels, sides and lines from (side, code of a, code of b, how many)."""
    labels = [[a, b] for _, a, b, n in per_side for _ in range(n)]
    sides = [side for side, *_, n in per_side for _ in range(n)]
    return np.array(labels), np.array(sides, np.uint8), range(2, 2 + len(labels))


def fair(n: int = 30) -> list[tuple[Side, int, int, int]]:
    used = (Side.TRAIN, Side.VALIDATION, Side.TEST)
    return [(side, a, b, n) for side in used for a in range(2) for b in range(3)]


def test_a_fair_split_has_nothing_to_warn_of() -> None:
    balance = balance_of(ATTRIBUTES, *spread(*fair(), (Side.TRAIN, -1, 0, 5)))
    assert check_balance(balance) == ()
    assert balance.unknown == (5, 0)
    lines = list(describe_balance(balance))
    assert lines[0].split() == ["train", "validation", "test"]
    assert lines[1].split() == ["images", "185", "180", "180"]
    assert lines[2].split() == ["a", "=", "0", "90", "90", "90"]
    assert "a unknown: 5 in all" in lines


def test_too_few_images_to_split() -> None:
    balance = balance_of(ATTRIBUTES, *spread((Side.TRAIN, 0, 0, 2), (Side.TRAIN, 1, 1, 2)))
    with pytest.raises(InputError, match="too few images to split: train 4, validation 0, test 0"):
        check_balance(balance)


def test_a_class_with_a_single_image() -> None:
    balance = balance_of(
        ATTRIBUTES, *spread(*[row for row in fair() if row[2] < 2], (Side.TEST, 0, 2, 1))
    )
    with pytest.raises(
        InputError, match=r"line 362: b: class 'z' has a single image\n[^$]*typing errors"
    ):
        check_balance(balance)


def test_nothing_to_learn() -> None:
    rows = spread(*[row for row in fair() if row[0] != Side.TRAIN or row[1] == 0])
    with pytest.raises(InputError, match="a: fewer than two of its classes are among those"):
        check_balance(balance_of(ATTRIBUTES, *rows))


def test_what_is_worth_a_warning() -> None:
    rare = [row for row in fair() if row[2] < 2]
    warnings = check_balance(balance_of(ATTRIBUTES, *spread(*rare, (Side.TEST, 0, 2, 3))))
    assert "b = z: 3 images, none of them on the train side" in warnings
    assert "b = z: 3 images, none of them on the validation side" in warnings
    warnings = check_balance(balance_of(ATTRIBUTES, *spread(*rare)))
    assert warnings == ("b = z: declared, but no image has it",)
    warnings = check_balance(balance_of(ATTRIBUTES, *spread(*fair(), (Side.TEST, 0, 0, 400))))
    assert any(line.startswith("b = x: ") and "copies" in line for line in warnings)
