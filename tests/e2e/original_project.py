"""The pipeline that the original guide starts from, with its names and files, in plain Python.

Its programs take milliseconds: what is tried is the commands, not the learning.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PARAMS = """\
data:
  seed: 42
hyperopt:
  max_evals: 10
train:
  batch_size: 128
  learning_rate: 0.001
  label_smoothing: 0.1
  threads: 1
evaluate:
  test_size: 0.2
inference:
  batch_size: 64
  output_path: outputs/predictions.csv
"""
LOADED = "import json, pathlib, yaml\nparams = yaml.safe_load(open('params.yaml'))\n"
PROGRAMS = {
    "src/data/prepare_train.py": LOADED
    + "rows = sorted(p.read_text() for p in pathlib.Path('data/raw/s1').iterdir())\n"
    "pathlib.Path('data/processed').mkdir(exist_ok=True)\n"
    "text = str(params['data']['seed']) + ''.join(rows)\n"
    "pathlib.Path('data/processed/train_data_s1.pt').write_text(text)\n",
    "src/training/hyperopt.py": LOADED
    + "found = {'momentum': params['hyperopt']['max_evals'] / 100}\n"
    "pathlib.Path('src/training/hyperopt_params.json').write_text(json.dumps(found))\n",
    "src/training/train.py": LOADED + "used = {k: v for k, v in params['train'].items()}\n"
    "pathlib.Path('models').mkdir(exist_ok=True)\n"
    "data = pathlib.Path('data/processed/train_data_s1.pt').read_text()\n"
    "pathlib.Path('models/best_model.pth').write_text(json.dumps(used) + data)\n"
    "print('trained')\n"
    "pathlib.Path('metrics/train_metrics.json').write_text(json.dumps({'params': used}))\n",
    "src/training/evaluate.py": LOADED
    + "size = len(pathlib.Path('models/best_model.pth').read_text())\n"
    "found = {'overall': {'average_accuracy': 1 - 1 / size}}\n"
    "pathlib.Path('metrics/eval_metrics.json').write_text(json.dumps(found))\n",
    "src/inference/predict_lot.py": LOADED + "import sys\n"
    "lot = pathlib.Path('data/raw', sys.argv[1])\n"
    "model = pathlib.Path('models/best_model.pth').read_text()\n"
    "rows = [f'{p.name},{len(model) + len(p.read_text())}' for p in sorted(lot.iterdir())]\n"
    "out = pathlib.Path('outputs/lots', sys.argv[1] + '.csv')\n"
    "out.write_text('\\n'.join(rows))\n",
    "src/inference/inference_batches.py": LOADED
    + "lots = sorted(pathlib.Path('outputs/lots').glob('*.csv'))\n"
    "text = '\\n'.join(lot.read_text() for lot in lots)\n"
    "pathlib.Path(params['inference']['output_path']).write_text(text)\n",
}
GIT_KEEPS = ("reports/.gitkeep", "metrics/.gitkeep", "outputs/lots/.gitkeep")
TRAIN_DATA, MODEL = "data/processed/train_data_s1.pt", "models/best_model.pth"
FOUND = "src/training/hyperopt_params.json"


def _stage(program: str, deps: list[str], **more: Any) -> dict[str, Any]:
    return {"cmd": f"python {program}", "deps": [*deps, program.split()[0]], **more}


def _metrics(path: str) -> list[dict[str, Any]]:
    return [{path: {"cache": False}}]


STAGES = {
    "prepare_train": _stage(
        "src/data/prepare_train.py", ["data/raw/s1"], params=["data"], outs=[TRAIN_DATA]
    ),
    "hyperopt": _stage("src/training/hyperopt.py", [TRAIN_DATA], params=["hyperopt"], outs=[FOUND]),
    "train": _stage(
        "src/training/train.py",
        [TRAIN_DATA, FOUND],
        params=["train"],
        outs=[MODEL],
        metrics=_metrics("metrics/train_metrics.json"),
    ),
    "evaluate": _stage(
        "src/training/evaluate.py",
        [MODEL],
        params=["evaluate"],
        metrics=_metrics("metrics/eval_metrics.json"),
    ),
    "predict_lot": {
        "foreach": ["s2"],
        "do": {
            "cmd": "python src/inference/predict_lot.py ${item}",
            "deps": ["data/raw/${item}", MODEL, "src/inference/predict_lot.py"],
            "outs": ["outputs/lots/${item}.csv"],
        },
    },
    "inference_batches": _stage(
        "src/inference/inference_batches.py",
        ["outputs/lots/s2.csv"],
        params=["inference"],
        outs=["outputs/predictions.csv"],
    ),
}


def make_project(folder: Path) -> Path:
    """The project, which has run and is committed."""
    files = {"params.yaml": PARAMS, **PROGRAMS, **dict.fromkeys(GIT_KEEPS, "")}
    files |= {f"data/raw/{lot}/{n}.txt": f"{lot} {n}\n" for lot in ("s1", "s2") for n in range(4)}
    files["dvc.yaml"] = json.dumps({"stages": STAGES}, indent=2)  # JSON is YAML
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    script = """
        git init -q -b main; git config user.name Ada; git config user.email ada@example.org
        dvc init -q; dvc add -q data/raw; git add .; git commit -qm 'Add data and pipeline'
        amelio repro -q; git add .; git commit -qm 'Run the pipeline'
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", script], cwd=folder, env=environment, check=True)
    return folder
