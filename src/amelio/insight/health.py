"""Facts about a set-up → findings, each with the command that mends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from amelio.dvcio.facts.health import SAMPLE_BYTES, HealthFacts
from amelio.dvcio.remotes.remotes import RemoteAnswer, RemoteFact
from amelio.insight.wording import duration, size

LEAST_GIT = (2, 30)
SETGID = 0o2000
GROUP_WRITES = 0o020
EXTRAS = {"s3": "s3", "gs": "gs", "azure": "azure", "abfs": "azure", "ssh": "ssh"}


class Level(StrEnum):
    """How bad a finding is; only BROKEN makes `amelio health` exit with 1."""

    FINE = "fine"
    ADVICE = "advice"
    BROKEN = "broken"


@dataclass(frozen=True)
class HealthFinding:
    """What was looked at, what was found, and the command that mends it (none where it is fine)."""

    level: Level
    topic: str
    text: str
    fix: str = ""


def judge_health(facts: HealthFacts) -> tuple[HealthFinding, ...]:
    """Everything, also what is fine, in a fixed order."""
    return (
        *_versions(facts),
        *_cache(facts),
        *_links(facts),
        *_shared(facts),
        *_space(facts),
        *_remotes(facts),
        *_secrets(facts),
        *_databases(facts),
    )


def worst(findings: tuple[HealthFinding, ...]) -> Level:
    """The most severe level; FINE of none."""
    order = list(Level)
    return max((each.level for each in findings), key=order.index, default=Level.FINE)


def _versions(facts: HealthFacts) -> Iterator[HealthFinding]:
    told = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    if facts.git is None or facts.has_commit is None:
        what = "Git is not installed" if facts.git is None else "this is no Git repository"
        text = f"{told}; {what}: no experiments, no versions of dvc.lock"
        yield HealthFinding(Level.ADVICE, "versions", text, "git init && git add . && git commit")
        return
    told += f", Git {facts.git}"
    if _numbers(facts.git) < LEAST_GIT:
        least = ".".join(map(str, LEAST_GIT))
        fix = f"install Git {least} or newer"
        yield HealthFinding(Level.ADVICE, "versions", f"{told}: Git is old", fix)
    elif not facts.has_commit:
        text = f"{told}; nothing is committed yet"
        yield HealthFinding(Level.ADVICE, "versions", text, "git add . && git commit")
    elif facts.is_shallow:
        text = f"{told}; a shallow clone: earlier revisions are not here"
        yield HealthFinding(Level.ADVICE, "versions", text, "git fetch --unshallow")
    else:
        yield HealthFinding(Level.FINE, "versions", told)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())


def _cache(facts: HealthFacts) -> Iterator[HealthFinding]:
    path = facts.cache.path
    if not facts.is_cache_writable:
        yield HealthFinding(
            Level.BROKEN,
            "cache",
            f"{path} cannot be written: no stage can store its outputs",
            "amelio cache dir FOLDER, or ask its owner for the right to write",
        )
        return
    held = f"{path} holds {size(facts.cache.size_bytes)} in {facts.cache.n_files} files"
    where = "on the workspace's disk" if facts.is_same_disk else "on another disk"
    yield HealthFinding(Level.FINE, "cache", f"{held}, {where}")


def _links(facts: HealthFacts) -> Iterator[HealthFinding]:
    if not facts.links:
        return
    times = {link.kind: link.seconds for link in facts.links if link.seconds is not None}
    told = ", ".join(
        f"{link.kind} {'no' if link.seconds is None else _fine_time(link.seconds)}"
        for link in facts.links
    )
    text = f"{size(SAMPLE_BYTES)} into the workspace: {told}"
    used = next((kind for kind in facts.cache.wanted if kind in times), "copy")
    if used != "copy":
        yield HealthFinding(Level.FINE, "links", f"{text}; in use: {used}")
        return
    better = [kind for kind in ("reflink", "hardlink", "symlink") if kind in times]
    if not better:
        yield HealthFinding(Level.FINE, "links", f"{text}; only copies work here")
        return
    gain = times["copy"] / max(times[better[0]], 1e-7)
    twice = f", and {size(facts.copied_bytes)} stand here twice" if facts.copied_bytes else ""
    yield HealthFinding(
        Level.ADVICE,
        "links",
        f"{text}; in use: copy. A {better[0]} is {gain:,.0f} times as fast{twice}; linked files "
        "are read-only",
        f"amelio config cache.type {','.join(better)} && amelio checkout --relink",
    )


def _fine_time(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 0.1 else duration(seconds)


def _shared(facts: HealthFacts) -> Iterator[HealthFinding]:
    shared, path = facts.shared, facts.cache.path
    if shared is None:
        return
    rights = f"chmod -R g+rwX {path} && find {path} -type d -exec chmod g+s {{}} +"
    if shared.n_locked:
        yield HealthFinding(
            Level.BROKEN,
            "shared cache",
            f"in {shared.n_locked} folders of {path} you cannot write",
            f"its owner: {rights}",
        )
    elif shared.is_group and not (shared.mode & SETGID and shared.mode & GROUP_WRITES):
        yield HealthFinding(
            Level.ADVICE,
            "shared cache",
            f"{path} has the mode {shared.mode:o}: others of its group cannot write in it, or new "
            "files get another group",
            rights,
        )
    elif not shared.is_group:
        yield HealthFinding(
            Level.ADVICE,
            "shared cache",
            f"{path} is outside of the repository; if others use it too, they cannot write what "
            "you store",
            f"amelio config cache.shared group && {rights}",
        )
    else:
        yield HealthFinding(Level.FINE, "shared cache", f"the group can write in {path}")


def _space(facts: HealthFacts) -> Iterator[HealthFinding]:
    in_cache, in_workspace = facts.free_bytes
    is_copied = next((k for k in facts.cache.wanted if k in facts.cache.working), "copy") == "copy"
    factor = 2 if is_copied and facts.is_same_disk else 1
    need = facts.need_bytes * factor
    free = min(in_cache, in_workspace) if is_copied else in_cache
    why = " (stored and copied)" if factor == 2 else ""
    text = f"{size(free)} free; making every output anew takes {size(need)}{why}"
    fix = "amelio gc --workspace, or amelio cache dir FOLDER on a larger disk"
    if free < need:
        yield HealthFinding(Level.BROKEN, "space", text, fix)
    elif free < 2 * need:
        yield HealthFinding(Level.ADVICE, "space", f"{text}: little", fix)
    else:
        yield HealthFinding(Level.FINE, "space", text)


def _remotes(facts: HealthFacts) -> Iterator[HealthFinding]:
    if not facts.remotes:
        text = "no remote: data exists on this disk only"
        fix = "amelio remote add -d NAME URL && amelio push"
        yield HealthFinding(Level.ADVICE, "remote", text, fix)
    elif not any(remote.is_default for remote, _ in facts.remotes):
        names = ", ".join(remote.name for remote, _ in facts.remotes)
        fix = f"amelio remote default {facts.remotes[0][0].name}"
        yield HealthFinding(Level.ADVICE, "remote", f"none of {names} is the default", fix)
    for remote, answer in facts.remotes:
        yield _remote(remote, answer)


def _remote(remote: RemoteFact, answer: RemoteAnswer | None) -> HealthFinding:
    topic = f"remote {remote.name}"
    if answer is None:
        text = f"{remote.url} was not asked: that would open a browser"
        return HealthFinding(Level.ADVICE, topic, text, f"amelio push --remote {remote.name}")
    if not answer.problem:
        read, write = _fine_time(answer.read_s or 0.0), _fine_time(answer.write_s or 0.0)
        return HealthFinding(Level.FINE, topic, f"{remote.url}: read {read}, written {write}")
    did = {"writing": "can be read, but not written", "waiting": "does not answer"}
    what = did.get(answer.step, "cannot be read")
    text = f"{remote.url} {what}: {answer.problem}"
    return HealthFinding(Level.BROKEN, topic, text, _remote_fix(remote, answer))


def _remote_fix(remote: RemoteFact, answer: RemoteAnswer) -> str:
    told = answer.problem.lower()
    name = remote.name
    if "requires 'dvc-" in told or "not supported" in told or "supported, but requires" in told:
        return f"pip install 'amelio[{EXTRAS.get(remote.scheme, remote.scheme)}]'"
    if any(word in told for word in ("nosuchbucket", "bucket does not exist", "no such bucket")):
        return f"make the bucket, or amelio remote modify {name} url URL"
    refused = (
        "credential",
        "403",
        "forbidden",
        "access denied",
        "accessdenied",
        "401",
        "signature",
    )
    if any(word in told for word in (*refused, "access key", "unauthorized", "authentication")):
        return f"amelio remote modify --local {name} OPTION VALUE (access_key_id, password …)"
    if remote.is_local or "permission denied" in told:
        return f"give yourself the right to write there, or amelio remote modify {name} url URL"
    return f"is the network up, and the address right? amelio remote modify {name} url URL"


def _secrets(facts: HealthFacts) -> Iterator[HealthFinding]:
    if facts.is_local_config_tracked:
        text = ".dvc/config.local, where credentials go, is in Git"
        yield HealthFinding(
            Level.BROKEN, "secrets", text, "git rm --cached .dvc/config.local && git commit"
        )
    for secret in facts.secrets:
        name = f"{secret.option} of the remote {secret.remote}"
        if secret.commit is None:
            yield HealthFinding(
                Level.BROKEN,
                "secrets",
                f".dvc/config has the {name}, and Git has .dvc/config",
                f"amelio remote modify --local {secret.remote} {secret.option} NEW && "
                f"amelio remote modify --unset {secret.remote} {secret.option} && "
                "git commit .dvc/config; the old one is in the history: have it revoked",
            )
        else:
            yield HealthFinding(
                Level.ADVICE,
                "secrets",
                f"the commit {secret.commit} has the {name}: whoever has the history has it",
                "have it revoked, if it still is valid",
            )
    if not facts.secrets and not facts.is_local_config_tracked:
        yield HealthFinding(
            Level.FINE, "secrets", "no credentials in .dvc/config, nor in its history"
        )


def _databases(facts: HealthFacts) -> Iterator[HealthFinding]:
    if facts.foreign_database:
        yield HealthFinding(
            Level.BROKEN,
            "databases",
            f"DVC's databases in {facts.foreign_database} belong to another user: DVC would run "
            "what they hold as yours",
            f"rm -r {facts.foreign_database}, or export DVC_SITE_CACHE_DIR=~/.cache/dvc-site",
        )
