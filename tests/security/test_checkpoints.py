"""Bar B16: files that pose as models run nothing, and are refused with one clear error."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from amelio.errors import InputError
from amelio.vision.checkpoint import Model, load_model, new_net, save_model
from amelio.vision.data.dataset import load_dataset
from amelio.vision.data.schema import Attribute, Preprocessing
from amelio.vision.training.training_state import load_state
from tests.security.evil_checkpoints import impostors, payloads, runners

ATTRIBUTES = (Attribute("hair", ("blond", "brown")), Attribute("glasses", (0, 1)))
MEMORY = """
import resource, sys
from pathlib import Path
from amelio.errors import InputError
from amelio.vision.checkpoint import load_model
load_model(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[2:]:
    try:
        load_model(Path(path))
    except InputError:
        print("refused", path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "good.pth"
    preprocessing = Preprocessing(image_size=16, trim_border=True)
    save_model(Model(new_net(ATTRIBUTES, preprocessing), ATTRIBUTES, preprocessing), path)
    return path


def test_no_file_runs_anything(good: Path, tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "evil.pth"
    files = runners(good, canary)
    assert len(files) >= 30
    for name, content in files.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"evil\.pth: not a model of amelio"):
            load_model(path)
        with pytest.raises(InputError, match=r"evil\.pth: not a prepared dataset"):
            load_dataset(path)
        assert load_state(path, "fingerprint") is None
        assert not canary.exists(), name


@pytest.mark.parametrize("name", payloads(Path()))
def test_every_payload_would_run(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(payloads(canary)[name]))  # noqa: S301 - the canary must sing
    assert canary.exists()


def test_impostors_are_refused_at_little_cost(good: Path, tmp_path: Path) -> None:
    paths = []
    for i, content in enumerate(impostors(good).values()):
        paths.append(tmp_path / f"{i}.pth")
        paths[-1].write_bytes(content)
    command = [sys.executable, "-c", MEMORY, str(good), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    *refused, grown_mb = done.stdout.splitlines()
    assert [line.split()[-1] for line in refused] == list(map(str, paths))
    assert int(grown_mb) < 150
