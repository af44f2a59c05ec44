"""What the checks found, in the words of the reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from amelio.vision.validation_params import CheckParams, ValidationParams


class Check(StrEnum):
    """The checks, by their keys in `validation`, in the order of the reports."""

    RAGGED_ROWS = "ragged_rows"
    UNKNOWN_FILES = "unknown_files"
    WRONG_LABELS = "wrong_labels"
    CONTRADICTIONS = "contradictions"
    REPEATED_ROWS = "repeated_rows"
    UNKNOWN_LABELS = "unknown_labels"
    RARE_CLASSES = "rare_classes"
    MISSPELT_CLASSES = "misspelt_classes"
    SAME_ATTRIBUTES = "same_attributes"
    UNREADABLE = "unreadable"
    SIZE = "size"
    MODE = "mode"
    UNIFORM = "uniform"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    COPIES = "copies"
    CONTRADICTING_COPIES = "contradicting_copies"
    NEAR_COPIES = "near_copies"
    LEAKS = "leaks"

    @property
    def unit(self) -> str:
        """What this check counts."""
        return _UNITS.get(self, "images")

    def params(self, validation: ValidationParams) -> CheckParams:
        """What `params.yaml` says of this check."""
        found: CheckParams = getattr(validation, self.value)
        return found


_UNITS = {
    Check.RAGGED_ROWS: "rows",
    Check.UNKNOWN_FILES: "rows",
    Check.WRONG_LABELS: "rows",
    Check.CONTRADICTIONS: "rows",
    Check.REPEATED_ROWS: "rows",
    Check.UNKNOWN_LABELS: "attributes",
    Check.RARE_CLASSES: "classes",
    Check.MISSPELT_CLASSES: "classes",
    Check.SAME_ATTRIBUTES: "attributes",
    Check.CONTRADICTING_COPIES: "labelled images",
    Check.LEAKS: "test images",
}
MEANINGS = {
    Check.RAGGED_ROWS: "Rows with too many or too few cells",
    Check.UNKNOWN_FILES: "Rows about a file that is not there",
    Check.WRONG_LABELS: "Rows with a cell that is no class of its attribute",
    Check.CONTRADICTIONS: "Rows that say something else of an image than an earlier row",
    Check.REPEATED_ROWS: "Rows about an image that an earlier row is about, too",
    Check.UNKNOWN_LABELS: "Attributes of which few labels are known",
    Check.RARE_CLASSES: "Classes with few labelled images",
    Check.MISSPELT_CLASSES: "Rare classes whose name is nearly that of a frequent one",
    Check.SAME_ATTRIBUTES: "Attributes that tell the same as another one",
    Check.UNREADABLE: "Files that give no picture",
    Check.SIZE: "Small or very long pictures",
    Check.MODE: "Pictures of another kind than most: grey, colour, transparent, 16 bit",
    Check.UNIFORM: "Pictures of nearly one colour",
    Check.DARK: "Pictures that are dark everywhere",
    Check.BRIGHT: "Pictures that are bright everywhere",
    Check.BLURRED: "Pictures that are much less sharp than the others",
    Check.COPIES: "Files with the content of another file",
    Check.CONTRADICTING_COPIES: "Files with the content of another file, but other labels",
    Check.NEAR_COPIES: "Pictures that show what another file shows",
    Check.LEAKS: "Test images that show what an image to train or validate on shows",
}


@dataclass(frozen=True)
class Finding:
    """One row, image, attribute or class that a check found.

    text: what is wrong with it; line: in the CSV, None where it is not about a row
    files: images to show, below the image folder; the last one is the one that it is about
    """

    text: str
    line: int | None = None
    files: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The image that it is about, "" where it is not about one."""
        return self.files[-1] if self.files else ""


@dataclass(frozen=True)
class Found:
    """All that one check found: `n` of `of` (rows, images, …)."""

    check: Check
    n: int
    of: int
    findings: Sequence[Finding]

    @property
    def share(self) -> float:
        """n / of; 0 of nothing."""
        return self.n / self.of if self.of else 0.0

    def in_words(self) -> str:
        """`2 of 40 test images (5 %)`."""
        return amount(self.check, self.n, self.of)


def amount(check: Check, n: int, of: int) -> str:
    """`2 of 40 test images (5 %)`."""
    return f"{n:,} of {of:,} {check.unit} ({percent(n / of if of else 0.0)})"


def percent(share: float) -> str:
    """A share as people read it: `5 %`, `0.3 %`."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
