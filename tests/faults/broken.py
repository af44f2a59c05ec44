"""Broken configurations: what a user can get wrong. Each is a small repository and a command."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Broken:
    """files: by path, beside `in`, which is always there; words: after `amelio`."""

    files: dict[str, str | bytes]
    words: tuple[str, ...] = ("repro",)
    code: int = 2
    env: dict[str, str] = field(default_factory=dict)


def _yaml(text: str, **files: str) -> dict[str, str | bytes]:
    named = {name.replace("__", "."): content for name, content in files.items()}
    return {"dvc.yaml": text, **named}


_A = "stages:\n  a:\n    cmd: cp in a\n    deps: [in]\n    outs: [a]\n"
_META = "    meta:\n      amelio:\n"
_BOMB = "".join(f"v{n}: &v{n} [{', '.join([f'*v{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9))

CASES = {
    "misspelt key of a stage": Broken(_yaml(_A.replace("deps", "dep"))),
    "misspelt target": Broken(_yaml(_A.replace("  a:", "  train:")), ("repro", "trian")),
    "no YAML": Broken(_yaml("stages:\n  a: [\n")),
    "tab in YAML": Broken(_yaml("stages:\n\ta:\n")),
    "duplicate key": Broken(_yaml(_A + "    outs: [b]\n")),
    "stages is a list": Broken(_yaml("stages: [a, b]\n")),
    "no command": Broken(_yaml("stages:\n  a:\n    outs: [a]\n")),
    "empty command": Broken(_yaml("stages:\n  a:\n    cmd: ''\n    outs: [a]\n")),
    "cycle": Broken(
        _yaml(_A.replace("[in]", "[b]") + "  b:\n    cmd: cp a b\n    deps: [a]\n    outs: [b]\n")
    ),
    "own output as dependency": Broken(_yaml(_A.replace("[in]", "[a]"))),
    "two writers": Broken(_yaml(_A + "  b:\n    cmd: cp in a\n    outs: [a]\n")),
    "overlapping outputs": Broken(
        _yaml(_A.replace("outs: [a]", "outs: [d]") + "  b:\n    cmd: x\n    outs: [d/x]\n")
    ),
    "undefined variable": Broken(
        _yaml(_A.replace("cp in a", "cp in ${nme}"), params__yaml="name: a\n")
    ),
    "missing dependency": Broken(_yaml(_A.replace("[in]", "[inn]")), code=1),
    "missing parameter": Broken(_yaml(_A + "    params: [lr]\n", params__yaml="rate: 1\n")),
    "missing parameters file": Broken(_yaml(_A + "    params: [lr]\n")),
    "broken parameters file": Broken(_yaml(_A + "    params: [lr]\n", params__yaml="lr: [\n")),
    "alias bomb": Broken(_yaml(_A + "    params: [v8]\n", params__yaml=_BOMB), code=2),
    "unknown key of amelio": Broken(_yaml(_A + _META + "        mutx: [x]\n")),
    "wrong type": Broken(_yaml(_A + _META + "        retries: many\n        timeout: soon\n")),
    "condition that is no expression": Broken(_yaml(_A + _META + "        when: a >\n")),
    "condition on an unknown name": Broken(_yaml(_A + _META + "        when: parms.x > 1\n")),
    "condition on a missing metric": Broken(
        _yaml(_A + _META + "        when: metrics['m.json'].f1 > 1\n")
    ),
    "condition on a missing parameter": Broken(
        _yaml(_A + _META + "        when: params.lr > 1\n", params__yaml="rate: 1\n")
    ),
    "probe without a condition": Broken(_yaml(_A + _META + "        probe: echo 1\n")),
    "probe that prints no JSON": Broken(
        _yaml(_A + _META + "        when: probe.x > 1\n        probe: echo hello\n")
    ),
    "resource that can never be had": Broken(
        _yaml(_A + _META + "        resources: {gpu: 100}\n"), env={"CUDA_VISIBLE_DEVICES": ""}
    ),
    "unknown resource": Broken(_yaml(_A + _META + "        resources: {database: 1}\n")),
    "negative jobs": Broken(_yaml(_A), ("repro", "-j", "-1")),
    "jobs in words": Broken(_yaml(_A), ("repro", "-j", "many")),
    "unknown option": Broken(_yaml(_A), ("repro", "--forse")),
    "broken amelio.yaml": Broken(_yaml(_A, amelio__yaml="core: {jobs: 0}\n")),
    "misspelt setting": Broken(_yaml(_A, amelio__yaml="core: {job: 2}\n")),
    "torn lock file": Broken(_yaml(_A, dvc__lock="schema: '2.0'\nstages:\n  a:\n    cm")),
    "empty lock file": Broken(_yaml(_A, dvc__lock="")),
    "conflict in the lock file": Broken(
        _yaml(_A, dvc__lock="<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.0'\n>>>>>>> b\n")
    ),
    "binary lock file": Broken({"dvc.yaml": _A, "dvc.lock": b"\x00\xff\xfe"}),
    "broken .dvc/config": Broken({"dvc.yaml": _A, ".dvc/config": "[core\n"}),
    "unknown key of .dvc/config": Broken({"dvc.yaml": _A, ".dvc/config": "[core]\n    jobs = 4\n"}),
    "parameter with a shell's characters": Broken(
        _yaml(_A.replace("cp in a", "cp in ${x}"), params__yaml="x: 'a; touch b'\n")
    ),
    "no stages": Broken({}),
    "why of an unknown stage": Broken(_yaml(_A), ("why", "b")),
    "logs of an unknown stage": Broken(_yaml(_A), ("logs", "b")),
    "control character in an output": Broken(
        _yaml('stages:\n  a:\n    cmd: "true"\n    outs: ["a\\nb"]\n')
    ),
}
