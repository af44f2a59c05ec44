"""`amelio remote`."""

import sys
from argparse import Namespace
from pathlib import Path

from amelio.dvcio.arguments import PARSER_ERROR, read_arguments
from amelio.dvcio.passthrough import act_as_dvc
from amelio.dvcio.remotes.settings import (
    CREDENTIALS,
    IGNORED,
    has_password,
    is_credential,
    local_section,
    rename_locally,
    require_ignored,
    url_of,
    without_password,
)

CHANGING = ("add", "modify", "remove", "rename")
COMMITTED = (None, "repo")  # the levels that end up in .dvc/config


def remote(words: list[str]) -> int:
    """DVC's; credentials go to .dvc/config.local, which Git ignores."""
    if not words[1:] or words[1] not in CHANGING:
        return act_as_dvc(words)
    arguments = read_arguments(words)
    if arguments is None:
        return PARSER_ERROR
    if arguments.level not in COMMITTED:
        return act_as_dvc(words)
    if arguments.cmd in ("remove", "rename"):
        return _also_locally(arguments, words)
    if arguments.cmd == "add":
        return _add(arguments, words) if has_password(arguments.url) else act_as_dvc(words)
    if arguments.unset:
        return _unset(arguments, words)
    if is_credential(arguments.option, arguments.value):
        return set_options(arguments.name, arguments.option, arguments.value)
    return act_as_dvc(words) or _follow_url(arguments)


def set_options(name: str, option: str, value: str) -> int:
    """Set a credential, or a URL with a password, of a remote; returns the exit code."""
    safe = without_password(value) if option == "url" else None
    if safe is None:
        return _set_locally(name, {option: value})
    code = act_as_dvc(["remote", "modify", name, "url", safe.url])
    return code or _set_locally(name, safe.options)


def _set_locally(name: str, options: dict[str, str]) -> int:
    """Set options of a remote, credentials in the ignored file and others in the committed one."""
    require_ignored(Path())
    for option, value in options.items():
        place = ["--local"] if is_credential(option, value) else []
        code = act_as_dvc(["remote", "modify", *place, "--", name, option, value])
        if code:
            return code
    code = _repeat_url(name)
    if code:
        return code
    secret = [option for option, value in options.items() if is_credential(option, value)]
    verb = "is a credential" if len(secret) == 1 else "are credentials"
    print(
        f"{', '.join(secret)} {verb}: written to {IGNORED}, which Git ignores, not to .dvc/config",
        file=sys.stderr,
    )
    return 0


def _repeat_url(name: str) -> int:
    """Give the ignored section the remote's URL. Without one, DVC 3.67 refuses every revision whose
    committed settings do not have the remote yet.
    """
    url = url_of(name)
    if url is None or local_section(name).get("url") == url:
        return 0
    return act_as_dvc(["remote", "modify", "--local", "--", name, "url", url])


def _follow_url(arguments: Namespace) -> int:
    has_copy = arguments.option == "url" and "url" in local_section(arguments.name)
    return _repeat_url(arguments.name) if has_copy else 0


def _also_locally(arguments: Namespace, words: list[str]) -> int:
    code = act_as_dvc(words)
    if code or not local_section(arguments.name):
        return code
    if arguments.cmd == "rename":
        rename_locally(arguments.name, arguments.new)
        return 0
    return act_as_dvc(["remote", "remove", "--local", arguments.name])


def _add(arguments: Namespace, words: list[str]) -> int:
    require_ignored(Path())
    safe = without_password(arguments.url)
    if safe is None:
        print(f"the URL has a password: the remote is written to {IGNORED} only", file=sys.stderr)
        return act_as_dvc([*words, "--local"])
    code = act_as_dvc([safe.url if word == arguments.url else word for word in words])
    return code or _set_locally(arguments.name, safe.options)


def _unset(arguments: Namespace, words: list[str]) -> int:
    """A credential may stand in either file."""
    if arguments.option in CREDENTIALS:
        local = ["remote", "modify", "--local", "--unset", arguments.name, arguments.option]
        code = act_as_dvc(local)
        if code:
            return code
    return act_as_dvc(words)
