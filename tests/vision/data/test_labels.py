"""Which class a name is probably meant to be."""

import pytest

from amelio.vision.data.labels import class_meant


@pytest.mark.parametrize(
    ("name", "others", "meant"),
    [
        ("cirlce", ["square", "circle"], "circle"),
        ("Circle", ["circle", "CIRCLE"], "circle"),
        ("lihgt", ["light"], "light"),
        ("female", ["male"], None),
        ("grade_1", ["grade_4"], None),
        ("car", ["cat"], None),
        (1, ["1"], None),
    ],
)
def test_the_class_meant(name: str | int, others: list[int | str], meant: str | None) -> None:
    assert class_meant(name, others) == meant
