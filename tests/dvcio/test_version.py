"""Which versions of DVC amelio works with."""

from pathlib import Path

import pytest

from amelio.dvcio.version import _warn_of, require_known_dvc
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


@pytest.mark.parametrize(
    ("version", "is_tested"), [("3.67.0", True), ("3.67.1", True), ("3.99.2", False)]
)
def test_a_dvc_that_should_do(
    version: str,
    is_tested: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install(tmp_path, version)
    monkeypatch.syspath_prepend(tmp_path)
    _warn_of.cache_clear()
    for _ in range(2):
        require_known_dvc()
    told = (
        []
        if is_tested
        else [
            f"DVC {version} is newer than those that this amelio was tested with; "
            "if something fails: pip install 'dvc~=3.67.0'"
        ]
    )
    assert caplog.messages == told
