"""Whether programs that draw random numbers say where they start."""

import ast
import re
from collections.abc import Iterator, Sequence

from amelio.dvcio.facts.facts import PipelineFacts
from amelio.dvcio.facts.sources import parsed
from amelio.insight.reproducibility import Check, Finding
from amelio.insight.wording import counted

# What draws, by the generator that it draws from. Families are seeded apart.
_FAMILIES = {
    "random.": "random",
    "numpy.random.": "numpy",
    "scipy.stats.": "",
    "torch.rand": "torch",
    "torch.normal": "torch",
    "torch.bernoulli": "torch",
    "torch.multinomial": "torch",
    "torch.nn.": "torch",
    "tensorflow.random.": "tensorflow",
    "tensorflow.keras.layers.": "tensorflow",
    "keras.layers.": "tensorflow",
}
_FIX = {
    "random": "random.seed(SEED)",
    "numpy": "numpy.random.default_rng(SEED)",
    "torch": "torch.manual_seed(SEED)",
    "tensorflow": "tensorflow.random.set_seed(SEED)",
    "sklearn": "random_state=SEED",
}
_HARMLESS = (
    "torch.nn.functional.", "torch.nn.init.", "torch.nn.utils.", "torch.nn.parallel.",
    "numpy.random.Generator", "numpy.random.SeedSequence", "random.SystemRandom",
    "random.getstate", "random.setstate", "torch.nn.Module", "torch.nn.Parameter",
)  # fmt: skip
_SEEDERS = frozenset(
    [
        "seed",
        "manual_seed",
        "manual_seed_all",
        "set_seed",
        "set_random_seed",
        "seed_everything",
        "fix_seed",
    ]
)
_GENERATORS = frozenset({"default_rng", "RandomState", "Random", "Generator", "PCG64", "MT19937"})
_SKLEARN_DRAWS = re.compile(
    r"train_test_split|Shuffle\w*|RandomForest\w*|ExtraTrees\w*|GradientBoosting\w*|MLP\w*|SGD\w*"
    r"|KMeans|MiniBatch\w*|RandomizedSearchCV|DecisionTree\w*|Bagging\w*|IsolationForest|TSNE"
    r"|resample|shuffle|make_\w+"
)
_SHELL_DRAW = re.compile(r"\$\{?RANDOM\b|\bshuf\b(?!.*--random-source)")
_SHELL_FIX = "a seed from params.yaml, or shuf --random-source=FILE"
_R_DRAW = re.compile(r"\b(?:sample|rnorm|runif|rbinom|rpois)\(")


def seeds(facts: PipelineFacts) -> Check:
    """Every program that draws random numbers sets a seed, itself or in a module it imports."""
    findings = [finding for path in facts.sources for finding in _of_program(path, facts)]
    findings += [
        Finding(f"{stage.name}: its command draws without a seed", _SHELL_FIX)
        for stage in facts.commands
        for command in stage.commands
        if _SHELL_DRAW.search(command)
    ]
    names = [
        f"{path}:{key}"
        for path, keys in facts.params.items()
        for key in keys
        if re.search(r"seed|random_state", key.rpartition(".")[2])
    ]
    told = f", {counted(len(names), 'seed')} among the parameters" if names else ""
    return Check(
        name="seeds",
        title="Random numbers are seeded",
        weight=10,
        n_seen=len(facts.sources) + len(facts.commands),
        evidence=counted(len(facts.sources), "program") + told,
        findings=tuple(findings),
    )


def _of_program(path: str, facts: PipelineFacts) -> Iterator[Finding]:
    text = facts.sources[path]
    suffix = path.rpartition(".")[2].lower()
    if suffix in ("r", "rmd"):
        if _R_DRAW.search(text) and "set.seed(" not in text:
            yield Finding(f"{path} draws random numbers without a seed", "set.seed(SEED)")
        return
    if suffix in ("sh", "bash", "zsh"):
        if _SHELL_DRAW.search(text):
            yield Finding(f"{path} draws random numbers without a seed", _SHELL_FIX)
        return
    tree = parsed(text) if suffix == "py" else None
    if tree is None:
        return
    draws, _ = _draws(tree)
    helped = [path, *facts.imports.get(path, ())]
    users = [other for other, used in facts.imports.items() if path in used]
    seeded = _seeded([facts.sources.get(each, "") for each in (*helped, *users)])
    for family, line, what in draws:
        if (
            "" not in seeded
            and family not in seeded
            and not (family == "sklearn" and "numpy" in seeded)
        ):
            yield Finding(
                f"{path}:{line}: {what} draws random numbers without a seed",
                f"{_FIX[family]}, SEED from params.yaml",
            )
            return  # one a program is enough to find it


def _seeded(texts: Sequence[str]) -> set[str]:
    """Families that are seeded; "" stands for all."""
    found: set[str] = set()
    for text in texts:
        tree = parsed(text)
        if tree is not None:
            found |= _draws(tree)[1]
    return found


def _draws(tree: ast.Module) -> tuple[list[tuple[str, int, str]], set[str]]:
    """(family, line, call) of every unseeded draw, and the families that the program seeds."""
    names = _aliases(tree)
    draws: list[tuple[str, int, str]] = []
    seeded: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func, names)
        last = called.rpartition(".")[2]
        family = _family(called)
        if last in _SEEDERS:
            if node.args or node.keywords:
                seeded.add(family or _library(called))
        elif last in _GENERATORS and family:
            if not _has_value(node):
                draws.append((family, node.lineno, called))
        elif called.startswith("sklearn.") and _SKLEARN_DRAWS.fullmatch(last):
            if not _has_seed(node):
                draws.append(("sklearn", node.lineno, called))
        elif family and not called.startswith(_HARMLESS) and not _has_seed(node):
            draws.append((family, node.lineno, called))
    return sorted(draws, key=lambda draw: draw[1]), seeded


def _family(called: str) -> str:
    return next((family for start, family in _FAMILIES.items() if called.startswith(start)), "")


def _library(called: str) -> str:
    """The family that `torch.manual_seed` and the like seed; "" (all) for `set_seed`."""
    top = called.partition(".")[0]
    return top if top in ("torch", "tensorflow", "random", "numpy") else ""


def _has_value(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(not (isinstance(node, ast.Constant) and node.value is None) for node in given)


def _has_seed(call: ast.Call) -> bool:
    return any(
        keyword.arg in ("random_state", "seed", "rng", "generator")
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
        for keyword in call.keywords
    )


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Name in the program → its full dotted name."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id if node.id in _SEEDERS else "")
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""
