"""What users of the guide have: the training that `time_to_accuracy.py` compares with.

A residual network of 5.2 million parameters on 64×64 float32, a DataLoader with two workers,
batches of 32, AdamW at a constant rate, no mixed precision, mirrored images as augmentation.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

SIZE = 64
BATCH_SIZE = 32
LEARNING_RATE = 1e-3
N_WORKERS = 2
WIDTHS = (64, 128, 272, 520)


@dataclass(frozen=True)
class Moment:
    """How far a training is: seconds of training without evaluation, and accuracies held out."""

    train_seconds: float
    n_images: int
    accuracies: tuple[float, ...]


def plain_training(
    train: tuple[Tensor, Tensor],
    held_out: tuple[Tensor, Tensor],
    class_counts: Sequence[int],
    evaluate_every: int,
) -> Iterator[Moment]:
    """Train without end; a moment after every `evaluate_every` steps.

    train, held_out: images (N, 3, 64, 64) float32 in 0..1, labels (N, A) int64
    """
    torch.manual_seed(0)
    net = PlainNet(class_counts)
    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE)
    seconds, n_images, step = 0.0, 0, 0
    while True:
        loader = DataLoader(
            Images(*train), batch_size=BATCH_SIZE, shuffle=True, num_workers=N_WORKERS
        )
        begun = time.perf_counter()
        for images, labels in loader:
            optimizer.zero_grad()
            outputs = net(images)
            losses = [functional.cross_entropy(o, labels[:, i]) for i, o in enumerate(outputs)]
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            n_images, step = n_images + len(images), step + 1
            if step % evaluate_every == 0:
                seconds += time.perf_counter() - begun
                yield Moment(seconds, n_images, accuracies(net, *held_out))
                begun = time.perf_counter()
        seconds += time.perf_counter() - begun


@torch.no_grad()
def accuracies(net: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, ...]:
    """Share of right answers per attribute."""
    net.eval()
    parts = [net(chunk) for chunk in torch.split(images, 250)]
    net.train()
    logits = [torch.cat(part) for part in zip(*parts, strict=True)]
    return tuple((o.argmax(1) == labels[:, i]).float().mean().item() for i, o in enumerate(logits))


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Images and labels in memory, every image mirrored by a coin flip."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.images[index]
        mirrored = torch.rand(()) < 0.5
        return (image.flip(2) if mirrored else image), self.labels[index]


class PlainNet(nn.Module):
    """A ResNet-10 with one head per attribute, 5.2 million parameters."""

    def __init__(self, class_counts: Sequence[int]) -> None:
        super().__init__()
        widths = (WIDTHS[0], *WIDTHS)
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()
        )
        self.blocks = nn.Sequential(
            *(
                PlainBlock(widths[i], widths[i + 1], stride=1 if i == 0 else 2)
                for i in range(len(WIDTHS))
            )
        )
        self.heads = nn.ModuleList(nn.Linear(WIDTHS[-1], count) for count in class_counts)

    def forward(self, images: Tensor) -> list[Tensor]:
        features = self.blocks(self.stem((images - 0.5) / 0.25)).mean((2, 3))
        return [head(features) for head in self.heads]


class PlainBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, wide: int, wider: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(wide, wider, 3, stride, 1, bias=False),
            nn.BatchNorm2d(wider),
            nn.ReLU(),
            nn.Conv2d(wider, wider, 3, 1, 1, bias=False),
            nn.BatchNorm2d(wider),
        )
        self.shortcut = nn.Sequential()
        if wide != wider:
            self.shortcut = nn.Sequential(
                nn.Conv2d(wide, wider, 1, stride, bias=False), nn.BatchNorm2d(wider)
            )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.body(features) + self.shortcut(features))
