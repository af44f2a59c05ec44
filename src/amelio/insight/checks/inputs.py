"""Whether everything that the pipeline starts from is kept, here and elsewhere."""

from amelio.dvcio.facts.facts import Keeper, PathFact, PipelineFacts
from amelio.dvcio.facts.sources import is_program_file
from amelio.insight.reproducibility import Check, Finding
from amelio.insight.wording import counted


def inputs_tracked(facts: PipelineFacts) -> Check:
    """Every dependency that no stage makes has its versions in DVC, in Git or at its source."""
    inputs: dict[str, PathFact] = {}
    for stage in facts.commands:
        for dep in stage.deps:
            if dep.keeper is not Keeper.STAGE:
                inputs.setdefault(dep.path, dep)
    lost = [dep for dep in inputs.values() if dep.keeper is Keeper.NOBODY]
    counts = {
        keeper: sum(dep.keeper is keeper for dep in inputs.values())
        for keeper in (Keeper.DVC, Keeper.GIT, Keeper.SOURCE)
    }
    kept = ", ".join(f"{count} by {keeper}" for keeper, count in counts.items() if count)
    return Check(
        name="inputs-tracked",
        title="Inputs are versioned",
        weight=15,
        n_seen=len(inputs),
        evidence=counted(len(inputs), "input") + (f": kept {kept}" if kept else ""),
        findings=tuple(map(_untracked, lost)),
    )


def _untracked(dep: PathFact) -> Finding:
    if not dep.is_inside:
        return Finding(
            f"{dep.path} lies outside of the repository, and nobody keeps its versions",
            f"amelio import-url {dep.path} data/",
        )
    command = "git add" if is_program_file(dep.path) else "amelio add"
    return Finding(f"{dep.path} is in neither DVC nor Git", f"{command} {dep.path}")


def inputs_pushed(facts: PipelineFacts) -> Check:
    """The data that DVC keeps for the pipeline to start from is in a remote as well."""
    pushed = facts.pushed
    n_sources = sum(not stage.is_command for stage in facts.stages)
    findings: tuple[Finding, ...] = ()
    evidence = (
        f"{counted(pushed.n_objects, 'file')} of {counted(n_sources, 'input')} in {pushed.name}"
    )
    if n_sources == 0:
        evidence = "DVC keeps no inputs"
    elif pushed.name is None:
        evidence = "no remote is set up"
        findings = (
            Finding(
                "no remote is set up: the data exists on this disk only",
                "amelio remote add -d NAME URL && amelio push",
            ),
        )
    elif pushed.missing:
        evidence = f"{len(pushed.missing)} of {n_sources} inputs are not all in {pushed.name}"
        findings = tuple(
            Finding(
                f"{path} is not, or not all, in the remote {pushed.name}", f"amelio push {path}"
            )
            for path in pushed.missing
        )
    return Check(
        name="inputs-pushed",
        title="Inputs are in a remote",
        weight=5,
        n_seen=max(1, n_sources),
        evidence=evidence,
        findings=findings,
        undecided=pushed.problem if n_sources and pushed.name else "",
    )
