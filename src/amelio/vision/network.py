"""The network: a compact residual body and one linear head per attribute."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 256)
INNER_SIZE = 16  # the first blocks see about 16×16 positions, whatever the image's size


class AttributeNet(nn.Module):
    """Images in, one row of logits per attribute out.

    class_counts: classes of each attribute, in order
    image_size: height and width of the images, pixels
    """

    mean: Tensor
    std: Tensor

    def __init__(self, class_counts: Sequence[int], image_size: int) -> None:
        super().__init__()
        stride = 4 if image_size >= 4 * INNER_SIZE else 2 if image_size >= 2 * INNER_SIZE else 1
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 127.5))
        self.register_buffer("std", torch.full((1, 3, 1, 1), 64.0))
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], stride + 2, stride, padding=1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
        )
        self.stages = nn.Sequential(
            Residual(WIDTHS[0], WIDTHS[0]),
            *(Stage(wide, wider) for wide, wider in pairwise(WIDTHS)),
        )
        self.heads = nn.ModuleList(nn.Linear(WIDTHS[-1], count) for count in class_counts)

    def embed(self, images: Tensor) -> Tensor:
        """What the heads see: (N, 3, H, W) uint8 or float in 0..255 → (N, 256)."""
        pixels = (images.float() - self.mean) / self.std
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.stages(self.stem(pixels))
        return features.amax((2, 3))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits (N, C) float32 per attribute, for images (N, 3, H, W) uint8 or float in 0..255."""
        embedding = self.embed(images)
        return tuple(head(embedding).float() for head in self.heads)

    @torch.no_grad()
    def fit_normalisation(self, images: Tensor) -> None:
        """Take each channel's mean and deviation over `images` (N, 3, H, W) uint8."""
        sample = images[:: max(1, len(images) // 2000)].float()
        self.mean.copy_(sample.mean((0, 2, 3), keepdim=True))
        self.std.copy_(sample.std((0, 2, 3), keepdim=True).clamp(min=1.0))


class Residual(nn.Module):
    """Two 3×3 convolutions beside a shortcut. Source: He et al. 2015, arXiv:1512.03385."""

    def __init__(self, wide: int, wider: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(wide, wider, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(wider)
        self.second = nn.Conv2d(wider, wider, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(wider)

    def forward(self, features: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(features)))
        return functional.relu(self.second_norm(self.second(inner)) + features)


class Stage(nn.Module):
    """Half the positions, more channels, then one residual block."""

    def __init__(self, wide: int, wider: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(wide, wider, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(wider)
        self.block = Residual(wider, wider)

    def forward(self, features: Tensor) -> Tensor:
        halved = functional.max_pool2d(self.convolution(features), 2)
        result: Tensor = self.block(functional.relu(self.norm(halved)))
        return result
