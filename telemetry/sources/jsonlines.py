"""Log lines of a source as JSON lines that the pipeline reads: time, level, service and message where they belong."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telemetry.formats import LineReader
from telemetry.sources.protocols import LogLine

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MOST = 20


def encode(lines: Sequence[LogLine]) -> list[str]:
    """One JSON object per line, in order; equal lines give equal text, whichever lines stand beside them.

    A text that is itself a JSON object gives its fields; of a text with a header (time, level, logger) the message
    is taken, and its level where the server knew none.
    """
    reader = LineReader(())  # learned from nothing: what a line gives must not depend on the others
    return [_encode(_fields(line, reader)) for line in lines]


def _fields(line: LogLine, reader: LineReader) -> dict[str, Any]:
    known: dict[str, Any] = {
        "@timestamp": f"{datetime.fromtimestamp(line.time // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{line.time % 1_000_000:06}Z",
        "level": line.level, "service": line.service, "host": line.pod or line.host, "trace_id": line.trace_id, "span_id": line.span_id}
    known = {name: value for name, value in known.items() if value}
    inner = _object(line.text)
    if inner is not None:
        return {**known, **{k: v for k, v in inner.items() if k not in known}}
    message, parsed = line.text, reader.parse(line.text)
    if parsed is not None and not parsed.escaped:
        message = parsed.text(line.text, "message") or line.text
        known |= {name: value for name, value in (("level", parsed.level), ("logger", parsed.text(line.text, "logger"))) if value and name not in known}
    taken = {*known.values(), line.text, line.namespace, line.pod, line.host}
    more = {name: value for name, value in line.fields.items() if value and value not in taken and len(value) < 1000}
    rest = {**({"namespace": line.namespace} if line.namespace else {}), **dict(sorted(more.items())[:_MOST])}
    return {**known, "message": message, **({"attributes": rest} if rest else {})}


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def fresh(lines: Sequence[str], stored: Sequence[Path]) -> list[str]:
    """The lines that files of the same time do not hold yet; equal lines count as often as they are there."""
    have: Counter[str] = Counter()
    for path in stored:
        if path.exists():
            with path.open(encoding="utf-8", newline="\n") as stream:
                have.update(line.rstrip("\n") for line in stream)
    left = []
    for line in lines:
        if have[line]:
            have[line] -= 1
        else:
            left.append(line)
    return left


def keep(path: Path, lines: Sequence[str]) -> None:
    """Write a file whole and durably, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
