"""Whether the programs that a stage runs are among its dependencies."""

from collections.abc import Iterator

from amelio.dvcio.facts.facts import PipelineFacts, StageFact, is_below
from amelio.dvcio.facts.sources import is_program_file
from amelio.insight.reproducibility import Check, Finding


def programs_declared(facts: PipelineFacts) -> Check:
    """Files of the repository that a command names, and modules that they import, are in `deps:`.

    Else an edit of them makes no stage run again.
    """
    findings: list[Finding] = []
    n_files = 0
    for stage in facts.commands:
        files = _used(facts, stage)
        n_files += len(files)
        findings += _missing(facts, stage, files)
    return Check(
        name="programs-declared",
        title="Programs are dependencies",
        weight=12,
        n_seen=n_files,
        evidence=f"{n_files} files that commands name or programs import",
        findings=tuple(findings),
    )


def _used(facts: PipelineFacts, stage: StageFact) -> dict[str, str]:
    """File → how the stage comes to use it."""
    made = [out.path for out in stage.outs]
    found = {
        path: "its command names it"
        for path in stage.named_files
        if not any(is_below(path, out) for out in made) and path not in stage.params
    }
    for program in stage.programs:
        for other in facts.imports.get(program, ()):
            if is_program_file(other):
                found.setdefault(other, f"{program} imports it")
    return found


def _missing(facts: PipelineFacts, stage: StageFact, files: dict[str, str]) -> Iterator[Finding]:
    for path, how in files.items():
        is_empty = path.endswith("__init__.py") and not facts.sources.get(path, "").strip()
        if not is_empty and not facts.covers(stage, path):
            yield Finding(
                f"{stage.name} does not depend on {path}: {how}",
                f"add {path} to `deps:` of {stage.name} ({stage.place})",
            )
