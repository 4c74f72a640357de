"""Lines of a workload's logs that a pattern finds, with how much they say about now.

A complaint at start-up that the program got over is not a reason: what stopped while the log went on is *over*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signals.kube.clock import SECOND, moment
from signals.kube.state import ContainerLog
from signals.kube.view import View, Workload

LONGEST = 400
_PATIENCE = 8
"""A complaint is over when the log went on for this many times the usual pause between two of its kind."""
_LEAST = 5 * SECOND
_LONE = 20 * SECOND
"""One complaint alone is over after this long."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One kind of line that was found. ``count`` of such lines, ``line`` the last."""

    line: str
    container: str
    count: int
    at: int | None
    over: bool
    match: re.Match[str]
    ref: str


def excerpts(view: View, workload: Workload, pattern: re.Pattern[str], *, past: bool = False) -> Iterator[Excerpt]:
    """What the pattern finds in each log of a workload; what is over only when ``past`` is asked for."""
    for log in view.logs_of(workload):
        key = (pattern.pattern, id(log))
        if key not in view.searched:
            view.searched[key] = _last(log, pattern, workload) if pattern.search(view.text(log)) else None
        found: Excerpt | None = view.searched[key]
        if found is not None and (past or not found.over):
            yield found


def _last(log: ContainerLog, pattern: re.Pattern[str], workload: Workload) -> Excerpt | None:
    hits = [(number, match) for number, line in enumerate(log.lines) if (match := pattern.search(line))]
    if not hits:
        return None
    number, match = hits[-1]
    when = _near(log.lines, number)
    over = not log.previous and workload.ready and _over(log, hits[0][0], number, len(hits))
    return Excerpt(shortened(log.lines[number], match), log.container, len(hits), when, over, match,
                   f"log:{log.namespace}/{log.pod}/{log.container}{'/previous' if log.previous else ''}")


def _over(log: ContainerLog, first: int, last: int, count: int) -> bool:
    """Did the log go on without it? By time where lines have one, else by lines."""
    began, when, end = (_near(log.lines, each) for each in (first, last, len(log.lines) - 1))
    if began is None or when is None or end is None:
        pause = (last - first) / (count - 1) if count > 1 else 20.0
        return len(log.lines) - 1 - last > max(20.0, _PATIENCE * pause)
    silence = end - when
    return silence > (max(_LEAST, _PATIENCE * (when - began) / (count - 1)) if count > 1 else _LONE)


def _near(lines: tuple[str, ...], number: int) -> int | None:
    """The time of a line, or of the nearest line before it that has one."""
    return next((when for each in range(number, max(-1, number - 60), -1) if (when := moment(lines[each])) is not None), None)


def shortened(line: str, match: re.Match[str]) -> str:
    """At most :data:`LONGEST` characters around what was found."""
    line = line.strip()
    if len(line) <= LONGEST:
        return line
    start = max(0, min(match.start() - LONGEST // 3, len(line) - LONGEST))
    return ("…" if start else "") + line[start:start + LONGEST] + ("…" if start + LONGEST < len(line) else "")
