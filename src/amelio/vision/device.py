"""Where and in which precision the network runs: chosen by what the machine has in hardware."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import torch


class Precision(StrEnum):
    """Number format of the activations; weights, sums and losses are float32 in both."""

    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


@dataclass(frozen=True)
class Placement:
    """A device, and the precision that is fast on it."""

    device: torch.device
    precision: Precision

    @property
    def dtype(self) -> torch.dtype:
        """What large matrices are multiplied in."""
        return torch.bfloat16 if self.precision is Precision.BFLOAT16 else torch.float32

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which a forward pass runs in `precision`."""
        if self.precision is Precision.FLOAT32:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)


def choose_placement(device: torch.device | str | None = None) -> Placement:
    """CUDA when there is one, else the CPU; bfloat16 only where the hardware computes in it.

    device: taken instead of the automatic choice
    """
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = chosen.type == "cpu" and _cpu_has_bfloat16()
    return Placement(chosen, Precision.BFLOAT16 if fast else Precision.FLOAT32)


def _cpu_has_bfloat16() -> bool:
    """Emulated bfloat16 is several times slower than float32, so ask for the instructions."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # new torch
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
