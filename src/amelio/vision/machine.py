"""On which machine something was measured."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from amelio.vision.device import Placement
from amelio.vision.inference.runtimes import missing_onnx
from amelio.vision.parallel import n_cores


@dataclass(frozen=True)
class Machine:
    """Where it was measured; load_average: other work just before, in busy cores."""

    processor: str
    n_cores: int
    n_threads: int
    device: str
    precision: str
    load_average: float
    versions: dict[str, str]


def this_machine(placement: Placement) -> Machine:
    """The machine that this process runs on, with the network on `placement`."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    if not missing_onnx():
        versions["onnxruntime"] = version("onnxruntime")
    gpu = placement.device.type == "cuda"
    return Machine(
        processor=_processor(),
        n_cores=n_cores(),
        n_threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name() if gpu else str(placement.device),
        precision=str(placement.precision),
        load_average=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        versions=versions,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
