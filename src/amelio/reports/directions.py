"""Which direction of a metric is good, as its name tells."""

import re

from amelio.reports.facts import Better

_LOWER_WORDS = """
    loss logloss crossentropy entropy regret error errors mae mse rmse mape wer cer
    fid perplexity ppl brier ece latency duration time seconds memory drift psi
    missing duplicates unreadable outliers gap fpr fnr violations broken invalid
    conflicts
"""
_HIGHER_WORDS = """
    accuracy acc precision recall sensitivity specificity f1 fbeta auc auroc auprc ap
    map iou miou dice jaccard r2 score bleu rouge meteor psnr ssim throughput rate_s
    kappa mcc ndcg hit_rate reward return coverage tpr tnr completeness agreement
    same_class_share
"""
_NO_METRICS = frozenset({"params", "parameters", "config", "machine", "versions"})
_LOWER_ENDINGS = ("_ms", "_s", "_mb", "_bytes")
_UNKNOWN_WORDS = """
    n of count epoch epochs step steps best_epoch seed limit level levels threads cores
    version ci_low ci_high p_value p_corrected reference_accuracy
"""
_LOWER, _HIGHER, _UNKNOWN = (
    frozenset(words.split()) for words in (_LOWER_WORDS, _HIGHER_WORDS, _UNKNOWN_WORDS)
)


def better_of(name: str) -> Better | None:
    """The good direction of the metric with the dotted `name`; None where the name says nothing.

    The last part of the name says most: `val_loss.accuracy` is an accuracy.
    """
    parts = [_snake(part) for part in name.split(".")]
    if any(
        part in _UNKNOWN or part.startswith("n_") for part in parts[-1:]
    ) or _NO_METRICS.intersection(parts):
        return None
    for part in reversed(parts):
        words = part.split("_")
        if part in _LOWER or _LOWER.intersection(words):
            return Better.LOWER
        if part in _HIGHER or _HIGHER.intersection(words):
            return Better.HIGHER
        if part.endswith(_LOWER_ENDINGS):
            return Better.LOWER
    return None


def _snake(part: str) -> str:
    """`valLoss`, `val-loss`, `Val Loss` → `val_loss`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
