"""Compare the new model with the champion on the test set; without one, with simple models."""

from pathlib import Path

from amelio.vision.checkpoint import load_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.evaluation.answers import answers_of
from amelio.vision.evaluation.comparison import compare
from amelio.vision.evaluation.comparison_report import all_in_words, write_comparison
from amelio.vision.evaluation.references import reference_answers
from amelio.vision.params import load_params
from amelio.vision.stage import run_stage


def main() -> None:
    params = load_params()
    data = load_dataset(Path("data/processed/train_data_s1.pt"))
    model = load_model(Path("models/best_model.pth"))
    raw = Path("data/raw")  # read only where a model sees images of another size

    references = reference_answers(Path("models/champion.pth"), data, raw)
    challenger = answers_of("the challenger", model, data, raw)
    comparisons = {
        name: compare(answers, challenger, data, params.compare)
        for name, answers in references.items()
    }

    write_comparison(
        comparisons, Path("metrics/model_comparison.json"), Path("reports/model_comparison.md")
    )
    for line in all_in_words(comparisons):
        print(line)


if __name__ == "__main__":
    run_stage(main)
