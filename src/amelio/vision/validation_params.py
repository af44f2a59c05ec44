"""The section `validation`: what the checks of the raw data look for, and what they let pass."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from amelio.vision.params_section import STRICT, Share


class Severity(StrEnum):
    """What a check gives when more than its share is found."""

    ALERT = "alert"
    WARNING = "warning"
    OFF = "off"


class CheckParams(BaseModel):
    """A check speaks when more than `max_share` of what it looks at is found."""

    model_config = STRICT

    # `off` is false to what reads YAML 1.1 and writes the file anew
    severity: Annotated[Severity, BeforeValidator(lambda word: "off" if word is False else word)]
    max_share: Share = 0.0


class UnknownLabelsParams(CheckParams):
    """above: share of an attribute's labels that are unknown"""

    above: Share


class RareClassesParams(CheckParams):
    """min_images: labelled images that a class needs"""

    min_images: Annotated[int, Field(ge=1)]


class MisspeltClassesParams(CheckParams):
    """similarity: of two names, by difflib; times_rarer: rows of the one by rows of the other"""

    similarity: Annotated[float, Field(gt=0.5, le=1)]
    times_rarer: Annotated[float, Field(gt=1)]


class SameAttributesParams(CheckParams):
    """agreement: share of images on which one attribute tells the other"""

    agreement: Annotated[float, Field(gt=0.5, le=1)]


class SizeParams(CheckParams):
    """min_side: of the shorter side, in pixels; max_aspect: longer side by shorter one"""

    min_side: Annotated[int, Field(ge=1)]
    max_aspect: Annotated[float, Field(gt=1)]


class BelowParams(CheckParams):
    """below: grey levels"""

    below: Annotated[float, Field(ge=0, le=255)]


class AboveParams(CheckParams):
    """above: grey levels"""

    above: Annotated[float, Field(ge=0, le=255)]


class BlurredParams(CheckParams):
    """below: sharpness by the sharpness of the median image"""

    below: Share


class NearCopiesParams(CheckParams):
    """similarity: correlation from which two pictures are one; for `leaks`, too"""

    similarity: Annotated[float, Field(gt=0.5, le=1)]


ALERT, WARNING = Severity.ALERT, Severity.WARNING


class ValidationParams(BaseModel):
    """Every check of the raw data; docs/quality.md tells what each looks for."""

    model_config = STRICT

    ragged_rows: CheckParams = CheckParams(severity=ALERT)
    unknown_files: CheckParams = CheckParams(severity=ALERT)
    wrong_labels: CheckParams = CheckParams(severity=ALERT)
    contradictions: CheckParams = CheckParams(severity=ALERT)
    repeated_rows: CheckParams = CheckParams(severity=WARNING)
    unknown_labels: UnknownLabelsParams = UnknownLabelsParams(severity=WARNING, above=0.5)
    rare_classes: RareClassesParams = RareClassesParams(severity=WARNING, min_images=5)
    misspelt_classes: MisspeltClassesParams = MisspeltClassesParams(
        severity=WARNING, similarity=0.8, times_rarer=10
    )
    same_attributes: SameAttributesParams = SameAttributesParams(severity=WARNING, agreement=0.99)
    unreadable: CheckParams = CheckParams(severity=ALERT, max_share=0.01)
    size: SizeParams = SizeParams(severity=WARNING, max_share=0.01, min_side=16, max_aspect=4)
    mode: CheckParams = CheckParams(severity=WARNING, max_share=0.05)
    uniform: BelowParams = BelowParams(severity=WARNING, max_share=0.01, below=5)
    dark: BelowParams = BelowParams(severity=WARNING, max_share=0.01, below=50)
    bright: AboveParams = AboveParams(severity=WARNING, max_share=0.01, above=220)
    blurred: BlurredParams = BlurredParams(severity=WARNING, max_share=0.01, below=0.05)
    copies: CheckParams = CheckParams(severity=WARNING, max_share=0.01)
    contradicting_copies: CheckParams = CheckParams(severity=ALERT)
    near_copies: NearCopiesParams = NearCopiesParams(
        severity=WARNING, max_share=0.01, similarity=0.992
    )
    leaks: CheckParams = CheckParams(severity=ALERT, max_share=0.01)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        """Keys that a check leaves out have the check's own defaults, not the class's."""
        if not isinstance(given, dict):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {
            name: {**defaults[name].model_dump(), **keys}
            if name in defaults and isinstance(keys, dict)
            else keys
            for name, keys in given.items()
        }
