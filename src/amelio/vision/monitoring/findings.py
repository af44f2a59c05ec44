"""What there is to say of a lot beside the training images."""

from dataclasses import dataclass
from enum import StrEnum

from amelio.vision.evaluation.metrics import Floats
from amelio.vision.monitoring.lot_traits import LotTraits
from amelio.vision.monitoring.shifts import Shift


class Kind(StrEnum):
    """What is compared."""

    IMAGES = "images"
    EMBEDDING = "embedding"
    CLASSES = "classes"
    CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Finding:
    """One trait of a lot beside that of the training images.

    p_corrected: by Holm, over all traits of the lot
    before, after: means, in the training images and in the lot; of classes the shares of the one
    that changed most, which `value` names
    strength: KS distance or, of classes, PSI, in multiples of the least that counts; that is the
    limit in `drift` or, where that is more, what so few images can show. From 1 on it counts.
    """

    name: str
    kind: Kind
    shift: Shift
    p_corrected: float
    before: float
    after: float
    value: str
    strength: float

    @property
    def has_shifted(self) -> bool:
        """Whether it counts as drift."""
        return self.strength >= 1


@dataclass(frozen=True)
class LotDrift:
    """A lot beside the training images.

    findings: one for each trait; none where the lot has no image to look at
    distances: (N,) of each image looked at to the nearest training image, in the embedding
    """

    looked_at: LotTraits
    findings: tuple[Finding, ...]
    distances: Floats

    @property
    def lot(self) -> str:
        return self.looked_at.lot

    @property
    def shifted(self) -> list[Finding]:
        """What drifts, the strongest first."""
        return sorted(
            (finding for finding in self.findings if finding.has_shifted),
            key=lambda finding: -finding.strength,
        )

    @property
    def drifts(self) -> bool:
        return bool(self.shifted)

    def strength(self, kind: Kind | None = None) -> float:
        """The largest one, of one kind or of all; 0 where there is none."""
        found = [each.strength for each in self.findings if kind in (None, each.kind)]
        return max(found, default=0.0)
