"""A repository with as many experiments as one likes, made within a second by `git fast-import`."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [data, src/prepare.py]
    params: [data.seed]
    outs: [prepared.txt]
  train:
    cmd: python src/train.py
    deps: [prepared.txt, src/train.py]
    params: [train]
    outs: [model.txt]
    metrics:
    - metrics/train.json: {cache: false}
  evaluate:
    cmd: python src/evaluate.py
    deps: [model.txt, src/evaluate.py]
    metrics:
    - metrics/eval_metrics.json: {cache: false}
"""
DATA = """\
outs:
- md5: 9652f648a7895476e9e272be72c1b0a0.dir
  size: 18
  nfiles: 3
  hash: md5
  path: data
"""
START = 1_700_000_000  # seconds; the base commit's time, each experiment is a minute later


def git(root: Path, *words: str, text: str | None = None) -> str:
    """Run git; its output."""
    done = subprocess.run(
        ["git", *words], cwd=root, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_base(root: Path) -> str:
    """A DVC repository in `root` with one commit; returns the commit."""
    from dvc.repo import Repo

    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    Repo.init(str(root)).close()
    for name, text in files(0).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Base", "--date", f"{START} +0000")
    return git(root, "rev-parse", "HEAD")


def add_experiments(root: Path, count: int, *, prefix: str = "exp") -> None:
    """Add `count` experiments of HEAD, named `exp-0001` and so on; the later the better."""
    base = git(root, "rev-parse", "HEAD")
    stream = "".join(_commit(base, f"{prefix}-{n:04}", n) for n in range(1, count + 1))
    git(root, "fast-import", "--quiet", "--force", text=stream)


def files(n: int) -> dict[str, str]:
    """The files of experiment `n`; 0 is the base."""
    rate, batch = 0.001 * (n + 1), 32 * 2 ** (n % 4)
    accuracy = round(0.5 + n / 2500, 6)
    return {
        "dvc.yaml": PIPELINE,
        "data.dvc": DATA,
        ".gitignore": "/data\n/prepared.txt\n/model.txt\n",
        "params.yaml": _params(rate, batch),
        "dvc.lock": _lock(n, rate, batch),
        "metrics/train.json": f'{{"loss": {1 / (n + 1)}, "epochs": 10}}\n',
        "metrics/eval_metrics.json": (
            f'{{"overall": {{"average_accuracy": {accuracy}, "f1": {n / 1e4}}}, '
            f'"per_attribute": {{"beard": {n / 1e4}, "eyes": 0.5}}}}\n'
        ),
        **{f"src/{name}.py": f"# {name}\n" for name in ("prepare", "train", "evaluate")},
    }


def _params(rate: float, batch: int) -> str:
    return (
        "data:\n  seed: 42\n  split: 0.2\n"
        f"train:\n  learning_rate: {rate}\n  batch_size: {batch}\n"
        "  epochs: 10\n  optimizer: AdamW\n"
    )


def _lock(n: int, rate: float, batch: int) -> str:
    return f"""\
schema: '2.0'
stages:
  prepare:
    cmd: python src/prepare.py
    deps:
    - path: data
      hash: md5
      md5: 9652f648a7895476e9e272be72c1b0a0.dir
      size: 18
      nfiles: 3
    - path: src/prepare.py
      hash: md5
      md5: 6b2853ef6aca4a1c96cb4030f5565e2d
      size: 132
    params:
      params.yaml:
        data.seed: 42
    outs:
    - path: prepared.txt
      hash: md5
      md5: 581050b5567cc67772c8ff5ed647d78f
      size: 18
  train:
    cmd: python src/train.py
    deps:
    - path: prepared.txt
      hash: md5
      md5: 581050b5567cc67772c8ff5ed647d78f
      size: 18
    - path: src/train.py
      hash: md5
      md5: c8ee14c67563bdbb2dca8119573a5746
      size: 211
    params:
      params.yaml:
        train:
          learning_rate: {rate}
          batch_size: {batch}
          epochs: 10
          optimizer: AdamW
    outs:
    - path: metrics/train.json
      hash: md5
      md5: {_md5(n)}
      size: 31
    - path: model.txt
      hash: md5
      md5: {_md5(n + 7)}
      size: 78
  evaluate:
    cmd: python src/evaluate.py
    deps:
    - path: model.txt
      hash: md5
      md5: {_md5(n + 7)}
      size: 78
    - path: src/evaluate.py
      hash: md5
      md5: 43ecb5af99aa53e2ebca3a52a0f88294
      size: 244
    outs:
    - path: metrics/eval_metrics.json
      hash: md5
      md5: {_md5(n + 9)}
      size: 85
"""


def _md5(n: int) -> str:
    return "a" + hashlib.sha256(f"{n}".encode()).hexdigest()[:31]  # never all digits


def _commit(base: str, name: str, n: int) -> str:
    lines = [
        f"commit refs/exps/{base[:2]}/{base[2:]}/{name}",
        f"committer Ada <ada@example.org> {START + 60 * n} +0000",
        "data <<END",
        f"dvc: commit experiment {n}",
        "END",
        f"from {base}",
        *_changes(n),
    ]
    return "\n".join(lines) + "\n"


def _changes(n: int) -> Iterator[str]:
    for path, text in files(n).items():
        if text != files(0)[path]:
            yield f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}"
