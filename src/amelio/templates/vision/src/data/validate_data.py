"""Look for what is wrong with the raw images and labels, before anything is learnt from them."""

from pathlib import Path

from amelio.vision.params import load_params
from amelio.vision.stage import run_stage
from amelio.vision.validation.page import write_page
from amelio.vision.validation.quality_files import write_quality
from amelio.vision.validation.validate import validate


def main() -> None:
    params = load_params()
    images = Path("data/raw")
    labels = Path("data/annotations/mapped_train.csv")

    quality = validate(labels, images, params, cache=Path(".amelio/looks"))

    write_quality(
        quality,
        metrics=Path("metrics/data_quality.json"),
        findings=Path("reports/data_findings.csv"),
    )
    write_page(quality, params.validation, Path("reports/data_quality.html"))
    print(quality.describe())


if __name__ == "__main__":
    run_stage(main)
