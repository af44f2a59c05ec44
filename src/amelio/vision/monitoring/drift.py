"""Which lots differ from the training images, in what, and by how much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import PreparedData
from amelio.vision.data.record_cache import digest_of
from amelio.vision.data.schema import Attribute, Side
from amelio.vision.device import choose_placement
from amelio.vision.evaluation.metrics import Floats, Integers
from amelio.vision.evaluation.statistics import holm, smallest_alpha
from amelio.vision.monitoring.findings import Finding, Kind, LotDrift
from amelio.vision.monitoring.image_statistics import STATISTICS
from amelio.vision.monitoring.lot_traits import Looker, LotTraits, sample
from amelio.vision.monitoring.shifts import (
    Shift,
    detectable_ks,
    detectable_psi,
    shift_of_classes,
    shift_of_numbers,
)
from amelio.vision.monitoring.traits import Traits, joined
from amelio.vision.params import DriftParams

BELOW_ONE = 0.99  # strength of what does not count, at most


class Reference:
    """The training images, as lots are compared with them.

    A model is surer of images that it learnt from. So its embeddings and predictions of a lot are
    compared with those of annotated images that it did not learn from; the images that it did learn
    from only say where to measure: they are the neighbours and give the directions. Both are fixed
    before a lot is looked at, so lot and reference are treated alike.
    """

    def __init__(self, looker: Looker, data: PreparedData, params: DriftParams) -> None:
        """Raises InputError when the model sees images otherwise, or learnt from all of them."""
        if looker.model.preprocessing != data.preprocessing:
            raise InputError(
                "the model was trained on images of another size than the data has",
                hint="train it on this data: amelio repro train",
            )
        learnt = rows_of(data, [Side.TRAIN], params.n_images)
        held_out = rows_of(data, [Side.VALIDATION, Side.TEST, Side.UNUSED], params.n_images)
        if not len(held_out) or not len(learnt):
            raise InputError(
                "no annotated image is left to compare lots with",
                hint="raise evaluate.test_size in params.yaml",
            )
        learnt_traits = looker.at_training("learnt", data, learnt)
        self.attributes = looker.model.attributes
        self.held_out = looker.at_training("held_out", data, held_out)
        self.annotated = joined([learnt_traits, self.held_out])
        self._neighbours = learnt_traits.embeddings
        self._centre = self._neighbours.mean(0)
        _, _, directions = torch.linalg.svd(self._neighbours - self._centre, full_matrices=False)
        self._directions = directions[: params.n_directions]
        self._params = params

    def compare(self, lot: LotTraits) -> LotDrift:
        """Test every trait of a lot against the reference."""
        if not len(lot.traits):
            return LotDrift(lot, (), np.empty(0))
        drafts = [*self._numbers(lot.traits), *self._classes(lot.traits)]
        alpha = smallest_alpha(self._params.confidence)
        corrected = holm([draft.shift.p_value for draft in drafts])
        findings = tuple(
            self._judged(draft, p_corrected, p_corrected <= alpha, alpha / len(drafts))
            for draft, p_corrected in zip(drafts, corrected, strict=True)
        )
        return LotDrift(lot, findings, self._distances(lot.traits.embeddings))

    def _judged(
        self, draft: "_Draft", p_corrected: float, is_shown: bool, first_alpha: float
    ) -> Finding:
        """first_alpha: significance level of Holm's first step"""
        shift, params = draft.shift, self._params
        if shift.ks is None:
            size, limit = shift.psi, params.min_psi
            seen_from = detectable_psi(*draft.n_images, draft.n_classes, first_alpha)
        else:
            size, limit = shift.ks, params.min_ks
            seen_from = detectable_ks(*draft.n_images, first_alpha)
        strength = size / max(limit, seen_from)
        # what can be seen is an estimate; the tests decide
        counts = is_shown and size >= limit
        return Finding(
            name=draft.name,
            kind=draft.kind,
            shift=shift,
            p_corrected=p_corrected,
            before=draft.before,
            after=draft.after,
            value=draft.value,
            strength=max(strength, 1.0) if counts else min(strength, BELOW_ONE),
        )

    def _numbers(self, lot: Traits) -> Iterator["_Draft"]:
        for place, name in enumerate(STATISTICS):
            yield _draft(
                name,
                Kind.IMAGES,
                self.annotated.statistics[:, place].numpy(),
                lot.statistics[:, place].numpy(),
            )
        distances = self._distances(self.held_out.embeddings), self._distances(lot.embeddings)
        yield _draft("distance to training", Kind.EMBEDDING, *distances)
        places = self._places(self.held_out.embeddings), self._places(lot.embeddings)
        for number, pair in enumerate(zip(*places, strict=True), start=1):
            yield _draft(f"direction {number}", Kind.EMBEDDING, *pair)
        pairs = zip(self.attributes, self.held_out.probabilities, lot.probabilities, strict=True)
        for attribute, before, after in pairs:
            surest = (_surest(before), _surest(after))
            yield _draft(f"{attribute.name}: confidence", Kind.CONFIDENCE, *surest)

    def _classes(self, lot: Traits) -> Iterator["_Draft"]:
        pairs = zip(self.attributes, self.held_out.probabilities, lot.probabilities, strict=True)
        for attribute, before, after in pairs:
            yield _class_draft(attribute, _counts(before), _counts(after))

    def _distances(self, embeddings: Tensor) -> Floats:
        nearest: Floats = torch.cdist(embeddings, self._neighbours).amin(1).double().numpy()
        return nearest

    def _places(self, embeddings: Tensor) -> Floats:
        """(n, E) → (directions, n)."""
        places: Floats = (self._directions @ (embeddings - self._centre).T).double().numpy()
        return places


def measure_drift(
    model: Path, data: PreparedData, lots: Sequence[Path], params: DriftParams, kept: Path
) -> list[LotDrift]:
    """Compare each of `lots`, folders of images, with the training images; in their order.

    model: its file; kept: folder for what was computed, may be deleted at any time

    Raises InputError for a missing or empty lot, and a model that does not fit the data.
    """
    looker = Looker(
        load_model(model, choose_placement().device), digest_of(model.read_bytes()), kept
    )
    reference = Reference(looker, data, params)
    found = []
    for lot in lots:
        annotated = {
            file.removeprefix(f"{lot.name}/")
            for file in data.files
            if file.startswith(f"{lot.name}/")
        }
        found.append(reference.compare(looker.at_lot(lot, annotated, params.n_images)))
    return found


def rows_of(data: PreparedData, sides: Sequence[Side], n: int) -> Tensor:
    """Positions of at most `n` of the images of these sides."""
    chosen = torch.isin(data.sides, torch.tensor([int(side) for side in sides], dtype=torch.uint8))
    rows = chosen.nonzero().flatten().tolist()
    place = {data.files[row]: row for row in rows}
    return torch.tensor([place[file] for file in sample(list(place), n)], dtype=torch.int64)


@dataclass(frozen=True)
class _Draft:
    """A finding before the correction."""

    name: str
    kind: Kind
    shift: Shift
    before: float
    after: float
    n_images: tuple[int, int]
    n_classes: int = 0
    value: str = ""


def _draft(name: str, kind: Kind, before: Floats, after: Floats) -> _Draft:
    shift = shift_of_numbers(before, after)
    sizes = len(before), len(after)
    return _Draft(name, kind, shift, float(before.mean()), float(after.mean()), sizes)


def _class_draft(attribute: Attribute, before: Integers, after: Integers) -> _Draft:
    shares = before / before.sum(), after / after.sum()
    most = int(np.abs(shares[1] - shares[0]).argmax())
    return _Draft(
        f"{attribute.name}: classes",
        Kind.CLASSES,
        shift_of_classes(before, after),
        float(shares[0][most]),
        float(shares[1][most]),
        (int(before.sum()), int(after.sum())),
        len(before),
        str(attribute.classes[most]),
    )


def _surest(probabilities: Tensor) -> Floats:
    surest: Floats = probabilities.amax(1).double().numpy()
    return surest


def _counts(probabilities: Tensor) -> Integers:
    n_classes = probabilities.shape[1]
    return np.bincount(probabilities.argmax(1).numpy(), minlength=n_classes).astype(np.int64)
