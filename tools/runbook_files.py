"""Runbooks on disk: Markdown with front matter, read without trusting the folder more than it deserves.

Front matter is YAML between two lines ``---``: ``title``, ``services``, ``symptoms``, ``tags``; other keys are
ignored. Nothing is executed and no link out of the folder is followed. What cannot be read is named, not skipped.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

MOST_BYTES = 256 * 1024
MOST_FILES = 2_000
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (empty before the first one) and the text below it, up to the next heading."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """One file. ``path`` is relative to the folder."""

    path: str
    title: str
    services: tuple[str, ...]
    symptoms: tuple[str, ...]
    tags: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """All runbooks that could be read, and one sentence for each that could not."""

    runbooks: tuple[Runbook, ...]
    problems: tuple[str, ...]


def _names(value: Any) -> Any:
    """One name for a list of one; numbers, which YAML makes of some tags, as text."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(str(item) if isinstance(item, int | float) and not isinstance(item, bool) else item for item in listed)


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class _Front(BaseModel):
    model_config = ConfigDict(extra="ignore")
    title: str = ""
    services: Names = ()
    symptoms: Names = ()
    tags: Names = ()


class _BrokenError(Exception):
    """A file is no runbook."""


def files(folder: Path) -> tuple[list[Path], list[str]]:
    """The Markdown files of a folder that lie inside it, in order, and what was refused. Raises OSError."""
    root = folder.resolve(strict=True)
    found: list[Path] = []
    refused: list[str] = []
    for path in _walk(root, refused):
        if path.is_symlink() and not _within(path, root):
            refused.append(f"{_named(path, root)}: refused, it is a link out of the folder or to nothing")
        elif path.suffix.lower() in {".md", ".markdown"}:
            found.append(path)
    if len(found) > MOST_FILES:
        refused.append(f"only the first {MOST_FILES} of {len(found)} files were read")
    return found[:MOST_FILES], refused


def _walk(root: Path, refused: list[str]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        refused.append(f"{error.filename}: cannot be listed ({error.strerror})")

    for place, folders, names in os.walk(root, onerror=failed, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # A link to a folder is not walked into; one that leads out is told of.
        linked = [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        yield from (path for path in linked if not _within(path, root))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _named(path: Path, root: Path) -> str:
    """The path below the folder; bytes that are no text are replaced, since names end in documents and on the wire."""
    return os.fsencode(path.relative_to(root)).decode("utf-8", "replace")


def _within(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def read(path: Path, root: Path) -> Runbook | str:
    """A runbook, or the sentence that says why the file is none."""
    name = _named(path, root)
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(root):
            raise _BrokenError("refused, it leads out of the folder")
        return parse(_text(target), name)
    except _BrokenError as error:
        return f"{name}: {error}"
    except (OSError, RuntimeError) as error:
        return f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})"


def _text(path: Path) -> str:
    """The file's text. Opened without waiting: a pipe of that name would block."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _BrokenError("not a regular file")
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise _BrokenError(f"larger than {MOST_BYTES // 1024} KiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BrokenError(f"not UTF-8 (byte {error.start})") from error


def parse(text: str, name: str) -> Runbook:
    """Read a runbook's text. Raises an error whose text says what is wrong with it."""
    lines = text.splitlines()
    front = _Front()
    if lines and lines[0].rstrip() == "---":
        end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."}), None)
        if end is None:
            raise _BrokenError("its front matter has no closing ---")
        front, lines = _front("\n".join(lines[1:end])), lines[end + 1:]
    sections = tuple(_sections(lines))
    heading = next((s.heading for s in sections if s.heading), "")
    title = front.title.strip() or heading or Path(name).stem.replace("-", " ").replace("_", " ")
    return Runbook(name, title, front.services, front.symptoms, front.tags, sections)


def _front(text: str) -> _Front:
    from telemetry import yaml_files

    try:
        held = yaml_files.parse(text)
    except yaml_files.NotYamlError as error:
        raise _BrokenError("its front matter is not YAML" + (f" (line {error.line + 1})" if error.line else "")) from error
    if held is None:
        return _Front()
    if not isinstance(held, dict):
        raise _BrokenError("its front matter is no list of keys and values")
    try:
        return _Front.model_validate(held)
    except ValidationError as error:
        wrong = ", ".join(dict.fromkeys(str(item["loc"][0]) for item in error.errors()))
        raise _BrokenError(f"its front matter has a wrong {wrong}: title is a text, the others are lists of texts") from error


def _sections(lines: list[str]) -> Iterator[Section]:
    heading, held, fenced = "", [], ""
    for line in lines:
        fence = _FENCE.match(line)
        if fence and (not fenced or fenced == fence[1]):
            fenced = "" if fenced else fence[1]
        match = None if fenced or fence else _HEADING.match(line)
        if match is None:
            held.append(line)
            continue
        if "".join(held).strip():
            yield Section(heading, "\n".join(held).strip())
        heading, held = match[2], []
    if heading or "".join(held).strip():
        yield Section(heading, "\n".join(held).strip())
