"""How a step gets at the remote: variables from the repository's secrets, files made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from amelio.ci.facts import Remote


@dataclass(frozen=True)
class Access:
    """variables: of every step that talks to the remote; prepare: lines that must run before, with
    variables of their own.
    """

    variables: Mapping[str, str]
    prepare: tuple[str, ...] = ()
    prepare_variables: Mapping[str, str] = field(default_factory=dict)


def _secret(name: str) -> str:
    return "${{ secrets." + name + " }}"


def access_to(remote: Remote, name: str) -> Access:
    """What the workflow needs for a remote called `name`."""
    if remote is Remote.SSH:
        return Access({}, _SSH_LINES, {**_SSH_VARIABLES, "DVC_REMOTE": name})
    return _ACCESS[remote]


_ACCESS = {
    Remote.S3: Access(
        {
            "AWS_ACCESS_KEY_ID": _secret("AWS_ACCESS_KEY_ID"),
            "AWS_SECRET_ACCESS_KEY": _secret("AWS_SECRET_ACCESS_KEY"),
            "AWS_DEFAULT_REGION": "${{ vars.AWS_DEFAULT_REGION || 'us-east-1' }}",
        }
    ),
    Remote.GS: Access(
        {"GOOGLE_APPLICATION_CREDENTIALS": "${{ runner.temp }}/gs.json"},
        (
            "umask 077",
            """printf '%s' "$GS_CREDENTIALS" > "$RUNNER_TEMP/gs.json\"""",
        ),
        {"GS_CREDENTIALS": _secret("GS_CREDENTIALS")},
    ),
    Remote.AZURE: Access(
        {"AZURE_STORAGE_CONNECTION_STRING": _secret("AZURE_STORAGE_CONNECTION_STRING")}
    ),
}
_SSH_VARIABLES = {
    "SSH_PRIVATE_KEY": _secret("SSH_PRIVATE_KEY"),
    "SSH_KNOWN_HOSTS": "${{ vars.SSH_KNOWN_HOSTS }}",
}
_SSH_LINES = (
    "umask 077",
    "mkdir -p ~/.ssh",
    """printf '%s\\n' "$SSH_KNOWN_HOSTS" >> ~/.ssh/known_hosts""",
    """printf '%s\\n' "$SSH_PRIVATE_KEY" > "$RUNNER_TEMP/ssh_key\"""",
    """amelio remote modify --local "$DVC_REMOTE" keyfile "$RUNNER_TEMP/ssh_key\"""",
)
