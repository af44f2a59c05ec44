"""Inference from files to CSV, against the plain loop that users of the guide have.

    python benchmarks/inference.py [--images 2400] [--rounds 3]

The plain loop decodes in the main process and runs the network of `plain_recipe.py` (5.2 million
parameters, untrained, which changes no time) in float32 on batches of 64, with all cores. amelio's
model is trained first, as in `time_to_accuracy.py`: it looks a second time, at the mirror image,
where it is unsure. Both sides run in turns in one process, the best round counts. Goal: at least 5
times the rate.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from amelio.vision.checkpoint import save_model
from amelio.vision.inference.lot_prediction import predict_lot
from amelio.vision.parallel import n_cores
from amelio.vision.params import InferenceParams, TrainParams
from amelio.vision.training.training import train
from demo_images import draw_lot
from plain_recipe import SIZE, PlainNet
from preparation import Clock
from time_to_accuracy import faces_task, watched

BATCH_SIZE = 64


@torch.no_grad()
def plain_loop(net: PlainNet, files: Sequence[Path], output: Path) -> None:
    """Decode, predict, write: one after the other."""
    with output.open("w", newline="") as file:
        writer = csv.writer(file)
        for first in range(0, len(files), BATCH_SIZE):
            batch = files[first : first + BATCH_SIZE]
            pictures = [Image.open(path).convert("RGB").resize((SIZE, SIZE)) for path in batch]
            pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
            outputs = net(pixels.permute(0, 3, 1, 2).float() / 255)
            best = [logits.softmax(1).max(1) for logits in outputs]
            for row, path in enumerate(batch):
                cells = [(found.indices[row].item(), found.values[row].item()) for found in best]
                writer.writerow([path.name, *(cell for pair in cells for cell in pair)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    plain, ours = Clock(), Clock()
    torch.set_num_threads(n_cores())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = draw_lot(folder, 2, options.images)
        trained = train(watched(faces_task()), TrainParams(epochs=2, batch_size=64)).model
        plain_net = PlainNet([len(attribute.classes) for attribute in trained.attributes]).eval()
        model = folder / "best_model.pth"
        save_model(trained, model)
        for _ in range(options.rounds):
            plain.time(lambda: plain_loop(plain_net, files, folder / "plain.csv"))
            ours.time(
                lambda: predict_lot(
                    model, folder / "s2", folder / "s2.csv", InferenceParams(batch_size=BATCH_SIZE)
                )
            )
    ratio, cpu_ratio = plain.wall_s / ours.wall_s, plain.cpu_s / ours.cpu_s
    print(f"{n_cores()} cores, {len(files)} faces of 500×500 pixels to {SIZE}×{SIZE}")
    print(f"plain loop  {len(files) / plain.wall_s:6.0f} images/s")
    print(f"amelio      {len(files) / ours.wall_s:6.0f} images/s, its model loaded each time")
    print(f"ratio       {ratio:6.1f} (of CPU time {cpu_ratio:.1f})")


if __name__ == "__main__":
    main()
