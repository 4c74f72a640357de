"""Grants that were used: a line each, durable before anything is attached."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ebpf.errors import GrantError
from ebpf.grants import Grant

_LINE = re.compile(r"([0-9a-f]{32}|-) (\S+)")
_MOST = 1000
"""Lines from which on those that have ended are left out."""
_FORGOTTEN = "-"
"""In place of a grant: everything with a deadline up to this counts as used, whatever the clock says."""
_AGAIN = "propose the probe again and have it approved"


class Used:
    """One file. A crash between its line and the session leaves a grant used and nothing attached: ask again.

    A line that a crash or a full disk cut is no grant's line, and spoils no other. What this process took it knows even if the
    file is taken away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine: set[str] = set()

    def take(self, grant: Grant, now: datetime) -> None:
        """Use a grant. Raises GrantError the second time, and when it cannot be kept that it was used."""
        try:
            with self._locked():
                self._take(grant, now)
        except OSError as error:
            raise GrantError(f"that it was used cannot be kept, and so it is not used: {error.strerror}", where=str(self._path),
                             remedy="see that the folder is there, is the daemon's own, and has room") from error

    def _take(self, grant: Grant, now: datetime) -> None:
        lines, whole = self._read()
        forgotten = max((until for ident, until in lines if ident == _FORGOTTEN), default=datetime.min.replace(tzinfo=UTC))
        if grant.ident in self._mine or any(ident == grant.ident for ident, _ in lines):
            raise GrantError("it was used before", where="grant", remedy=_AGAIN)
        if grant.deadline <= forgotten:
            raise GrantError(f"which grants with a deadline up to {forgotten.isoformat()} were used is not known any more", where="grant", remedy=_AGAIN)
        mine = (grant.ident, grant.deadline)
        if len(lines) > _MOST or not whole:
            self._write(b"".join(map(_line, _kept([*lines, mine], now))))
        else:
            self._append(_line(mine))
        self._mine.add(grant.ident)

    def _read(self) -> tuple[list[tuple[str, datetime]], bool]:
        """What is known, and whether every line of the file is one."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return [], True
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(22, "it is no file")
            text = file.read().decode("utf-8", "replace")
        raw = text.split("\n")
        found = [one for one in map(_parsed, raw) if one is not None]
        return found, raw[-1] == "" and len(found) == len(raw) - 1

    def _append(self, line: bytes) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(fd)
        finally:
            os.close(fd)

    def _write(self, content: bytes) -> None:
        """All of it anew, beside the old one until it is durable."""
        made = self._path.with_name(f"{self._path.name}.new")
        made.unlink(missing_ok=True)
        fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        made.replace(self._path)
        with _folder(self._path.parent) as folder:
            os.fsync(folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time, by its folder: the file itself may become another one."""
        with _folder(self._path.parent) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _kept(lines: list[tuple[str, datetime]], now: datetime) -> list[tuple[str, datetime]]:
    """Without those that have ended a while ago; up to when they had is kept, for a clock may be set back."""
    old = [until for _, until in lines if until <= now - timedelta(minutes=5)]
    if not old:
        return lines
    return [(_FORGOTTEN, max(old)), *(one for one in lines if one[1] > max(old))]


def _line(one: tuple[str, datetime]) -> bytes:
    return f"{one[0]} {one[1].isoformat()}\n".encode()


def _parsed(line: str) -> tuple[str, datetime] | None:
    found = _LINE.fullmatch(line)
    try:
        until = datetime.fromisoformat(found[2]) if found else None
    except ValueError:
        return None
    return (found[1], until) if found and until is not None and until.tzinfo is not None else None
