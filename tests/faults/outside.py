"""What a repository must not do to its user: parts of bars B15, B17, B19 and B20."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.faults.project import Project, Subject, finish

BOMB_LIMIT_S = 10.0
BOMB = "".join(f"v{n}: &v{n} [{', '.join([f'*v{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9))
PAYLOADS = [
    line
    for line in (Path(__file__).parents[1] / "actions/injections.txt")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]


def victim(folder: Path, subject: Subject, number: int) -> list[str]:
    """B17: an output outside of the repository: nothing there is deleted or overwritten."""
    is_folder, is_failing = bool(number % 2), bool(number // 2 % 2)
    project = Project(folder, subject)
    path = folder / ("mine/sub/file" if is_folder else "mine.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("keep")
    out = "../mine" if is_folder else "../mine.txt"
    stage = {"cmd": "false" if is_failing else "true", "outs": [{out: {"cache": False}}]}
    _write_stages(project, {"a": stage})
    finish(project.start())
    is_whole = path.exists() and path.read_text() == "keep"
    return [] if is_whole else [f"{out}, outside of the repository, was deleted"]


def alias_bomb(folder: Path, subject: Subject, number: int) -> list[str]:
    """B15: 500 bytes of YAML that stand for 43 million values."""
    project = Project(folder, subject)
    (project.root / "params.yaml").write_text(BOMB)
    _write_stages(project, {"a": {"cmd": "true", "params": [f"v{8 - number % 1}"]}})
    process = project.start()
    try:
        process.communicate(timeout=BOMB_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return [f"not ended after {BOMB_LIMIT_S:g} s"]
    return []


TEMPLATES: dict[str, tuple[str | list[str], str]] = {
    "plain": ("echo ${s.name} > out", "name"),
    "quoted": ("echo '${s.name}' > out", "name"),
    "nested": ("echo a-${s.a.b} > out", "a.b"),
    "key": ("echo ${s.a} > out", "a.KEY"),
    "list": (["true", "echo ${s.name} > out"], "name"),
}


def injection(folder: Path, subject: Subject, number: int) -> list[str]:
    """B19: values of parameters that a shell would take for commands, in five kinds of commands."""
    command, place = list(TEMPLATES.values())[number % len(TEMPLATES)]
    project = Project(folder, subject)
    stages, values = {}, {}
    for n, payload in enumerate(PAYLOADS):
        name = f"s{n}"
        stages[name] = {"cmd": _own(command, name), "outs": [f"out{n}"]}
        values[name] = _value(place, payload)
    (project.root / "params.yaml").write_text(yaml.safe_dump(values))
    _write_stages(project, stages)
    finish(project.start("--keep-going"))
    found = list(project.root.rglob("PWNED*"))
    return ["a payload was run: it made PWNED"] if found else []


CANARY = b"canary-7f3a91"
SECRETS = (
    ("s3://bucket/data", "secret_access_key"),
    ("azure://container/data", "account_key"),
    ("ssh://host.example/data", "password"),
    ("webdavs://host.example/data", "token"),
)


def committed_secret(folder: Path, subject: Subject, number: int) -> list[str]:
    """B20: a credential given to `remote modify` does not land in the file that is committed."""
    url, key = SECRETS[number % len(SECRETS)]
    project = Project(folder, subject)
    for words in (["add", "store", url], ["modify", "store", key, CANARY.decode()]):
        done = finish(project.start_other("remote", *words))
        assert done.returncode == 0, done.stderr
    committed, private = (
        project.read(f".dvc/{name}") or b"" for name in ("config", "config.local")
    )
    if CANARY in committed:
        return [f".dvc/config, which is committed, has the {key}"]
    return [] if CANARY in private else [f"the {key} is in neither file"]


def _own(command: str | list[str], name: str) -> str | list[str]:
    if isinstance(command, list):
        return [str(_own(line, name)) for line in command]
    return command.replace("${s.", f"${{{name}.").replace("> out", f"> out{name[1:]}")


def _value(place: str, payload: str) -> dict[str, Any]:
    if place == "a.KEY":
        return {"a": {payload: 1}}
    return {"a": {"b": payload}} if place == "a.b" else {"name": payload}


def _write_stages(project: Project, stages: dict[str, Any]) -> None:
    (project.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
