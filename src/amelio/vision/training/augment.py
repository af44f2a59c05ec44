"""Random changes of training images, on whole uint8 batches."""

from dataclasses import dataclass

import torch
from torch import Tensor

from amelio.vision.params import Augmentation

NOISY_SHARE = 0.25  # more of the images, and those without noise are learnt less well


@dataclass(frozen=True)
class Augmenter:
    """Draws training batches from images that lie channels last.

    images: (N, H, W, 3) uint8
    flipped_first: (N,) bool, which images stand mirrored in the first epoch
    """

    images: Tensor
    flipped_first: Tensor
    settings: Augmentation

    def batch(self, chosen: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Images `chosen` (n,) int64, changed: (n, 3, H, W) uint8, channels last in memory.

        Flip, shift and mirrored border are one gather: pixel (i, j) of the result is looked up
        where it comes from.
        """
        height, width = self.images.shape[1:3]
        n = len(chosen)
        rows = _shifted(height, n, self.settings.shift, generator)
        columns = _shifted(width, n, self.settings.shift, generator)
        if self.settings.flip:
            mirrored = self.flipped_first[chosen] ^ bool(epoch % 2)
            columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
        result = self.images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
        if self.settings.erase > 0:
            self._erase(result, generator)
        if self.settings.noise > 0:
            self._add_noise(result, generator)
        return result.permute(0, 3, 1, 2)

    def _erase(self, batch: Tensor, generator: torch.Generator) -> None:
        """Cover one square of every image with grey. Source: cutout, arXiv:1708.04552."""
        n, height, width = batch.shape[:3]
        inside = _span(height, n, self.settings.erase, generator)[:, :, None]
        inside = inside & _span(width, n, self.settings.erase, generator)[:, None, :]
        batch.masked_fill_(inside[..., None], 128)

    def _add_noise(self, batch: Tensor, generator: torch.Generator) -> None:
        """Gaussian noise on some images, of a deviation of its own for each."""
        chosen = torch.rand(len(batch), generator=generator) < NOISY_SHARE
        images = batch[chosen]
        deviations = self.settings.noise * torch.rand(len(images), 1, 1, 1, generator=generator)
        noise = deviations * torch.randn(images.shape, generator=generator)
        batch[chosen] = (images + noise).round_().clamp_(0, 255).to(torch.uint8)


def first_flips(n: int, seed: int) -> Tensor:
    """Which images start mirrored: (n,) bool; every epoch then shows the other side.

    Two epochs show each image both ways, which plain coin flips do for half of the images only.
    Source: Keller Jordan, alternating flip, arXiv:2404.00498.
    """
    return torch.rand(n, generator=torch.Generator().manual_seed(seed)) < 0.5


def _shifted(size: int, n: int, shift: int, generator: torch.Generator) -> Tensor:
    """Where each of `size` positions comes from, for n images: (n, size) int64 in 0..size-1.

    Moved by -shift..shift; what comes from outside is mirrored at the border.
    """
    reach = min(shift, size - 1)
    moved = torch.randint(-reach, reach + 1, (n, 1), generator=generator) + torch.arange(size)
    return (size - 1) - ((size - 1) - moved.abs()).abs()


def _span(size: int, n: int, share: float, generator: torch.Generator) -> Tensor:
    """For n images one span of `share` of the positions, centred anywhere: (n, size) bool."""
    centre = torch.rand(n, 1, generator=generator) * size
    return (torch.arange(size) + 0.5 - centre).abs() < share * size / 2
