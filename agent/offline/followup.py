"""A follow-up question merged with the reading before it: "and only for root?", "what about yesterday?"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from agent.offline.conditions import comparisons, negations
from agent.offline.draft import ALL, Draft, groups
from agent.offline.fields import link
from agent.offline.grammar import BARE_LINES, FOLLOW, PRONOUN
from agent.offline.interpreting import interpret
from agent.offline.moments import TimeReading, describe
from agent.offline.times import find_window
from agent.offline.understanding import Reading
from agent.offline.wording import Wording, clean
from telemetry.models import Catalog, Window
from telemetry.units import SECONDS

SAID = "Read as a follow-up to the last question"
_NEGATIVE = re.compile(r"(?:without|excluding|except|not)\b", re.I)
_ASKS = re.compile(
    r"\b(?:top|which|how many|how often|show|lines|first|last|latest|earliest|when|average|mean|median|p\d\d|max(?:imum)?|min(?:imum)?|longest|shortest|"
    r"slowest|fastest|largest|smallest|who|whose|where|list|what|distinct|unique|different|share|percentage|percent|peak|trend|over time|total|sum|count|rank|summar\w+)\b", re.I)
_LOOSE = r"\b(?:instead|only|just|too|as well|again|same|it|for|on|about|that|there|then|happen(?:ed)?|one|alone|specifically|in particular|did|do|does|was|were|is|are|have|has|had|we)\b"


def follow(text: str, wording: Wording, catalog: Catalog, now: datetime, previous: Reading) -> Reading:
    """Merge a follow-up with what was read before: a new window, operation, grouping, or narrower target."""
    rest = text
    for _ in range(2):
        rest = rest if _NEGATIVE.match(rest) else FOLLOW.sub("", rest).strip()
    simple = _lines(rest, previous) or _top(rest, previous) or _shifted(rest, previous)
    if simple is not None:
        return replace(simple, ambiguities=())
    time = find_window(rest, now, catalog.last, catalog.first)
    draft = Draft(catalog, PRONOUN.sub(" ", time.rest(rest)).strip())
    kept = _timed(previous, time)
    asked = _ASKS.search(draft.text)
    comparisons(draft)
    negations(draft, wording)
    filters = tuple(draft.filters)
    kept = _operation(draft, wording, kept) if asked else _grouped(draft, kept)
    said = (*((f"Time: {time.statement}",) if time.statement else ()), *draft.statements, SAID)
    kept = replace(kept, filters=(*previous.filters, *filters, *(f for f in draft.filters if f not in filters)), statements=said, ambiguities=tuple(draft.ambiguities))
    draft.drop(_LOOSE)
    extra = wording.restore(clean(draft.text))
    if not extra:
        return kept
    swapped = link(extra, catalog) if previous.operation in {"top", "distinct"} and len(extra.split()) == 1 and not asked else None
    if swapped is not None and swapped.score >= 0.84 and swapped.ref != "template" and kept.operation == previous.operation:
        return replace(kept, field=swapped.ref, noun=extra)
    return replace(kept, target=joined(kept.target, extra), guessed=False)


def joined(before: str, extra: str) -> str:
    """Both targets as one text; "state 7" takes the place of "state 6"."""
    numbered = re.search(r"\b([A-Za-z_]+) (\d+)\b", extra)
    if numbered:
        pattern = rf"(?i)\b{re.escape(numbered[1])} \d+\b"
        if re.search(pattern, before):
            rest = extra.replace(numbered[0], " ").strip()
            return f"{re.sub(pattern, numbered[0], before)} {rest}".strip()
    return f"{before}{SEPARATOR if before else ''}{extra}".strip()


SEPARATOR = " \u241e "
"""Between what was asked before and what a follow-up adds: the resolver decides whether the new words narrow or replace."""


def _lines(rest: str, previous: Reading) -> Reading | None:
    shown = BARE_LINES.fullmatch(rest)
    if not shown:
        return None
    count = int(shown["n"]) if shown["n"] else 50
    return replace(previous, operation="lines", field=None, noun="", kind="", stats=(), group_by=(), bucket=None, limit=count,
                   order_by=None, yes_no=False, statements=(SAID,))


def _top(rest: str, previous: Reading) -> Reading | None:
    size = re.fullmatch(r"(?:the )?top (\d+)(?: (?:only|instead|then|please))*", rest, re.I)
    if not size or previous.operation not in {"top", "templates", "summary", "count", "stats", "lines", "compare", "first", "last"}:
        return None
    return replace(previous, limit=max(1, min(int(size[1]), ALL)), statements=(SAID,))


def _shifted(rest: str, previous: Reading) -> Reading | None:
    """"the hour before", "the day after": the window moved by its unit."""
    shifted = re.fullmatch(r"(?:in |during |on )?the (?P<u>hour|day|minute|week) (?P<w>before|after|earlier|later)(?: that)?"
                           r"|(?:in |on )?the (?P<w2>previous|next|following) (?P<u2>hour|day|minute|week)", rest, re.I)
    start, end = previous.window.start, previous.window.end
    if not shifted or start is None or end is None:
        return None
    unit = timedelta(seconds=SECONDS[(shifted["u"] or shifted["u2"]).lower()])
    back = (shifted["w"] or shifted["w2"]).lower() in {"before", "earlier", "previous"}
    if unit >= timedelta(days=1) and end - start <= unit:
        window = Window(start=start + (-unit if back else unit), end=end + (-unit if back else unit))
    else:
        window = Window(start=start - unit, end=start) if back else Window(start=end, end=end + unit)
    return replace(previous, window=window, statements=(f"Time: {describe(window)}", SAID))


def _timed(previous: Reading, time: TimeReading) -> Reading:
    if not time.said:
        return previous
    window = time.window
    day = previous.window
    if window.start and window.end and day.start and day.end and not time.dated and \
            day.end - day.start <= timedelta(days=1) and window.end - window.start < day.end - day.start:
        moved = day.start.replace(hour=window.start.hour, minute=window.start.minute, second=window.start.second, microsecond=0)
        window = Window(start=moved, end=moved + (window.end - window.start))
    return replace(previous, window=window, baseline=time.baseline or previous.baseline)


def _grouped(draft: Draft, kept: Reading) -> Reading:
    groups(draft)
    if not draft.group_by:
        return kept
    if kept.operation == "stats":
        return replace(kept, group_by=tuple(draft.group_by), bucket=draft.bucket, limit=ALL)
    only_time = draft.group_by == ["time"]
    return replace(kept, operation="trend" if only_time else "count", bucket=draft.bucket, field=None, noun="", kind="", stats=(), yes_no=False,
                   group_by=() if only_time else tuple(draft.group_by), limit=ALL, order="desc", order_by=None)


def _operation(draft: Draft, wording: Wording, kept: Reading) -> Reading:
    """A new operation over the same records."""
    probe = Draft(draft.catalog, draft.text)
    only = re.fullmatch(r"(?:what (?:was|is|about) )?(?:the )?(?P<stat>average|mean|median|max(?:imum)?|min(?:imum)?|longest|shortest|slowest|fastest|largest|smallest|p\d\d|total|sum)(?: one| value)?", draft.text, re.I)
    if only and kept.operation == "stats":
        from agent.offline.forms.figures import stat

        draft.text = ""
        return replace(kept, stats=stat(only["stat"]))
    interpret(probe, wording)
    if probe.guessed:
        return _grouped(draft, kept)
    draft.text, draft.statements, draft.ambiguities = probe.text, [*draft.statements, *probe.statements], probe.ambiguities
    draft.filters += [f for f in probe.filters if f not in draft.filters]
    same = kept.field if probe.operation in {"top", "stats"} and not probe.noun and probe.field is None else None
    return replace(
        kept, operation=probe.operation, field=probe.field or same, noun=probe.noun, kind=probe.kind, stats=probe.stats,
        group_by=tuple(probe.group_by), bucket=probe.bucket, limit=probe.limit, order=probe.order, order_by=probe.order_by, yes_no=False)
