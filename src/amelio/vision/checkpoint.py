"""`models/best_model.pth`: the network's tensors and, as JSON, all that inference must know."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from amelio.errors import InputError
from amelio.vision.data.dataset import attributes_from_json, attributes_to_json
from amelio.vision.data.schema import Attribute, Preprocessing
from amelio.vision.device import choose_placement
from amelio.vision.params import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from amelio.vision.tensor_file import load_tensors, save_tensors
from amelio.vision.training.network import AttributeNet

FORMAT = "amelio.vision.model/1"


@dataclass(frozen=True)
class Model:
    """A network with all that is needed to use it.

    params: JSON values, the parameters that it was trained with
    """

    net: AttributeNet
    attributes: tuple[Attribute, ...]
    preprocessing: Preprocessing
    params: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def inference_net(self) -> AttributeNet:
        """`net` as it is at the first use, cast to the precision of its device."""
        return choose_placement(next(self.net.parameters()).device).cast(self.net)


def new_net(attributes: tuple[Attribute, ...], preprocessing: Preprocessing) -> AttributeNet:
    """An untrained network for these attributes and images."""
    counts = [len(attribute.classes) for attribute in attributes]
    return AttributeNet(counts, preprocessing.image_size)


def save_model(model: Model, path: Path) -> None:
    """Write `model` to `path`, all or nothing; an equal model gives equal bytes.

    Raises EnvironmentFailedError when the disk is full.
    """
    meta = {
        "format": FORMAT,
        "attributes": attributes_to_json(model.attributes),
        "preprocessing": vars(model.preprocessing),
        "params": model.params,
    }
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.net.state_dict().items()}
    stored = {"meta": json.dumps(meta, ensure_ascii=False), "weights": weights}
    save_tensors(stored, path)


def load_model(
    path: Path,
    device: torch.device | str | None = None,
    expected: tuple[Attribute, ...] | None = None,
) -> Model:
    """Read what `save_model` wrote, ready for inference; never unpickles foreign objects.

    device: where the network goes; the CPU by default
    expected: attributes that the caller's data has

    Raises InputError when the file is missing, damaged, hostile, of another kind, or knows other
    attributes than `expected`.
    """
    hint = "a model is what `amelio repro train` makes: run it, or name another file"
    try:
        stored = load_tensors(path)
        meta = json.loads(stored["meta"])
        if meta["format"] != FORMAT:
            raise InputError(
                f"format {meta['format']!r}, expected {FORMAT!r}", path=path, hint=hint
            )
        attributes = attributes_from_json(meta["attributes"])
        preprocessing = Preprocessing(**meta["preprocessing"])
        params = meta["params"]
        _check_values(attributes, params)
        _check_sizes(attributes, preprocessing, stored["weights"])
        net = new_net(attributes, preprocessing)
        net.load_state_dict(stored["weights"])
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, hint=hint) from error
    except InputError:
        raise
    except Exception as error:  # torch names no common base for a damaged archive
        reason = str(error).strip().splitlines()
        text = f"not a model of amelio: {reason[0] if reason else type(error).__name__}"
        raise InputError(text, path=path, hint=hint) from error
    if expected is not None and attributes != expected:
        raise InputError(_difference(attributes, expected), path=path, hint=hint)
    return Model(net.to(device or "cpu").eval(), attributes, preprocessing, params)


def _check_values(attributes: tuple[Attribute, ...], params: Any) -> None:
    """Raise ValueError for what is JSON, but nothing that `save_model` writes there."""
    for attribute in attributes:
        if any(type(name) not in (int, str) for name in attribute.classes):
            raise ValueError(f"classes of {attribute.name} that are neither integers nor names")
    if not isinstance(params, dict) or not isinstance(params.get("augmentation", {}), dict):
        raise ValueError("no parameters of a training")


def _check_sizes(
    attributes: tuple[Attribute, ...], preprocessing: Preprocessing, weights: dict[str, Tensor]
) -> None:
    """Raise ValueError for sizes that the weights do not bear out, before memory is taken."""
    size = preprocessing.image_size
    if type(size) is not int or not MIN_IMAGE_SIZE <= size <= MAX_IMAGE_SIZE:
        raise ValueError(f"images of {size!r} pixels")
    for i, attribute in enumerate(attributes):
        if len(weights[f"heads.{i}.bias"]) != len(attribute.classes):
            raise ValueError(f"weights for another number of classes of {attribute.name}")


def _difference(known: tuple[Attribute, ...], expected: tuple[Attribute, ...]) -> str:
    """What the model and the data do not agree on."""

    def text(attributes: tuple[Attribute, ...]) -> str:
        pairs = attributes_to_json(attributes).items()
        return "; ".join(
            f"{name} {json.dumps(classes, ensure_ascii=False)}" for name, classes in pairs
        )

    return f"the model knows {text(known)}, but the data has {text(expected)}"
