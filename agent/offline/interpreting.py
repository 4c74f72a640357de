"""From the words of a question, time and kept pieces aside, to a reading: conditions, then the first form that fits."""

from __future__ import annotations

import re

from agent.offline import oddities
from agent.offline.conditions import codes, comparisons, negations
from agent.offline.draft import ALL, Draft, groups, limit
from agent.offline.fields import link
from agent.offline.forms import READERS, comparison, figures, silence
from agent.offline.moments import TimeReading, describe
from agent.offline.understanding import Reading
from agent.offline.wording import Wording, clean, empty
from telemetry.models import Catalog, Window

_LOGGED = re.compile(
    r"\b(?P<what>lines?|messages?|errors?|warnings?|records?|entries|events?|exceptions?|statements?|anything|nothing|everything|something|logs?)"
    r"(?: (?:that )?(?:was|were|are|is|been|got|get|gets|have been|has been))? logged(?: (?:in|on)(?= the\b|\s*$))?", re.IGNORECASE)
"""Lines are logged, users log in."""


def interpret(draft: Draft, wording: Wording, *, compared: bool = False) -> None:
    """Settle the operation of a draft whose words about time are gone."""
    if silence.silent(draft.text) and silence.gaps(draft):
        return
    draft.text = _LOGGED.sub(r"\g<what>", draft.text)
    comparisons(draft)
    codes(draft)
    negations(draft, wording)
    draft.text = re.sub(r"\s+", " ", draft.text).strip()
    _hinted(draft)
    if oddities.odd(draft):
        return
    if compared and comparison.compare(draft, windows=True):
        return
    for reader in READERS:
        before = (draft.text, list(draft.group_by), list(draft.filters), draft.bucket)
        if reader(draft):
            return
        draft.text, draft.group_by, draft.filters, draft.bucket = before
        draft.field, draft.noun, draft.kind, draft.order_by, draft.operation = None, "", "", None, "lines"
        draft.ambiguities, draft.stats = [a for a in draft.ambiguities if " was read as " not in a or "/" in a], ()
    _leftover(draft)


def _hinted(draft: Draft) -> None:
    """A field named in brackets, "request time (rt)", "latency (duration_ms)", is the value asked about."""
    for match in re.finditer(r"\((?P<name>[A-Za-z_][\w.]*)\s?=?\)", draft.text):
        linked = next((f for f in draft.catalog.fields if f.ref.removeprefix("param:").lower() == match["name"].lower()), None)
        if linked is None:
            continue
        noun = re.search(r"((?:[A-Za-z_][\w-]*\s+){1,2})$", draft.text[: match.start()])
        grouped = re.search(r"\b(?:per|by|for each|each)\s+[\w-]+\s*$", draft.text[: match.start()], re.I)
        if grouped:
            draft.text = re.sub(r"\s+", " ", f"{draft.text[: grouped.start()]} {draft.text[match.end():]}").strip()
            draft.group_by.append(linked.ref)
            return
        draft.text = re.sub(r"\s+", " ", f"{draft.text[: match.start()]} {draft.text[match.end():]}").strip()
        draft.hint = linked.ref
        if noun:
            draft.statements.append(f'"{noun[1].strip()}" was read as the field {match["name"]}')
        return


def finish(draft: Draft, wording: Wording, time: TimeReading) -> Reading:
    """The reading of a settled draft."""
    window, baseline = time.window, time.baseline
    if draft.operation == "compare" and baseline is None:
        window, baseline, said = oddities.sides(window, draft.catalog) if draft.newest else (*_sides(window, draft.catalog), "")
        draft.statements += [said] if said else []
    if draft.operation == "summary" and draft.newest and window == Window() and time.window == Window():
        window = oddities.sides(window, draft.catalog)[0]
        draft.statements.append(f"Now was read as the newest of the records: {describe(window)}")
    target = "" if empty(draft.text) else draft.text
    if draft.hint and draft.operation in {"stats", "top", "distinct", "lines"} and (draft.field or draft.noun or draft.kind):
        draft.field, draft.kind = draft.hint, ""
        draft.order_by = draft.hint if draft.order_by else None
        draft.ambiguities = [a for a in draft.ambiguities if " was read as " not in a]
    return Reading(
        operation=draft.operation, window=window, baseline=baseline, target=wording.restore(clean(target)),
        base_target=wording.restore(draft.base), filters=tuple(draft.filters), field=draft.field, noun=wording.restore(draft.noun),
        kind=draft.kind, stats=draft.stats, group_by=tuple(draft.group_by), bucket=draft.bucket, limit=draft.limit, order=draft.order,
        order_by=draft.order_by, statements=tuple(draft.statements), ambiguities=tuple(dict.fromkeys(draft.ambiguities)),
        confidence=0.4 if draft.guessed else 0.9, excluded=tuple(draft.excluded), yes_no=draft.yes_no, unusual=draft.unusual, guessed=draft.guessed,
    )


def _leftover(draft: Draft) -> None:
    """No question form fits: "errors by service", "status codes", "requests over 1 MB", or a bare search."""
    n = limit(draft)
    groups(draft)
    if draft.group_by and figures.added(draft):
        return
    if draft.group_by:
        draft.operation, draft.limit = ("trend", ALL) if draft.group_by == ["time"] else ("count", ALL)
        draft.drop(r"^(?:break ?down|breakdown|split|group|distribution|show|give|list|table)\b(?: me)?(?: down)?(?: of)?(?: the)?")
        keys = [key for key in draft.group_by if key != "time"]
        if n and len(draft.group_by) == 1 and keys:
            draft.operation, draft.field, draft.limit = "top", keys[0], n
        if draft.operation != "count":
            draft.group_by = []
        return
    words = clean(draft.text)
    linked = link(words, draft.catalog) if words and len(words.split()) < 3 and not re.search(r"\d", words) else None
    if linked is not None and linked.score >= 0.8 and linked.ref != "template" and words.lower().endswith("s") \
            and not draft.filters:
        draft.operation, draft.limit, draft.text = "top", n or 100, ""
        draft.choose(linked, words)
        return
    if re.fullmatch(r"(?:the )?(?:errors?|problems?|issues?|warnings?|failures?|exceptions?)", words, re.I):
        draft.operation, draft.limit = "summary", 15
        draft.text = "warnings" if words.lower().startswith("warn") else "errors"
        return
    draft.operation, draft.limit = "lines", n or 50
    draft.guessed = not draft.filters


def _sides(window: Window, catalog: Catalog) -> tuple[Window, Window | None]:
    """A comparison with one window: against all that was before it; with none, the second half of the data against the first."""
    first, last = catalog.first, catalog.last
    if window.start is None or last is None:
        if first is None or last is None:
            return window, None
        middle = window.end if window.end is not None and first < window.end <= last else first + (last - first) / 2
        return Window(start=middle, end=None), Window(start=None, end=middle)
    return window, Window(start=None, end=window.start)
