"""Whether parameters are versioned, there, and read by the stages that say so."""

import re
from collections.abc import Iterator

from amelio.dvcio.facts.facts import PipelineFacts, StageFact
from amelio.insight.reproducibility import Check, Finding

_INTERPOLATED = re.compile(r"\$\{\s*([\w.-]+)")
_IN_CONDITION = re.compile(r"\bparams\.([\w.]+)")
_OWN_SECTIONS = ("quality",)  # read by `amelio check`
_READERS = re.compile(r"\bdvc\.api\b.*params_show|\bparams_show\(")


def parameters_versioned(facts: PipelineFacts) -> Check:
    """Parameters files are in Git, and have every key that stages declare."""
    declared = {path for stage in facts.commands for path in stage.params}
    tracked = facts.git.tracked if facts.git else frozenset()
    outputs = {out.path for stage in facts.stages for out in stage.outs}
    findings = [
        Finding(f"{path} is not in Git", f"git add {path}")
        for path in sorted(declared - outputs)
        if path not in tracked
    ]
    findings += [
        Finding(
            f"{stage.name} depends on {key}, which is not there",
            f"add the key, or take it out of `params:` of {stage.name}",
        )
        for stage in facts.commands
        for key in stage.missing_params
    ]
    n_keys = sum(len(keys) for stage in facts.commands for keys in stage.params.values())
    return Check(
        name="parameters-versioned",
        title="Parameters are versioned",
        weight=8,
        n_seen=len(declared) + n_keys,
        evidence=f"{n_keys} declared keys and sections of {_files(declared)}"
        if declared
        else "no stage declares parameters",
        findings=tuple(findings),
    )


def parameters_read(facts: PipelineFacts) -> Check:
    """Every parameter is declared by a stage that may read it, and nothing is read undeclared."""
    findings = [
        Finding(
            f"{path}: {key} is read by no stage",
            f"add it to `params:` of the stage that reads it, or remove it from {path}",
        )
        for path, keys in facts.params.items()
        for key in keys
        if not _is_read(facts, path, key)
    ]
    for stage in facts.commands:
        findings += _undeclared(facts, stage)
    n_keys = sum(len(keys) for keys in facts.params.values())
    return Check(
        name="parameters-read",
        title="Parameters are read",
        weight=7,
        n_seen=n_keys,
        evidence=f"{n_keys} keys in {_files(set(facts.params))}"
        if facts.params
        else "no parameters file",
        findings=tuple(findings),
    )


def _is_read(facts: PipelineFacts, path: str, key: str) -> bool:
    if key.partition(".")[0] in _OWN_SECTIONS:
        return True
    readers = [*facts.template_params]
    for stage in facts.commands:
        if any(dep.path == path for dep in stage.deps) or stage.params.get(path) == ():
            return True
        readers += stage.params.get(path, ())
        readers += _IN_CONDITION.findall(stage.condition)
    for text in facts.project_texts.values():
        readers += _INTERPOLATED.findall(text)
    return any(_overlap(key, reader.rstrip(".")) for reader in readers)


def _overlap(key: str, reader: str) -> bool:
    return key == reader or key.startswith(f"{reader}.") or reader.startswith(f"{key}.")


def _undeclared(facts: PipelineFacts, stage: StageFact) -> Iterator[Finding]:
    """A program that names a parameters file which its stage does not depend on."""
    for path in facts.params:
        name = path.rpartition("/")[2]
        if path in stage.params or facts.covers(stage, path):
            continue
        for program in stage.programs:
            texts = [facts.sources.get(each, "") for each in (program, *facts.imports[program])]
            if any(f"{name}" in text or _READERS.search(text) for text in texts):
                yield Finding(
                    f"{program} reads {path}, of which {stage.name} declares no key",
                    f"list the keys that it reads in `params:` of {stage.name} ({stage.place})",
                )
                break


def _files(paths: set[str]) -> str:
    return ", ".join(sorted(paths))
