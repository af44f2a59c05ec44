"""Device and precision: what the machine has in hardware, and nothing that it emulates."""

import pytest
import torch

from amelio.vision.device import Precision, choose_placement


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({}, Precision.FLOAT32),
        ({"avx512_f": True, "amx_bf16": False, "avx512_bf16": False}, Precision.FLOAT32),
        ({"avx512_bf16": True}, Precision.BFLOAT16),
        ({"amx_bf16": True}, Precision.BFLOAT16),
        ({"neon": True, "bf16": True}, Precision.BFLOAT16),
        ({"neon": True, "bf16": False}, Precision.FLOAT32),
    ],
)
def test_bfloat16_on_processors_that_have_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: Precision
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    placement = choose_placement()
    assert (placement.device.type, placement.precision) == ("cpu", precision)


def test_capabilities_are_known_under_these_names() -> None:
    known = torch.cpu.get_capabilities()
    if known["architecture"] != "x86_64":
        pytest.skip("these are names of x86 instructions")
    assert {"amx_bf16", "avx512_bf16"} <= known.keys()


def test_an_arm_processor_without_onednn_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert choose_placement().precision is Precision.FLOAT32


@pytest.mark.parametrize("has_it", [True, False])
def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch, has_it: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_it)
    placement = choose_placement()
    assert placement.device.type == "cuda"
    assert (placement.precision is Precision.BFLOAT16) == has_it
    assert choose_placement("cpu").device.type == "cpu"
