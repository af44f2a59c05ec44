"""Decode, trim and resize the annotated images, and split them."""

from pathlib import Path

from amelio.vision.data.annotations import read_annotations
from amelio.vision.data.dataset import save_dataset
from amelio.vision.data.prepare import prepare
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    params = load_params()
    images = Path("data/raw")
    labels = Path("data/annotations/mapped_train.csv")
    annotations = read_annotations(labels, images, params.data.attributes)

    data, report = prepare(
        annotations, images, params.data, params.evaluate, cache=Path(".amelio/images")
    )

    save_dataset(data, Path("data/processed/train_data_s1.pt"))
    print(report.describe())


if __name__ == "__main__":
    run_stage(main)
