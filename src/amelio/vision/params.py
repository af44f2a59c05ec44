"""`params.yaml` as typed values; a wrong key or value is refused with its line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from amelio.checked_yaml import checked, read_yaml
from amelio.vision.params_section import STRICT, Share
from amelio.vision.validation_params import ValidationParams
from amelio.yaml_problems import AT, suggestion

ClassName = int | str
Classes = Annotated[list[ClassName], Field(min_length=2)]
MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 8, 512  # pixels
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy takes


class Algorithm(StrEnum):
    """How `hyperopt` chooses the next trial (Optuna's samplers)."""

    TPE = "tpe"
    RANDOM = "random"
    CMAES = "cmaes"


class Optimizer(StrEnum):
    """Optimisers of `train.optimizer`; all but Muon (see optimizers.py) are PyTorch's own."""

    MUON = "Muon"
    ADAMW = "AdamW"
    ADAM = "Adam"
    SGD = "SGD"


class Scheduler(StrEnum):
    """Learning-rate schedules of `train.scheduler`."""

    REDUCE_ON_PLATEAU = "ReduceLROnPlateau"
    ONE_CYCLE = "OneCycle"
    COSINE = "cosine"
    NONE = "none"


class Metric(StrEnum):
    """Figures that `evaluate` can compute for each attribute."""

    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1_SCORE = "f1_score"
    CALIBRATION_ERROR = "calibration_error"


class Scale(StrEnum):
    """How a tuned value is drawn from its range."""

    LINEAR = "linear"
    LOG = "log"


class Section(BaseModel):
    """Base of every section."""

    model_config = STRICT


class DataParams(Section):
    """What becomes of the raw images, and who may train on which."""

    seed: int = 42
    train_split: Share = 0.9
    val_split: Share = 0.1
    image_size: Annotated[int, Field(ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE)] = 64
    trim_border: bool = True
    max_unreadable_share: Share = 0.01
    attributes: Annotated[dict[str, Classes], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.train_split + self.val_split > 1 + 1e-9:
            raise ValueError("train_split + val_split must be at most 1")
        return self


class Dimension(Section):
    """One tuned key: its first value, and either a range with a scale or a list of choices."""

    start: int | float | str
    range: tuple[float, float] | None = None
    scale: Scale = Scale.LINEAR
    choices: list[int | float | str] | None = None

    @model_validator(mode="after")
    def _start_inside(self) -> Self:
        if (self.range is None) == (self.choices is None):
            raise ValueError("give either 'range' or 'choices'")
        if self.choices is not None and self.start not in self.choices:
            raise ValueError(f"start {self.start!r} is not one of the choices")
        if self.range is not None:
            low, high = self.range
            if isinstance(self.start, str) or not low <= self.start <= high or low >= high:
                raise ValueError(
                    f"start {self.start!r} must be a number within range {[low, high]}"
                )
            if self.scale is Scale.LOG and low <= 0:
                raise ValueError("a range on a log scale must be above 0")
        return self

    def values(self) -> list[tuple[str, Any]]:
        """Every value that stands in the file, each with the key that it stands under."""
        drawn = ("range", self.range) if self.range is not None else ("choices", self.choices or [])
        return [("start", self.start), *((drawn[0], value) for value in drawn[1])]


def _check_tuned_key(key: str) -> str:
    if key not in (known := tunable_keys()):
        raise ValueError(f"not a key of train that can be tuned; {suggestion(key, known)}")
    return key


TunedKey = Annotated[str, AfterValidator(_check_tuned_key)]


class HyperoptParams(Section):
    """How the tuning searches; it reads nothing of `train`.

    timeout: seconds for the whole search; epochs: of each trial
    """

    max_evals: Annotated[int, Field(ge=1)] = 10
    algorithm: Algorithm = Algorithm.TPE
    timeout: Annotated[float, Field(gt=0)] = 3600
    epochs: Annotated[int, Field(ge=1)] = 4
    pruning: bool = True
    seed: Seed = 42
    threads: Annotated[int, Field(ge=1)] = 2
    search_space: dict[TunedKey, Dimension] = {}

    @model_validator(mode="after")
    def _values_are_ones_of_train(self) -> Self:
        for key, dimension in self.search_space.items():
            for place, value in dimension.values():
                if wrong := _problem_as_train_key(key, value):
                    loc = ["search_space", key, place]
                    raise PydanticCustomError(AT, "{message}", {"message": wrong, "loc": loc})
        return self


class Augmentation(Section):
    """Random changes of training images; each is off at 0 or false.

    noise: the largest deviation of Gaussian noise, grey levels of 255
    """

    flip: bool = True
    shift: Annotated[int, Field(ge=0)] = 4
    erase: Share = 0.3
    noise: Annotated[float, Field(ge=0, le=255)] = 16


class TrainParams(Section):
    """How the model learns."""

    epochs: Annotated[int, Field(ge=1)] = 24
    batch_size: Annotated[int, Field(ge=1)] = 128
    early_stopping_patience: Annotated[int, Field(ge=1)] = 7
    learning_rate: Annotated[float, Field(gt=0)] = 0.015
    optimizer: Optimizer = Optimizer.MUON
    scheduler: Scheduler = Scheduler.ONE_CYCLE
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    class_weights: Literal["none", "balanced"] = "none"
    augmentation: Augmentation = Augmentation()
    init_from: str | None = None
    seed: Seed = 42
    threads: Annotated[int, Field(ge=1)] = 2


def tunable_keys() -> list[str]:
    """Keys of `train` that a search space may name: plain values that the search sets freely."""
    fixed = {"epochs", "seed", "threads", "init_from", "augmentation"}
    return [name for name in TrainParams.model_fields if name not in fixed]


def _problem_as_train_key(key: str, value: Any) -> str | None:
    """What keeps `value` from being one of `train.<key>`, or None."""
    if TrainParams.model_fields[key].annotation is int and float(value).is_integer():
        value = int(value)  # the ends of a range are read as floats
    try:
        TrainParams.model_validate({key: value})
    except ValidationError as error:
        return f"{value!r} is no value of train.{key}: {error.errors()[0]['msg']}"
    return None


class RetrainPolicy(StrEnum):
    """Whether new data alone is a reason to train again."""

    ALWAYS = "always"
    IF_NEEDED = "if_needed"


class RetrainParams(Section):
    """What `when:` of `hyperopt` and `train` in dvc.yaml asks.

    below: average accuracy of the present model under which `if_needed` trains again
    """

    policy: RetrainPolicy = RetrainPolicy.ALWAYS
    below: Share = 0.9


class EvaluateParams(Section):
    """The test set, and what is computed on it."""

    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.1
    random_state: int = 42
    metrics: Annotated[list[Metric], Field(min_length=1)] = list(Metric)


class InferenceParams(Section):
    """Predictions for every lot."""

    batch_size: Annotated[int, Field(ge=1)] = 64
    output_path: str = "outputs/predictions.csv"
    confidence_threshold: Share = 0.5
    lots: list[str] = []


class CompareParams(Section):
    """When a challenger is better or worse than the champion.

    min_effect: smallest difference of accuracy that counts; confidence: of intervals and tests
    """

    min_effect: Share = 0.01
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    n_resamples: Annotated[int, Field(ge=1000)] = 10_000
    seed: Seed = 42


class PerformanceParams(Section):
    """How the model is timed and stressed, and what it may cost.

    n_images: test images, at most, that it is timed and stressed on
    rounds: each measurement's; round_s: seconds of one round, at least
    max_…, min_…: budgets, judged by the gate; min_throughput is in images per second
    """

    batch_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = [1, 8, 64]
    n_images: Annotated[int, Field(ge=1)] = 300
    rounds: Annotated[int, Field(ge=2)] = 5
    round_s: Annotated[float, Field(gt=0)] = 0.2
    seed: Seed = 42
    max_latency_p95_ms: Annotated[float, Field(gt=0)] = 100
    min_throughput: Annotated[float, Field(ge=0)] = 50
    max_size_mb: Annotated[float, Field(gt=0)] = 50
    min_accuracy_under_noise: Share = 0.5


class DriftParams(Section):
    """When a lot counts as different from the training images.

    n_images: images of a lot, and of the training images, that are looked at
    n_directions: of the embedding, the main ones
    confidence: chance that a lot like the training images is not reported
    min_ks, min_psi: smaller changes do not count, however sure
    """

    n_images: Annotated[int, Field(ge=1)] = 1000
    n_directions: Annotated[int, Field(ge=1)] = 8
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.999
    min_ks: Annotated[float, Field(gt=0, le=1)] = 0.2
    min_psi: Annotated[float, Field(gt=0)] = 0.25


class Params(BaseModel):
    """The sections of `params.yaml` that our stages read; other sections are the user's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    data: DataParams = DataParams()
    validation: ValidationParams = ValidationParams()
    hyperopt: HyperoptParams = HyperoptParams()
    train: TrainParams = TrainParams()
    retrain: RetrainParams = RetrainParams()
    evaluate: EvaluateParams = EvaluateParams()
    inference: InferenceParams = InferenceParams()
    compare: CompareParams = CompareParams()
    performance: PerformanceParams = PerformanceParams()
    drift: DriftParams = DriftParams()


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read `path`; every wrong key and value is reported at once, each with its line.

    Raises InputError when the file is missing, is not YAML, or says something that no stage reads.
    """
    return checked(read_yaml(path), Params, path)
