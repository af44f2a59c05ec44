"""Where and in which precision the network runs: chosen by what the machine has in hardware."""

import copy
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


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

    def cast(self, net: N) -> N:
        """A copy of `net` for inference, on the device, in `precision`.

        `autocast` casts the weights of convolutions and linear layers in every forward pass, which
        costs a third of one; here they are cast already. The results are the same bits.
        """
        copied = copy.deepcopy(net).to(self.device).eval()
        for module in copied.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.to(self.dtype)
        return copied


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
    """Emulated bfloat16 is several times slower than float32, so ask for the instructions; on ARM
    also for oneDNN, without which, as on macOS, PyTorch does not use them.
    """
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # new torch
    on_x86 = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(on_x86 or (capabilities.get("bf16") and has_onednn))
