"""A small repository with stages, and ways to run it."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.cli import main as dvc_main
from ruamel.yaml import YAML

from amelio.actions.repro import ReproOptions, ReproResult, explain, repro
from amelio.dvcio.workspace import open_workspace
from amelio.engine.forecast import Forecast
from amelio.model import Policy, Selection
from tests.dvcio.dvc_itself import dvc_itself


@dataclass(frozen=True)
class Project:
    """Real Git, real DVC, in a temporary folder that is the working directory."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        """A file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> str:
        """A file's text."""
        return (self.root / name).read_text()

    def stages(self, **stages: Any) -> None:
        """Write `dvc.yaml`."""
        with (self.root / "dvc.yaml").open("w") as file:
            YAML().dump({"stages": stages}, file)

    def repro(self, *targets: str, jobs: int = 1, **policy: Any) -> ReproResult:
        """Run in this process."""
        options = ReproOptions(Selection(targets), Policy(**policy), jobs=jobs)
        return repro(open_workspace(is_quiet=True), options)

    def forecast(self, *targets: str, **policy: Any) -> dict[str, Forecast]:
        """What would run."""
        options = ReproOptions(Selection(targets), Policy(**policy))
        found = explain(open_workspace(is_quiet=True, is_dry=True), options).stages
        return {f.stage.name: f for f in found}

    def outcomes(self, *targets: str, **options: Any) -> dict[str, str]:
        """Run, and say what became of each stage."""
        result = self.repro(*targets, **options)
        return {stage.name: stage.outcome.value for stage in result.run.stages}

    def dvc(self, *words: str) -> str:
        """Real DVC's output; in this process, as starting one takes a second."""
        told = io.StringIO()
        with dvc_itself(), contextlib.chdir(self.root), contextlib.redirect_stdout(told):
            code = dvc_main(list(words))
        assert code == 0, told.getvalue()
        return told.getvalue()

    def is_clean(self) -> bool:
        """Whether `dvc status` has nothing to say."""
        return self.dvc("status").strip() == "Data and pipelines are up to date."
