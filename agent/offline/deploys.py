"""When "the deploy" was: the newest change on record, else the newest message that tells of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from telemetry.models import Catalog, Template
from telemetry.records import Change

Changes = Callable[[], Sequence[Change]]
_SINCE = re.compile(
    r"\b(?P<rel>since|after)\s+(?:the |our |that )?(?:(?:last|latest|newest|most recent|new)\s+)?(?P<what>deploy(?:ment)?|release|roll-?out|upgrade|config(?:uration)? change)"
    r"(?:\s+(?:of|to)\s+(?:the\s+)?(?P<of>[\w.-]+))?(?!\w)", re.IGNORECASE)
_TELLS = re.compile(r"\b(?:deploy(?:ed|ing|ment)?|releas(?:ed|ing)|roll(?:ed|ing)[ -]?out|upgrad(?:ed|ing))\b", re.IGNORECASE)
_STARTS = re.compile(r"\b(?:start(?:ed|ing|s)?|boot(?:ed|ing)?|launch(?:ed|ing)?|running|init\w*)\b.*\bversion\b|\bversion\b.*\b(?:start|boot|launch)\w*", re.IGNORECASE)
_SETTING = re.compile(r"config", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dated:
    """The question with a time in place of the deploy. ``missing``: it speaks of one, and none is known."""

    question: str
    statement: str = ""
    missing: str = ""


def dated(question: str, catalog: Catalog, changes: Changes) -> Dated:
    """Put the time of the newest deploy where a question says "since the deploy"; one that says nothing of it stays."""
    match = _SINCE.search(question)
    if match is None:
        return Dated(question)
    what, of = match["what"].lower(), (match["of"] or "").lower()
    known = [one for one in changes() if (not of or one.service.lower() == of) and (_SETTING.search(what) is not None) == (_SETTING.search(one.kind) is not None)]
    if known:
        newest = max(known, key=lambda one: one.time)
        return _put(question, match, datetime.fromtimestamp(newest.time / 1_000_000, UTC), f"the {what} is taken to be the newest on record: {newest.title or newest.kind}")
    told = [(when, one) for one in catalog.templates if (when := one.last_seen) is not None and _of(one, of)]
    if told:
        when, one = max(told, key=lambda pair: (pair[0], pair[1].id))
        return _put(question, match, when, f"no {what} is on record; taken for it is the last message like '{one.display}'")
    return Dated(question, missing=f"No {what}{f' of {of}' if of else ''} is on record and no message tells of one, so I do not know since when to look. Say a time, as \"since 13:40\"")


def _of(template: Template, service: str) -> bool:
    text = template.display
    return bool(_TELLS.search(text) or _STARTS.search(text)) and (not service or service in text.lower() or service in map(str.lower, template.services))


def _put(question: str, match: re.Match[str], when: datetime, statement: str) -> Dated:
    moment = f"{when:%Y-%m-%d %H:%M:%S}"
    return Dated(f"{question[: match.start()]}{match['rel']} {moment}{question[match.end():]}", f"{statement}, at {moment} UTC")
