"""`amelio exp show` of many experiments, with `dvc exp show` beside it.

Run: python benchmarks/experiments_show.py [--experiments 1000]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Both programs, twice each: nothing in DVC's cache of experiments yet, then all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiments", type=int, default=1000)
    count = parser.parse_args().experiments
    sys.path.insert(0, str(ROOT))
    from tests.experiments.many import add_experiments, make_base

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_base(root)
        add_experiments(root, count)
        for module in ("amelio", "dvc"):
            shutil.rmtree(root / ".dvc/tmp/exps", ignore_errors=True)
            for what in ("not cached", "cached"):
                seconds = measured(module, root)
                print(f"{module} exp show, {count} experiments, {what}: {seconds:.2f} s")


def measured(module: str, root: Path) -> float:
    """Wall seconds of the whole command."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DVC_NO_ANALYTICS": "1"}
    argv = [sys.executable, "-m", module, "exp", "show", "--no-pager"]
    started = time.perf_counter()
    subprocess.run(argv, cwd=root, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
