"""A fresh process that loads a model and predicts: what a start costs, in time and memory.

`python -m amelio.vision.evaluation.cold_start MODEL N_IMAGES` prints one line of JSON.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from amelio.errors import EnvironmentFailedError


@dataclass(frozen=True)
class ColdStart:
    """Seconds, one after the other, and the most memory that the process held at any time.

    import_s: of PyTorch and amelio; first_prediction_s: of one image
    peak_memory_mb: with `n_images` predicted at once; None where the system does not tell
    """

    import_s: float
    load_s: float
    first_prediction_s: float
    peak_memory_mb: float | None


def measure_cold_start(model: Path, n_images: int) -> ColdStart:
    """Run this module in a process of its own.

    Raises EnvironmentFailedError with the process's own words when it fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "amelio.vision.evaluation.cold_start", str(model), str(n_images)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise EnvironmentFailedError(f"a fresh process could not predict:\n{done.stderr.strip()}")
    return ColdStart(**json.loads(done.stdout))


def _start(path: Path, n_images: int) -> ColdStart:
    start = time.perf_counter()
    import torch

    from amelio.vision.checkpoint import load_model
    from amelio.vision.inference.runtimes import TorchRuntime

    imported = time.perf_counter()
    model = load_model(path)
    loaded = time.perf_counter()
    size = model.preprocessing.image_size
    runtime = TorchRuntime(model)
    runtime(torch.zeros(1, 3, size, size, dtype=torch.uint8))
    predicted = time.perf_counter()
    runtime(torch.zeros(n_images, 3, size, size, dtype=torch.uint8))
    return ColdStart(imported - start, loaded - imported, predicted - loaded, _peak_memory_mb())


def _peak_memory_mb() -> float | None:
    """From /proc: `getrusage` of a child starts with its parent's peak on Linux."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return _peak_by_rusage()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def _peak_by_rusage() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


if __name__ == "__main__":
    print(json.dumps(asdict(_start(Path(sys.argv[1]), int(sys.argv[2])))))
