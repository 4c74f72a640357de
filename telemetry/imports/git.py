"""The history of a Git repository as changes: its commits, and its tags as releases."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from telemetry.errors import SourceError
from telemetry.masks import masked
from telemetry.records import Change, ChangeKind

_UNIT, _RECORD = "\x1f", "\x1e"
_COMMIT = f"--format=%x1e{'%x1f'.join(('%H', '%P', '%ct', '%an', '%s'))}%x1f"
_TAG = f"--format={'%1f'.join(f'%({name})' for name in ('refname:short', 'objectname', '*objectname', 'creatordate:unix', 'taggername', 'authorname', 'contents:subject'))}"
_CONFIG = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env", ".tf", ".tfvars")
"""A commit that touches nothing but such files is one of configuration."""
_FILES = 20
_SAFE = ("-c", "log.showSignature=false", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false",
         *(word for way in ("", "file.", "ssh.", "git.", "http.", "https.", "ftp.", "ftps.", "ext.", "fd.")
           for word in ("-c", f"protocol.{way}allow=never")))
"""A repository's own configuration must not start programs; of a partial clone, git would fetch what is missing by
programs that it names (``uploadpack``, ``core.sshCommand``)."""
_SECONDS = 300


def git_changes(repository: Path, since: str | None = None, service: str | None = None) -> Iterator[Change]:
    """The commits of the current branch and all tags, newest first. ``since`` is what ``git log`` takes: ``2 weeks ago``,
    ``2026-09-01``. ``service`` is whose changes they are, the folder's name without it. Raises SourceError."""
    name = service or repository.expanduser().resolve().name
    earliest = [f"--since={since}"] if since else []
    oldest = None
    for part in _git(repository, "log", _COMMIT, "--name-only", "--no-ext-diff", "--no-textconv", *earliest).split(_RECORD)[1:]:
        change = _commit(part, name)
        oldest = change.time if oldest is None else min(oldest, change.time)
        yield change
    for line in _git(repository, "for-each-ref", "refs/tags", "--sort=-creatordate", _TAG).split("\n"):
        tag = _tag(line, name) if line else None
        if tag is not None and (since is None or oldest is not None and tag.time >= oldest):
            yield tag


def _commit(text: str, service: str) -> Change:
    ident, parents, time, author, subject, rest = text.split(_UNIT, 5)
    files = [line for line in rest.split("\n") if line]
    shown = ", ".join(files[:_FILES]) + (f" and {len(files) - _FILES} more" if len(files) > _FILES else "")
    kind: ChangeKind = "config" if files and all(f.lower().endswith(_CONFIG) for f in files) else "other"
    return Change(f"git:{ident}", int(time) * 1_000_000, kind, masked(subject), service, actor=masked(author), version=ident[:12],
                  before=parents.split(" ")[0][:12], source="git", attributes={"files": masked(shown)} if files else {})


def _tag(line: str, service: str) -> Change | None:
    """A tag; None for one without a time, of something that is no commit."""
    name, own, target, time, tagger, author, subject = line.split(_UNIT, 6)
    if not time:
        return None
    return Change(f"git:tag:{masked(name)}:{target or own}", int(time) * 1_000_000, "deploy", masked(f"tag {name}{f': {subject}' if tagger and subject else ''}"),
                  service, actor=masked(tagger or author), version=masked(name), source="git", attributes={"commit": (target or own)[:12]})


def _git(repository: Path, *words: str) -> str:
    """What git says. No part of the command is read by a shell."""
    try:
        done = subprocess.run(["git", *_SAFE, "-C", str(repository.expanduser()), *words], capture_output=True, check=False, timeout=_SECONDS)  # noqa: S607 - the user's own git
    except FileNotFoundError as error:
        raise SourceError("git is not installed", where=str(repository), remedy="install git") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"git took more than {_SECONDS} s", where=str(repository), remedy="ask for less with --since") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SourceError(f"git log failed: {masked(said[0]) if said else done.returncode}", where=str(repository),
                          remedy="name a folder with a Git repository that has commits")
    return done.stdout.decode("utf-8", "replace")
