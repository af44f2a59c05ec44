"""The network: sizes, normalisation, embeddings."""

import pytest
import torch

from amelio.vision.training.network import AttributeNet


@pytest.mark.parametrize("size", [8, 15, 28, 32, 64, 96, 224])
def test_any_image_size_gives_logits_for_each_attribute(size: int) -> None:
    net = AttributeNet([2, 5], size).eval()
    images = torch.randint(0, 256, (3, 3, size, size), dtype=torch.uint8)
    assert [tuple(logits.shape) for logits in net(images)] == [(3, 2), (3, 5)]


def test_logits_are_the_heads_of_the_embedding() -> None:
    net = AttributeNet([2, 5], 16).eval()
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    embedding = net.embed(images)
    assert embedding.shape == (4, net.embedding_size)
    torch.testing.assert_close(net.heads[0](embedding), net(images)[0])


def test_bytes_and_floats_are_the_same() -> None:
    net = AttributeNet([2], 16).eval()
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    assert net(images)[0].equal(net(images.float())[0])


def test_normalisation_is_learnt_from_the_images_and_survives_flat_ones() -> None:
    net = AttributeNet([2], 16)
    dark, flat = torch.randint(0, 40, (64, 3, 16, 16)).byte(), torch.full((4, 3, 16, 16), 9).byte()
    net.fit_to(dark)
    torch.testing.assert_close(net.mean.flatten(), dark.float().mean((0, 2, 3)))
    net.fit_to(flat)
    assert bool(net.eval()(flat)[0].isfinite().all())


def test_the_stem_does_not_blow_up_noise() -> None:
    """Patches of smooth pictures hardly vary in most directions."""
    generator = torch.Generator().manual_seed(0)
    rough = 255 * torch.rand((200, 3, 4, 4), generator=generator)
    smooth = torch.nn.functional.interpolate(rough, size=32, mode="bilinear").round().byte()
    net = AttributeNet([2], 32)
    net.fit_to(smooth)
    noisy = smooth + 8 * torch.randn(smooth.shape, generator=generator)
    with torch.no_grad():
        seen, changed = (net.stem((images - net.mean) / net.std) for images in (smooth, noisy))
        ratio = float((changed - seen).std() / seen.std())
    assert ratio < 1  # 8 of the pictures' own 60 grey levels; 3 without a least variance
