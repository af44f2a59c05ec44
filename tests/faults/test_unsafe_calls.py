"""A gate over the source: nothing in it unpickles, and no shell gets what data says (B16)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import amelio

SOURCE = Path(amelio.__file__).parent
FORBIDDEN = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "dill.load", "dill.loads",
    "joblib.load", "shelve.open", "marshal.load", "marshal.loads", "cloudpickle.load",
    "pandas.read_pickle", "os.system", "os.popen", "subprocess.getoutput",
    "subprocess.getstatusoutput", "eval", "exec", "tempfile.mktemp", "yaml.unsafe_load",
    "yaml.full_load", "yaml.unsafe_load_all", "yaml.full_load_all",
}  # fmt: skip
KEYWORDS = {"weights_only": False, "allow_pickle": True, "shell": True}
SAFE_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _safe_loaders(tree: ast.AST) -> set[str]:
    """YAML's own safe loaders, and what a module derives from them and calls otherwise."""
    found = set(SAFE_LOADERS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named = {
                found_in.attr if isinstance(found_in, ast.Attribute) else str(found_in.value)
                for found_in in ast.walk(node.value)
                if isinstance(found_in, (ast.Attribute, ast.Constant))
            }
            if named and named <= SAFE_LOADERS:
                found.add(node.targets[0].id)
        elif isinstance(node, ast.ClassDef) and any(
            _name(base).rpartition(".")[2] in found for base in node.bases
        ):
            found.add(node.name)
    return found


def problems(text: str) -> Iterator[str]:
    """Every unsafe call in a module, with its line."""
    tree = ast.parse(text)
    loaders = _safe_loaders(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        given = {k.arg: k.value for k in node.keywords}
        if name in FORBIDDEN:
            yield f"{node.lineno}: {name}"
        for keyword, unsafe in KEYWORDS.items():
            value = given.get(keyword)
            if isinstance(value, ast.Constant) and value.value is unsafe:
                yield f"{node.lineno}: {keyword}={unsafe}"
        if name == "torch.load" and "weights_only" not in given:
            yield f"{node.lineno}: torch.load without weights_only"
        if name in ("yaml.load", "yaml.load_all"):
            loader = given.get("Loader", node.args[1] if len(node.args) > 1 else None)
            if loader is None or _name(loader).rpartition(".")[2] not in loaders:
                yield f"{node.lineno}: {name} with an unsafe loader"
        if name == "YAML" and isinstance(given.get("typ"), ast.Constant):
            kind = given["typ"]
            if isinstance(kind, ast.Constant) and kind.value not in ("safe", "rt"):
                yield f"{node.lineno}: YAML(typ={kind.value!r})"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle\npickle.load(f)", "pickle.loads(b)", "torch.load(f)", "os.system('x')",
        "torch.load(f, weights_only=False)", "np.load(f, allow_pickle=True)", "yaml.load(f)",
        "yaml.load(f, Loader=yaml.Loader)", "L = yaml.Loader\nyaml.load(f, L)",
        "yaml.load(f, yaml.FullLoader)", "eval('1')",
        "subprocess.run('x', shell=True)", "YAML(typ='unsafe')", "joblib.load(f)",
    ],
)  # fmt: skip
def test_the_gate_is_shut(text: str) -> None:
    assert list(problems(text))


def test_nothing_unsafe_in_the_source() -> None:
    found = {
        f"{path.relative_to(SOURCE)}:{problem}"
        for path in sorted(SOURCE.rglob("*.py"))
        for problem in problems(path.read_text(encoding="utf-8"))
    }
    assert not found
