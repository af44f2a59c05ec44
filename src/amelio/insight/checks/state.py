"""Whether Git and dvc.lock say what the repository really is."""

from amelio.dvcio.facts.facts import PipelineFacts, StageFact
from amelio.insight.reproducibility import Check, Finding
from amelio.insight.wording import counted, reason
from amelio.model import ReasonKind

SAVED = "metrics/pipeline.json"  # of `amelio perf --save`: it changes with every look


def no_always_changed(facts: PipelineFacts) -> Check:
    """No stage runs again although nothing has changed."""
    findings = []
    for stage in facts.commands:
        if stage.is_callback:
            text = f"{stage.name} has neither dependencies nor outputs, so it always runs"
            fix = f"give {stage.name} `deps:` and `outs:` ({stage.place})"
        elif stage.is_always_changed:
            text = f"{stage.name} is marked always_changed"
            fix = f"give {stage.name} what it really depends on in `deps:` ({stage.place})"
        else:
            continue
        findings.append(Finding(text, fix))
    return Check(
        name="no-always-changed",
        title="No stage always runs",
        weight=5,
        n_seen=len(facts.commands),
        evidence=counted(len(facts.commands), "stage"),
        findings=tuple(findings),
    )


def git_clean(facts: PipelineFacts) -> Check:
    """Everything that defines the pipeline is committed, as it is in the workspace."""
    title, weight = "Git has it all", 8
    if facts.git is None:
        problem = Finding("this is no Git repository", "git init && git add . && git commit")
        return Check("git-clean", title, weight, 1, "no Git repository", (problem,))
    findings = []
    if facts.git.commit is None:
        findings.append(Finding("nothing is committed yet", "git add . && git commit"))
    defining = {stage.place for stage in facts.stages} | {*facts.lock_files}
    untracked = sorted(defining - facts.git.tracked)
    findings += [Finding(f"{path} is not in Git", f"git add {path}") for path in untracked]
    changed = [path for path in facts.git.changed if path != SAVED]
    findings += [
        Finding(f"{path} has changes that are not committed", f"git add {path} && git commit")
        for path in changed
    ]
    n_tracked = len(facts.git.tracked)
    return Check(
        name="git-clean",
        title=title,
        weight=weight,
        n_seen=n_tracked + len(untracked),
        evidence=f"{len(changed)} of {n_tracked} files have uncommitted changes",
        findings=tuple(findings),
    )


def lock_true(facts: PipelineFacts) -> Check:
    """dvc.lock tells how what is in the workspace was made."""
    findings = [finding for stage in facts.stages for finding in _untrue(stage)]
    n_true = len(facts.stages) - len(findings)
    return Check(
        name="lock-true",
        title="dvc.lock is true",
        weight=12,
        n_seen=len(facts.stages),
        evidence=f"{n_true} of {len(facts.stages)} stages and tracked inputs are as recorded",
        findings=tuple(findings),
    )


def _untrue(stage: StageFact) -> list[Finding]:
    if stage.is_frozen:
        text = f"{stage.name} is frozen: nobody looks whether its inputs are as recorded"
        return [Finding(text, f"amelio unfreeze {stage.name}")]
    if stage.is_command and not stage.has_lock:
        return [Finding(f"{stage.name} never ran", f"amelio repro {stage.name}")]
    counted = [r for r in stage.reasons or () if r.kind is not ReasonKind.ALWAYS]
    if not counted:
        return []
    command = f"amelio repro {stage.name}" if stage.is_command else f"amelio commit {stage.name}"
    return [Finding(f"{stage.name}: {'; '.join(map(reason, counted))}", command)]
