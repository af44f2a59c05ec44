"""Random changes: only what is switched on, on every image differently, the same for a seed."""

import pytest
import torch
from torch import Tensor

from amelio.vision.params import Augmentation
from amelio.vision.training.augment import Augmenter, first_flips

IMAGES = torch.randint(0, 256, (50, 12, 10, 3), dtype=torch.uint8)
ALL = torch.arange(50)


def drawn(settings: Augmentation, epoch: int = 1, seed: int = 0) -> Tensor:
    """A batch of all images, channels last again."""
    augmenter = Augmenter(IMAGES, first_flips(50, 7), settings)
    batch = augmenter.batch(ALL, epoch, torch.Generator().manual_seed(seed))
    assert batch.shape == (50, 3, 12, 10)
    assert batch.dtype == torch.uint8
    return batch.permute(0, 2, 3, 1)


def test_off_changes_nothing() -> None:
    assert drawn(Augmentation(flip=False, shift=0, erase=0, noise=0)).equal(IMAGES)


def test_flip_shows_each_image_both_ways_in_two_epochs() -> None:
    settings = Augmentation(flip=True, shift=0, erase=0, noise=0)
    first, second = drawn(settings, epoch=1), drawn(settings, epoch=2)
    mirrored = IMAGES.flip(2)
    for i in range(50):
        assert {bool(first[i].equal(IMAGES[i])), bool(second[i].equal(IMAGES[i]))} == {True, False}
        assert first[i].equal(IMAGES[i]) or first[i].equal(mirrored[i])
        assert second[i].equal(IMAGES[i]) or second[i].equal(mirrored[i])


def test_shift_moves_and_mirrors_at_the_border() -> None:
    moved = drawn(Augmentation(flip=False, shift=3, erase=0, noise=0))
    padded = torch.nn.functional.pad(IMAGES.permute(0, 3, 1, 2).float(), (3, 3, 3, 3), "reflect")
    offsets = set()
    for i in range(50):
        found = [
            (top, left)
            for top in range(7)
            for left in range(7)
            if padded[i, :, top : top + 12, left : left + 10]
            .permute(1, 2, 0)
            .equal(moved[i].float())
        ]
        assert found, f"image {i} is no shifted copy"
        offsets.add(found[0])
    assert len(offsets) > 20


def test_a_shift_larger_than_the_image_is_allowed() -> None:
    drawn(Augmentation(flip=False, shift=100, erase=0, noise=0))


def test_erase_covers_one_block() -> None:
    erased = drawn(Augmentation(flip=False, shift=0, erase=0.5, noise=0))
    changed = (erased != IMAGES).any(3)
    assert bool(changed.any((1, 2)).all())
    assert 0.1 < float(changed.float().mean()) < 0.3
    assert bool((erased[changed] == 128).all())


def test_noise_on_a_quarter_of_the_images_up_to_a_deviation() -> None:
    grey = torch.full((400, 16, 16, 3), 128, dtype=torch.uint8)
    augmenter = Augmenter(
        grey, first_flips(400, 7), Augmentation(flip=False, shift=0, erase=0, noise=20)
    )
    batch = augmenter.batch(torch.arange(400), 1, torch.Generator().manual_seed(0)).float()
    deviations = batch.std((1, 2, 3))
    noisy = deviations[deviations > 0]
    assert 60 < len(noisy) < 140
    assert 17 < float(noisy.max()) < 21
    assert float(noisy.min()) < 3
    assert float(batch.mean()) == pytest.approx(128, abs=0.1)


@pytest.mark.parametrize("settings", [Augmentation(), Augmentation(erase=0.3, noise=0)])
def test_the_seed_decides(settings: Augmentation) -> None:
    assert drawn(settings, seed=1).equal(drawn(settings, seed=1))
    assert not drawn(settings, seed=1).equal(drawn(settings, seed=2))
