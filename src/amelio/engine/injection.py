"""Parameters come from anywhere; in a command they must stay plain words."""

from amelio.errors import InputError
from amelio.model import Stage, StageKind, Workspace
from amelio.redaction import one_line
from amelio.yaml_places import line_of


def require_plain_words(workspace: Workspace, stage: Stage) -> None:
    """Raises InputError when the shell would take a parameter in the stage's command for more."""
    if stage.kind is not StageKind.COMMAND:
        return
    unsafe = workspace.unsafe_parameters(stage.id)
    if unsafe:
        told = ", ".join(f"${{{one.name}}} is {one_line(one.value)!r}" for one in unsafe)
        raise InputError(
            f"{stage.name}: parameters in its command are not plain words: {told}",
            path=stage.place,
            line=line_of(stage.place, ["stages", stage.name.rpartition(":")[2], "cmd"]),
            hint="let the program read them from the parameters file itself; or set "
            "core.allow_unsafe_params: true in amelio.yaml, and a shell will run what they say",
        )
