"""Which versions of DVC amelio works with."""

from pathlib import Path

import pytest

from amelio.dvcio.version import require_known_dvc
from amelio.errors import EnvironmentFailedError


def install(folder: Path, version: str) -> None:
    """What pip would leave of that DVC for `importlib.metadata`."""
    place = folder / f"dvc-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.4\nName: dvc\nVersion: {version}\n")


@pytest.mark.parametrize("version", ["2.58.2", "3.66.1", "4.0.0", "4.0.0rc1", "unknown"])
def test_a_dvc_of_an_untested_version_is_refused(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, version)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EnvironmentFailedError, match=f"DVC {version} is not(.|\n)*pip install"):
        require_known_dvc()


@pytest.mark.parametrize("version", ["3.67.0", "3.67.1", "3.99.2"])
def test_a_dvc_of_a_known_version(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, version)
    monkeypatch.syspath_prepend(tmp_path)
    require_known_dvc()
