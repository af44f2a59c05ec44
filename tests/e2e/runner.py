"""As much of GitHub's runner as the workflow needs: files, expressions, steps in order."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_CONDITIONS = {
    "": "success",
    "!cancelled()": "always",
    "github.event_name == 'push'": "success push",
    "!cancelled() && github.event_name == 'pull_request'": "always pull_request",
}


@dataclass
class Runner:
    """One run of the job `pipeline`.

    workspace: a fresh clone; store: what stays between runs (caches, artifacts)
    values: of `github.…`, `secrets.…`, `vars.…`; event: `push` or `pull_request`
    """

    workspace: Path
    store: Path
    event: str
    values: Mapping[str, str]
    variables: Mapping[str, str]
    ran: list[str] = field(default_factory=list)
    output: str = ""
    has_failed: bool = False

    @property
    def summary(self) -> str:
        """What the job's page shows."""
        return (self.store / "summary.md").read_text()

    def run(self, job: Mapping[str, Any]) -> None:
        """Every step whose condition holds."""
        self.store.mkdir(parents=True, exist_ok=True)
        for name in ("summary.md", "output", "env"):
            (self.store / name).write_text("")
        for step in job["steps"]:
            if not self._is_due(step.get("if", "")):
                continue
            if "run" in step:
                self._execute(step, job.get("env", {}))
            else:
                self._use(step["uses"].partition("@")[0], step.get("with", {}))

    def _is_due(self, condition: str) -> bool:
        rule = _CONDITIONS[_EXPRESSION.sub(r"\1", condition)].split()
        is_event = len(rule) == 1 or rule[1] == self.event
        return is_event and (rule[0] == "always" or not self.has_failed)

    def _execute(self, step: Mapping[str, Any], of_job: Mapping[str, str]) -> None:
        script = self.store / "script.sh"
        script.write_text(step["run"])
        env = {**os.environ, **self.variables, **of_job}
        env |= {name: self._filled(str(value)) for name, value in step.get("env", {}).items()}
        env |= {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_STEP_SUMMARY": str(self.store / "summary.md"),
            "GITHUB_OUTPUT": str(self.store / "output"),
            "GITHUB_ENV": str(self.store / "env"),
            "RUNNER_TEMP": str(self.store),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],  # as GitHub's
            cwd=self.workspace,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self.ran.append(step["name"])
        self.output += f"## {step['name']}: {done.returncode}\n{done.stdout}"
        self.has_failed |= done.returncode != 0

    def _use(self, action: str, inputs: Mapping[str, Any]) -> None:
        paths = [path for path in str(inputs.get("path", "")).split("\n") if path]
        if action in ("actions/cache/restore", "actions/cache/save"):
            for path in paths:
                sides = [self.workspace / path, self.store.parents[1] / "caches" / path]
                source, target = sides if action.endswith("save") else reversed(sides)
                if source.exists():
                    shutil.copytree(source, target, dirs_exist_ok=True)
        elif action == "actions/upload-artifact":
            for path in paths:
                source = self.workspace / path
                target = self.store / "artifacts" / inputs["name"] / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, target)
                elif source.exists():
                    shutil.copy(source, target)
        else:
            assert action in ("actions/checkout", "actions/setup-python")

    def _filled(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name, _, other = found[1].partition(" || ")
            return self.values.get(name, "") or other.strip("'")

        return _EXPRESSION.sub(value, text)


def steps_of(workflow: Path, job: str) -> Any:
    """A job of a workflow file."""
    return yaml.safe_load(workflow.read_text())["jobs"][job]
