"""`amelio remote`."""

import sys
from argparse import Namespace
from pathlib import Path

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.passthrough import act_as_dvc
from amelio.dvcio.remote_settings import (
    CREDENTIALS,
    IGNORED,
    has_password,
    is_credential,
    require_ignored,
    without_password,
)

COMMITTED = (None, "repo")  # the levels that end up in .dvc/config


def remote(words: list[str]) -> int:
    """DVC's; credentials go to .dvc/config.local, which Git ignores."""
    if words[1:2] not in (["add"], ["modify"]):
        return act_as_dvc(words)
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    if arguments.level not in COMMITTED:
        return act_as_dvc(words)
    if arguments.cmd == "add":
        return _add(arguments, words) if has_password(arguments.url) else act_as_dvc(words)
    if arguments.unset:
        return _unset(arguments, words)
    if arguments.option == "url" and is_credential("url", arguments.value):
        return _set_url(arguments, words)
    if is_credential(arguments.option, arguments.value):
        return _set_locally(arguments.name, {arguments.option: arguments.value or ""})
    return act_as_dvc(words)


def _set_locally(name: str, options: dict[str, str]) -> int:
    """Set options of a remote, credentials in the ignored file and others in the committed one."""
    require_ignored(Path())
    for option, value in options.items():
        place = ["--local"] if is_credential(option, value) else []
        code = act_as_dvc(["remote", "modify", *place, name, option, value])
        if code:
            return code
    secret = [option for option, value in options.items() if is_credential(option, value)]
    verb = "is a credential" if len(secret) == 1 else "are credentials"
    print(
        f"{', '.join(secret)} {verb}: written to {IGNORED}, which Git ignores, not to .dvc/config",
        file=sys.stderr,
    )
    return 0


def _add(arguments: Namespace, words: list[str]) -> int:
    require_ignored(Path())
    safe = without_password(arguments.url)
    if safe is None:
        print(f"the URL has a password: the remote is written to {IGNORED} only", file=sys.stderr)
        return act_as_dvc([*words, "--local"])
    code = act_as_dvc([safe.url if word == arguments.url else word for word in words])
    return code or _set_locally(arguments.name, safe.options)


def _set_url(arguments: Namespace, words: list[str]) -> int:
    safe = without_password(arguments.value)
    if safe is None:
        return _set_locally(arguments.name, {"url": arguments.value})
    code = act_as_dvc([safe.url if word == arguments.value else word for word in words])
    return code or _set_locally(arguments.name, safe.options)


def _unset(arguments: Namespace, words: list[str]) -> int:
    """A credential may stand in either file."""
    if arguments.option in CREDENTIALS:
        local = ["remote", "modify", "--local", "--unset", arguments.name, arguments.option]
        code = act_as_dvc(local)
        if code:
            return code
    return act_as_dvc(words)
