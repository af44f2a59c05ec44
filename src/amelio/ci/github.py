"""The workflow for GitHub: run what must run, judge it, report it."""

import json
from collections.abc import Iterable, Mapping, Sequence

from amelio.ci import actions
from amelio.ci.credentials import Access, access_to
from amelio.ci.facts import Pipeline

WORKFLOW = ".github/workflows/dvc-pipeline.yml"
DEPENDABOT = ".github/dependabot.yml"
BRANCHES = ("main", "development")
CML = "@dvcorg/cml@0.20.6"
_OWN = "github.event.pull_request.head.repo.full_name == github.repository"
_ALWAYS = "${{ !cancelled() }}"
_NOTHING = Access({})


def github_files(pipeline: Pipeline) -> dict[str, str]:
    """The workflow, and the file that keeps its pinned actions up to date; by path."""
    return {WORKFLOW: _workflow(pipeline), DEPENDABOT: _DEPENDABOT}


def _workflow(pipeline: Pipeline) -> str:
    comment = _CML_COMMENT if pipeline.with_cml else _GH_COMMENT
    return "".join(
        [
            _head(),
            _pipeline_job(pipeline),
            *_steps(pipeline),
            _COMMENT_JOB.format(own=_OWN, download=actions.DOWNLOAD),
            comment.replace("@CML@", CML),
        ]
    )


def _head() -> str:
    return f"""\
# Written by `amelio ci github`. It is yours: edit it, or write it again with --force.
name: DVC Pipeline

on:
  push:
    branches: [{", ".join(BRANCHES)}]
  pull_request:
    branches: [{BRANCHES[0]}]

permissions:
  contents: read

concurrency:
  group: dvc-pipeline-${{{{ github.ref }}}}
  cancel-in-progress: ${{{{ github.event_name == 'pull_request' }}}}

defaults:
  run:
    shell: bash

jobs:
"""


def _pipeline_job(pipeline: Pipeline) -> str:
    # a fork's code must not run on a machine of yours
    guard = f"    if: github.event_name == 'push' || {_OWN}\n" if pipeline.needs_gpu else ""
    runner = "[self-hosted, gpu]" if pipeline.needs_gpu else "ubuntu-latest"
    place = ""
    if pipeline.folder != ".":
        place = f"""\
    defaults:
      run:
        working-directory: {json.dumps(pipeline.folder)}
"""
    return f"""\
  pipeline:
    name: Run the pipeline
{guard}    runs-on: {runner}
    timeout-minutes: 350
    permissions:
      contents: read
{place}    env:
      DVC_NO_ANALYTICS: "1"
    steps:
"""


def _steps(pipeline: Pipeline) -> Iterable[str]:
    access = _NOTHING
    if pipeline.remote:
        access = access_to(pipeline.remote, pipeline.remote_name)
    root = "" if pipeline.folder == "." else f"{pipeline.folder}/"
    runs = [f"{root}.dvc/cache/runs", f"{root}.dvc/tmp/amelio/quality"]
    key = "dvc-runs-${{ github.ref_name }}-"
    yield _use("Check out", actions.CHECKOUT, _CHECKOUT_INPUTS)
    yield _use("Set up Python", actions.SETUP_PYTHON, {"python-version": pipeline.python})
    yield _run("Install", pipeline.install)
    if access.prepare:
        yield _run("Prepare the remote", access.prepare, access.prepare_variables)
    restored = {"path": runs, "key": f"{key}${{{{ github.run_id }}}}", "restore-keys": [key,
                f"dvc-runs-{BRANCHES[0]}-"]}  # fmt: skip
    yield _use("Restore the run cache", actions.CACHE_RESTORE, restored)
    yield _run("Run what must run", _REPRO, access.variables)
    if pipeline.has_rules:
        yield _run("Judge the metrics", _CHECK, access.variables, when=_ALWAYS)
    yield _run("Report", _REPORT, access.variables, when=_ALWAYS)
    reports = {
        "name": "reports",
        "path": [f"{root}reports/", f"{root}metrics/"],
        "if-no-files-found": "ignore",
    }
    yield _use("Keep the reports", actions.UPLOAD, reports, when=_ALWAYS)
    comment = {"name": "comment", "path": f"{root}comment.md", "retention-days": 1}
    yield _use(
        "Hand the comment over", actions.UPLOAD, comment,
        when="${{ !cancelled() && github.event_name == 'pull_request' }}",
    )  # fmt: skip
    if pipeline.remote:
        yield _run(
            "Push the results", _PUSH, access.variables, when="${{ github.event_name == 'push' }}"
        )
    saved = {"path": runs, "key": f"{key}${{{{ github.run_id }}}}"}
    yield _use("Save the run cache", actions.CACHE_SAVE, saved)


_CHECKOUT_INPUTS = {"fetch-depth": 0, "persist-credentials": False}
_REPRO = (
    "# data is fetched only for stages that run; what did not change is not made again",
    "amelio repro --pull --allow-missing",
)
_CHECK = ("""amelio check --md | tee -a "$GITHUB_STEP_SUMMARY\"""",)
_REPORT = (
    "amelio report || echo '::warning::the report is not complete'",
    "amelio report --pr --out comment.md || echo '::warning::the comment is not complete'",
    """if [ -f comment.md ]; then cat comment.md >> "$GITHUB_STEP_SUMMARY"; fi""",
)
_PUSH = ("amelio push --run-cache",)


def _use(name: str, action: str, inputs: Mapping[str, object], when: str = "") -> str:
    lines = [f"      - name: {name}", *_condition(when), f"        uses: {action}", "        with:"]
    for key, value in inputs.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            lines += [f"          {key}: |", *(f"            {each}" for each in value)]
        else:
            lines.append(f"          {key}: {_scalar(value)}")
    return "\n".join(lines) + "\n\n"


def _run(
    name: str, script: Sequence[str], variables: Mapping[str, str] | None = None, when: str = ""
) -> str:
    lines = [f"      - name: {name}", *_condition(when)]
    if variables:
        lines += ["        env:", *(f"          {n}: {_scalar(v)}" for n, v in variables.items())]
    lines += ["        run: |", *(f"          {line}".rstrip() for line in script)]
    return "\n".join(lines) + "\n\n"


def _condition(when: str) -> list[str]:
    return [f"        if: {when}"] if when else []


def _scalar(value: object) -> str:
    """YAML of a value; texts that are more than plain words stand in quotes."""
    if isinstance(value, str):
        is_plain = value.startswith("${{") or value.replace("-", "").replace("_", "").isalpha()
        return value if is_plain else json.dumps(value)
    return json.dumps(value)


_COMMENT_JOB = """\
  # of its own, as it may write: it gets a text, and runs nothing of the pull request
  comment:
    name: Comment on the pull request
    needs: pipeline
    if: ${{{{ !cancelled() && github.event_name == 'pull_request' && {own} }}}}
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      pull-requests: write
    steps:
      - name: Take the comment
        uses: {download}
        with:
          name: comment

"""
_GH_COMMENT = """\
      - name: Write the comment, or edit the one that is there
        env:
          GH_TOKEN: ${{ github.token }}
          REPOSITORY: ${{ github.repository }}
          NUMBER: ${{ github.event.pull_request.number }}
        run: |
          { echo '<!-- amelio -->'; head -c 64000 comment.md; } > body.md
          mine='.[] | select(.user.login == "github-actions[bot]")
            | select(.body | startswith("<!-- amelio -->")) | .id'
          found=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" --jq "$mine")
          if [ -n "$found" ]; then
            gh api --method PATCH "repos/$REPOSITORY/issues/comments/${found%%$'\\n'*}" \\
              --field body=@body.md --silent
          else
            gh api --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" \\
              --field body=@body.md --silent
          fi
"""
_CML_COMMENT = """\
      - name: Write the comment, or edit the one that is there
        env:
          REPO_TOKEN: ${{ github.token }}
        run: |
          # npm gives this version, which no hash pins; what it is, amelio's authors could not see
          npx --yes @CML@ comment update comment.md
"""
_DEPENDABOT = """\
# Keeps the pinned actions of the workflows up to date.
version: 2
updates:
  - package-ecosystem: github-actions
    directory: /
    schedule:
      interval: weekly
    cooldown:
      default-days: 7
"""
