"""Bar B16: no construct in `src` runs what a file holds; each rule is tried on bad lines too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
EVALUATION = {"eval", "exec"}
SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "yaml.SafeLoader", "yaml.CSafeLoader"}
SAFE_LOADERS |= {"_KeysLoader", "_StringsLoader"}  # of dvcio: BaseLoader, which makes strings only


def offences(source: str) -> Iterator[str]:
    """What must not be there, as `line: construct`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or ""]
            found = {name.partition(".")[0] for name in modules} & UNPICKLING
            yield from (f"{node.lineno}: import {name}" for name in sorted(found))
        elif isinstance(node, ast.Call) and _is_offence(node):
            yield f"{node.lineno}: {ast.unparse(node.func)}"


def _is_offence(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    options = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}
    if name in SHELLS | EVALUATION:
        return True
    if options.get("shell", "False") != "False" or options.get("allow_pickle", "False") != "False":
        return True
    if name == "torch.load":
        return options.get("weights_only") != "True"
    if name in ("yaml.load", "yaml.load_all"):
        loaders = [options.get("Loader"), *map(ast.unparse, call.args[1:])]
        return not SAFE_LOADERS.intersection(loaders)
    return name in ("yaml.unsafe_load", "yaml.full_load", "tempfile.mktemp")


def test_no_module_offends() -> None:
    found = {
        str(path.relative_to(SOURCE)): list(offences(path.read_text(encoding="utf-8")))
        for path in SOURCE.rglob("*.py")
    }
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=safe)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "os.system(command)",
        "subprocess.run(command, shell=True)",
        "subprocess.run(command, shell=bool(x))",
        "eval(text)",
        "exec(text)",
        "tempfile.mktemp()",
    ],
)
def test_the_gate_sees(line: str) -> None:
    assert len(list(offences(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path, weights_only=True)",
        "yaml.load(text, Loader=CSafeLoader)",
        "net.eval()",
        "subprocess.run(['git', 'status'])",
    ],
)
def test_the_gate_lets_pass(line: str) -> None:
    assert list(offences(line)) == []
