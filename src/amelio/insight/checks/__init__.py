"""The checks of the reproducibility score: facts in, findings out."""

from amelio.dvcio.facts.facts import PipelineFacts
from amelio.insight.checks import environment, files, inputs, parameters, programs, seeds, state
from amelio.insight.reproducibility import Check, Score

CHECKS = (
    inputs.inputs_tracked,
    inputs.inputs_pushed,
    parameters.parameters_versioned,
    parameters.parameters_read,
    seeds.seeds,
    environment.environment_pinned,
    programs.programs_declared,
    files.no_absolute_paths,
    state.no_always_changed,
    state.git_clean,
    state.lock_true,
)


def judge_pipeline(facts: PipelineFacts, *further: Check) -> Score:
    """Ask every check; `further` ones count as well."""
    return Score((*(check(facts) for check in CHECKS), *further))
