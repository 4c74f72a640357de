"""What a file's headers usually hold: a word that only few lines have at a place belongs to their message.

``LOG:  duration: 12 ms`` looks like ``INFO  storage: 12 blocks``: one line does not tell whether the word before the
colon names a component or begins the message. The file does: who writes components writes them in most lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from telemetry.formats.model import Parsed, Span

MOST = 0.5
"""The share of lines alike up to a place that must have a name there for it to be a part of the header."""
ENOUGH = 8
"""With fewer lines to judge by, the line alone decides."""
_ENDS = re.compile(r"(?:\[\d+\])? *:(?=\s|$)| +(?:-{1,2}|\|) ")
_OF_CODE = re.compile(r"\w(?:\.|::|[@/])\w|\$")
"""Names of code and of sessions: dotted, or with a class inside a class; they are never words of a sentence."""
_SENTENCE = re.compile(r"[A-Z]?[a-z]+ (?=[a-z]+ )")

_Path = tuple[str, ...]


class Habits:
    """How often each part of a header follows the parts before it."""

    def __init__(self, sample: Iterable[Parsed]) -> None:
        self._seen: Counter[_Path] = Counter()
        for parsed in sample:
            path = _path(parsed)
            self._seen.update(path[:size] for size in range(1, len(path) + 1))

    def settle(self, line: str, parsed: Parsed) -> Parsed:
        """Give back to the message what few lines have; the level that was read stays known."""
        spans, path = _header(parsed), _path(parsed)
        for at, span in enumerate(spans):
            before, after = self._seen[path[: at + 1]], self._seen[path[: at + 2]]
            if before >= ENOUGH and after < before * MOST and _may_begin(line, span, spans[at + 1 :]):
                return _shorter(parsed, {name for name, _, _ in spans[at:]}, span[1])
        return parsed


def _may_begin(line: str, span: Span, behind: list[Span]) -> bool:
    """Whether a part of the header could as well be the first word of a message."""
    name, start, end = span
    if name not in {"logger", "level"} or _OF_CODE.search(line, start, end):
        return False
    if any(other not in {"logger", "level"} for other, _, _ in behind):
        return False
    if name == "logger" and behind and behind[0][0] == "level":  # "Recovered information about 3 jobs"
        return bool(_SENTENCE.match(line, start)) and behind[0][1] == end + 1
    return bool(_ENDS.match(line, end)) and (name == "logger" or line[end : end + 1] == ":")


def _shorter(parsed: Parsed, lost: set[str], start: int) -> Parsed:
    kept = [(n, start if n == "message" else s, e) for n, s, e in parsed.spans if n not in lost]
    kind = "+".join(part for part in parsed.format.split("+") if part not in lost)
    return replace(parsed, format=kind, spans=tuple(kept))


def _header(parsed: Parsed) -> list[Span]:
    """The parts behind the time, as they stand in the line."""
    return sorted((s for s in parsed.spans if s[0] not in {"time", "message"}), key=lambda span: span[1])


def _path(parsed: Parsed) -> _Path:
    stamp = parsed.time_format.name if parsed.time_format else ""
    return (stamp, *(name for name, _, _ in _header(parsed)))
