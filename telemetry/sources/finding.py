"""Sources named on a command line: what there is to read behind files, folders and globs."""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from telemetry.errors import SourceError, UsageError
from telemetry.sources.cutting import UTF8, writing_of
from telemetry.sources.files import Source, head

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".jar", ".whl", ".parquet", ".sqlite", ".db")
_MAGIC = (b"\x7fELF", b"MZ", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"%PDF")


@dataclass(slots=True)
class Expansion:
    """What there is to read; what a folder holds that is no log; what should be read and cannot be."""

    sources: list[Source] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)
    problems: list[SourceError] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)


def expand(paths: Sequence[str]) -> Expansion:
    """Find the files behind paths, folders and globs, each once.

    Raises SourceError when nothing of what was named can be read, UsageError for an empty name.
    """
    found = Expansion()
    for path in paths:
        if not path:
            raise UsageError("an empty path", where="ingest", remedy="name a file, a folder, a glob or -")
        try:
            _named(path, found)
        except SourceError as error:
            found.problems.append(error)
    if found.problems and not found.sources:
        raise found.problems[0]
    return found


def _named(path: str, found: Expansion) -> None:
    if path == "-":
        found.sources.append(Source("-", mtime=time.time(), stream=True))
        return
    expanded = str(Path(path).expanduser()) if path.startswith("~") else path
    if os.path.lexists(expanded):
        names = [expanded]
    else:
        names = sorted(glob.glob(expanded, recursive=True)) if glob.has_magic(expanded) else []  # noqa: PTH207 - a pattern may be absolute
    if not names:
        what = "no file matches" if glob.has_magic(expanded) else "there is no such file or folder"
        raise SourceError(what, where=path, remedy="check the spelling, or run `ls` on the folder it should be in")
    for name in names:
        if os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for some names
            _folder(name, found)
        elif len(names) > 1:
            _found(Path(name), found)
        else:
            _add(name, found)
            if not found.sources[-1].stream and _binary(head(Source(name))):
                found.skips.append(f"{name}: looks like a binary file; it was named, so it is read as text all the same")


def _add(name: str, found: Expansion) -> None:
    """Add a file or pipe. Raises SourceError for anything else and for what may not be read."""
    try:
        about = Path(name).stat()
        if not os.access(name, os.R_OK):
            raise PermissionError(13, "permission denied")
    except OSError as failure:
        raise SourceError(f"cannot be read ({failure.strerror or failure})", where=name,
                          remedy="give yourself read permission or name another file") from failure
    pipe = stat.S_ISFIFO(about.st_mode)
    if not pipe and not stat.S_ISREG(about.st_mode):
        raise SourceError("is a device or a socket, not a log", where=name,
                          remedy="name a file, or pipe the text into `oncalm ingest -`")
    identity = (about.st_dev, about.st_ino)
    if identity not in found.seen:
        found.seen.add(identity)
        found.sources.append(Source(name, about.st_size, about.st_mtime, about.st_dev, about.st_ino, stream=pipe))


def _folder(root: str, found: Expansion) -> None:
    """Walk a folder in name order, in a loop for any depth; links to folders are followed once."""
    waiting = [Path(root)]
    while waiting:
        path = waiting.pop()
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for some names
            waiting += reversed(_entries(path, found))
        else:
            _found(path, found)


def _entries(folder: Path, found: Expansion) -> list[Path]:
    try:
        about = folder.stat()
        entries = sorted(folder.iterdir())
    except OSError as failure:
        found.problems.append(SourceError(f"cannot be opened ({failure.strerror or failure})", where=str(folder),
                                          remedy="give yourself read permission on the folder"))
        return []
    if (about.st_dev, about.st_ino) in found.seen:
        found.skips.append(f"{folder}: skipped, this folder was already read")
        return []
    found.seen.add((about.st_dev, about.st_ino))
    hidden = [e for e in entries if e.name.startswith(".") and os.path.isdir(e)]  # noqa: PTH112
    found.skips += [f"{e}: skipped, a hidden folder" for e in hidden]
    return [e for e in entries if e not in hidden]


def _found(path: Path, found: Expansion) -> None:
    """Add a file that was not named itself, unless it is clearly no log."""
    try:
        reason = _unfit(path)
        if reason:
            found.skips.append(f"{path}: skipped, {reason}")
        else:
            _add(str(path), found)
    except SourceError as error:
        found.problems.append(error)


def _unfit(path: Path) -> str | None:
    """Say why a file found in a folder is no log, or None. Raises SourceError when it cannot be read."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a link to nothing"
    except OSError as failure:
        return f"cannot be read ({failure.strerror or failure})"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    if path.name.endswith(_ARCHIVES):
        return "an archive or a database"
    first = head(Source(str(path)))
    if not first:
        return "empty"
    return "a binary file" if _binary(first) else None


def _binary(first: bytes) -> bool:
    """Whether bytes are clearly no text: NULs or many control characters, unless a wider encoding has them."""
    if writing_of(first).encoding != UTF8.encoding:
        return False
    odd = sum(first.count(bytes([c])) for c in range(32) if c not in {8, 9, 10, 12, 13, 27})
    if odd > len(first) * 0.1 or first.startswith(_MAGIC):
        return True
    text = first.decode("utf-8", "replace")
    return text.count("\ufffd") > len(text) * 0.3


__all__ = ["Expansion", "expand"]
