"""Bar B17: names in tables lead nowhere else, and small files do not become large images."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from amelio.vision.data.annotation_files import FileFinder
from amelio.vision.data.image_folder import scan
from tests.vision.pictures import png_header, write_picture

PREFIXES: tuple[str, ...] = (
    "../",
    "s1/../../",
    "/",
    "//",
    "..\\",
    "C:/",
    "C:\\",
    "\\\\host\\",
    "./../",
    "s1//../../",
)
PREFIXES += (
    "~/../",
    "file:///",
    "s1/\x00/",
    "\x1b]8;;/",
    "..//",
    "s1/./../../",
    "\u2025/",
    "%2e%2e/",
)
VICTIMS = (
    "secret.png",
    "etc/passwd",
    "s1/secret.png",
    "raw/../secret.png",
    ".dvc/config",
    "s1_0.png",
)
ESCAPES = [prefix + victim for prefix, victim in product(PREFIXES, VICTIMS)]
MEMORY = """
import resource, sys
from pathlib import Path
from amelio.vision.data.schema import Preprocessing
from amelio.vision.data.images import UnreadableImageError, bombs_refused, decode
folder = Path(sys.argv[1])
settings = Preprocessing(image_size=64, trim_border=True)
decode((folder / "good.png").read_bytes(), settings)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with bombs_refused():
    for path in sorted(folder.glob("bomb*")):
        try:
            decode(path.read_bytes(), settings)
        except UnreadableImageError as error:
            print(path.name, error.reason)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> FileFinder:
    root = tmp_path_factory.mktemp("project")
    for name in ("raw/s1/s1_0.png", "secret.png", "raw/secret.txt"):
        write_picture((root / name).with_suffix(".png"))
    return FileFinder(scan(root / "raw"))


def test_there_are_a_hundred() -> None:
    assert len(set(ESCAPES)) >= 100


@pytest.mark.parametrize("name", ESCAPES, ids=ascii)
def test_no_name_leads_out(name: str, finder: FileFinder) -> None:
    complaints: list[str] = []
    assert finder.find(name, "", complaints.append) == ""
    assert len(complaints) == 1


@pytest.mark.parametrize("lot", PREFIXES, ids=ascii)
def test_no_lot_leads_out(lot: str, finder: FileFinder) -> None:
    complaints: list[str] = []
    assert finder.find("s1_0.png", lot, complaints.append) == ""
    assert len(complaints) == 1


def test_bombs_cost_no_memory(tmp_path: Path) -> None:
    write_picture(tmp_path / "good.png")
    sizes = [(20_000, 20_000), (13_000, 13_700), (8_000, 7_000), (60_000, 1_000), (2**31 - 1, 1)]
    for i, (width, height) in enumerate(sizes):
        (tmp_path / f"bomb{i}.png").write_bytes(png_header(width, height))
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    *reasons, grown_mb = done.stdout.splitlines()
    assert len(reasons) == len(sizes), reasons
    assert all("megapixels" in reason for reason in reasons)
    assert int(grown_mb) < 50
