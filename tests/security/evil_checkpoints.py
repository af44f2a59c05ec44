"""Files that pose as models: most would run a payload when unpickled, some would eat the memory."""

import argparse
import io
import json
import operator
import os
import pickle
import shutil
import subprocess
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Runs:
    """Unpickling this calls `function(*arguments)`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def payloads(canary: Path) -> dict[str, Any]:
    """Objects that create `canary` when they are unpickled, each on its own way."""
    source = f"open({str(canary)!r}, 'w').close()"
    return {
        "touch": Runs(Path.touch, canary),
        "write": Runs(Path.write_text, canary, "sung"),
        "exec": Runs(exec, source),
        "eval": Runs(eval, source),
        "import": Runs(eval, f"__import__('os').system('touch {canary}')"),
        "system": Runs(os.system, f"touch {canary}"),
        "subprocess": Runs(subprocess.check_call, ["touch", str(canary)]),
        "mkfifo": Runs(os.mkfifo, str(canary)),
        "mkdir": Runs(os.mkdir, str(canary)),
        "symlink": Runs(os.symlink, "/etc/hostname", str(canary)),
        "copy": Runs(shutil.copyfile, __file__, str(canary)),
        "attribute of an attribute": Runs(operator.methodcaller("touch"), canary),
        "pickle in a pickle": Runs(pickle.loads, pickle.dumps(Runs(exec, source))),
    }


def runners(good: Path, canary: Path) -> dict[str, bytes]:
    """Content of files that create `canary` when they are unpickled.

    good: a true model, whose parts some of the files borrow
    """
    stored = torch.load(good, weights_only=True)
    touch = Runs(Path.touch, canary)
    places = {
        "the whole": touch,
        "the meta": {**stored, "meta": touch},
        "the weights": {**stored, "weights": touch},
        "a weight": {**stored, "weights": {**stored["weights"], "stem.weight": touch}},
        "a key": {**stored, "weights": {**stored["weights"], touch: torch.zeros(1)}},
        "beside": {**stored, "more": touch},
        "a list": [stored, touch],
        "a tuple": (touch, stored),
        "a defaultdict": defaultdict(list, {**stored, "x": touch}),
        "an ordered dict": OrderedDict({**stored, "x": touch}),
    }
    files = {f"archive, {place}": saved(value) for place, value in places.items()}
    files |= {
        f"old archive, {place}": saved(places[place], old=True)
        for place in ("the whole", "a weight")
    }
    files |= {
        f"pickle, {name}": pickle.dumps(payload) for name, payload in payloads(canary).items()
    }
    files |= {f"pickle, protocol {p}": pickle.dumps(touch, p) for p in range(2, 6)}
    files["hand-made archive"] = archive({"x/data.pkl": pickle.dumps(touch), "x/version": b"3"})
    files["hand-made old archive"] = pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(touch)
    files["numpy file"] = numpy_file(touch)
    return files


def impostors(good: Path) -> dict[str, bytes]:
    """Content of files that run nothing, and are no model either, or one that eats the memory."""
    stored = torch.load(good, weights_only=True)
    meta, weights = json.loads(stored["meta"]), stored["weights"]

    def with_meta(**changed: Any) -> bytes:
        return saved({"meta": json.dumps({**meta, **changed}), "weights": weights})

    wide = torch.zeros(1).expand(1 << 20, 1 << 20)  # four bytes that claim to be 4 TiB
    return {
        "objects of Python": saved({**stored, "args": argparse.Namespace(a=1), "p": Path("/")}),
        "objects of numpy": saved({**stored, "x": np.float64(1), "r": np.random.default_rng(0)}),
        "a billion classes": with_meta(attributes={"a": list(range(200_000))}),
        "no class": with_meta(attributes={"hair": [], "glasses": [0, 1]}),
        "no attribute": with_meta(attributes={}),
        "attributes as a list": with_meta(attributes=["hair"]),
        "a class that is a list": with_meta(attributes={"hair": [["a"], "b"], "glasses": [0, 1]}),
        "parameters as a list": with_meta(params=[]),
        "augmentation as text": with_meta(params={"augmentation": "flip"}),
        "huge images": with_meta(preprocessing={"image_size": 10**6, "trim_border": True}),
        "images of text": with_meta(preprocessing={"image_size": "64", "trim_border": True}),
        "negative images": with_meta(preprocessing={"image_size": -64, "trim_border": True}),
        "unknown preprocessing": with_meta(preprocessing={"image_size": 16, "run": "x"}),
        "no parameters": saved(
            {"meta": json.dumps({k: meta[k] for k in meta if k != "params"}), "weights": weights}
        ),
        "deep JSON": saved({"meta": "[" * 100_000, "weights": weights}),
        "a weight of 4 TiB": saved({**stored, "weights": {**weights, "heads.0.bias": wide}}),
        "compressed": deflated(good),
    }


def saved(value: Any, *, old: bool = False) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    """A ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    return file.getvalue()


def deflated(good: Path) -> bytes:
    """The model, with half a gigabyte of zeros as a weight in half a megabyte of file."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(good) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            is_weight = name.endswith("/data/0")
            target.writestr(name, bytes(500 << 20) if is_weight else source.read(name))
    return file.getvalue()


def numpy_file(value: Any) -> bytes:
    """A .npy file with an object."""
    file = io.BytesIO()
    np.save(file, np.array([value], dtype=object), allow_pickle=True)
    return file.getvalue()
