"""A follow-up question merged with the reading before it: "and only for root?", "what about yesterday?"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from agent.offline.fields import link
from agent.offline.grammar import BARE_LINES, FOLLOW
from agent.offline.reading import (
    _SECONDS,
    ALL,
    Reading,
    Refusal,
    _clean,
    _comparisons,
    _Draft,
    _empty,
    _grouping,
    _negations,
    _operation,
)
from agent.offline.times import describe, find_window
from telemetry.models import Catalog, Window


def follow(text: str, catalog: Catalog, now: datetime, previous: Reading) -> Reading | Refusal:
    """Merge a follow-up with what was read before: a new window, operation, grouping, or narrower target."""
    rest = FOLLOW.sub("", text).strip() if not re.match(r"(?:without|excluding|except|not)\b", text, re.I) else text
    rest = FOLLOW.sub("", rest).strip() if not re.match(r"(?:without|excluding|except|not)\b", rest, re.I) else rest
    if shown := BARE_LINES.fullmatch(rest):
        count = int(shown["n"]) if shown["n"] else 50
        return replace(previous, operation="lines", field=None, stats=(), group_by=(), bucket=None, limit=count,
                       yes_no=False, statements=("Read as a follow-up to the last question",))
    if (size := re.fullmatch(r"(?:the )?top (\d+)(?: (?:only|instead|then|please))*", rest, re.I)) and \
            previous.operation in {"top", "templates", "summary", "count", "stats", "lines", "compare", "first", "last"}:
        return replace(previous, limit=max(1, min(int(size[1]), ALL)),
                       statements=("Read as a follow-up to the last question",))
    shifted = re.fullmatch(r"(?:in |during )?the (hour|day|minute|week) (?:before|after)(?: that)?", rest, re.I)
    if shifted and previous.window.start and previous.window.end:
        length = previous.window.end - previous.window.start
        unit = timedelta(seconds=_SECONDS[shifted[1].lower()])
        sign = -1 if "before" in rest.lower() else 1
        if unit >= timedelta(days=1) and length <= unit:
            window = Window(start=previous.window.start + sign * unit, end=previous.window.end + sign * unit)
        elif sign < 0:
            window = Window(start=previous.window.start - unit, end=previous.window.start)
        else:
            window = Window(start=previous.window.end, end=previous.window.end + unit)
        return replace(previous, window=window, statements=(
            f"Time: {describe(window)}", "Read as a follow-up to the last question"))
    time = find_window(rest, now, catalog.last, catalog.first)
    draft = _Draft(catalog, time.rest(rest))
    _comparisons(draft)
    _negations(draft)
    _grouping(draft)
    kept = replace(previous, filters=(*previous.filters, *draft.filters), statements=(
        *((f"Time: {time.statement}",) if time.statement else ()), *draft.statements,
        "Read as a follow-up to the last question"))
    if time.said:
        kept = replace(kept, window=time.window, baseline=time.baseline or previous.baseline)
    if draft.group_by:
        only_time = draft.group_by == ["time"]
        kept = replace(kept, operation="trend" if only_time else "count", bucket=draft.bucket,
                       group_by=() if only_time else tuple(draft.group_by), limit=ALL)
    probe = _Draft(catalog, draft.text)
    if (not _empty(draft.text) or re.fullmatch(r"\W*who\W*", draft.text, re.I)) and re.search(r"\b(?:top|which|how many|show|lines|first|last|when|average|p\d\d|max|who|list|what)\b", draft.text, re.I):
        _operation(probe, timed=False)
        if not probe.guessed:
            kept = replace(
                kept, operation=probe.operation, field=probe.field or (previous.field if probe.operation == "top" else None),
                stats=probe.stats, group_by=tuple(probe.group_by), bucket=probe.bucket, limit=probe.limit,
                order=probe.order, yes_no=False)
            draft.text = probe.text
    extra = _clean(re.sub(r"\b(?:instead|only|just|too|as well|again|same|them|those|it|for|on)\b", " ", draft.text, flags=re.I))
    if not extra:
        return kept
    swapped = link(extra, catalog) if previous.operation in {"top", "distinct"} and len(extra.split()) == 1 else None
    if swapped is not None and swapped.score >= 0.84 and swapped.ref != "template" and kept.operation == previous.operation:
        return replace(kept, field=swapped.ref)
    return replace(kept, target=f"{kept.target} {extra}".strip(), guessed=False)
