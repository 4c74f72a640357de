"""A question read: operation, window, subject, grouping, and the words that say which records."""

from __future__ import annotations

import re
from datetime import datetime

from agent.offline.draft import Draft
from agent.offline.fields import candidates
from agent.offline.followup import follow
from agent.offline.grammar import BARE_FOLLOW, COMMAND, FOLLOW, INJECTION, OFF_TOPIC, PRONOUN, WHY
from agent.offline.interpreting import finish, interpret
from agent.offline.lexicon import spell
from agent.offline.times import find_window
from agent.offline.understanding import Reading, Refusal
from agent.offline.wording import word
from telemetry.models import Catalog

LONGEST = 2000


def read(question: str, catalog: Catalog, now: datetime, previous: Reading | None) -> Reading | Refusal:
    """Read one question against the vocabulary of the store; ``previous`` is the conversation's last reading."""
    refusal = _unreadable(question, catalog)
    if refusal:
        return refusal
    wording = word(question, frozenset(f.ref.removeprefix("param:").lower() for f in catalog.fields))
    text, repaired = spell(wording.text, catalog)
    if previous is not None and _follows(text, previous):
        return follow(text, wording, catalog, now, previous)
    time = find_window(text, now, catalog.last, catalog.first)
    draft = Draft(catalog, time.rest(text), ambiguities=list(time.ambiguities))
    draft.statements += [f'"{wrong}" was read as "{right}"' for wrong, right in repaired]
    if time.statement:
        draft.statements.append(f"Time: {time.statement}")
    interpret(draft, wording, compared=time.baseline is not None)
    reading = finish(draft, wording, time)
    if previous is not None and _elliptical(reading, text, previous):
        return follow(text, wording, catalog, now, previous)
    return reading


def _elliptical(reading: Reading, text: str, previous: Reading) -> bool:
    """A short question that names no records, right after one that does: "top 10 users?", "p95?", "over time"."""
    named = reading.target or reading.filters or reading.window.start or reading.window.end or reading.excluded
    return not named and bool(previous.target or previous.filters) and len(text.split()) <= 6 and \
        reading.operation in {"top", "trend", "distinct", "stats", "first", "last", "count"} and not re.search(r"\ball\b|\bin total\b|\boverall\b|\bwhole\b", text, re.I)


def _follows(text: str, previous: Reading) -> bool:
    about = bool(previous.target or previous.filters or previous.group_by or previous.field)
    return bool(FOLLOW.search(text) or (about and (BARE_FOLLOW.fullmatch(text) or PRONOUN.search(text))))


def _unreadable(question: str, catalog: Catalog) -> Refusal | None:
    text = question.strip()
    nearest = offers(catalog)
    if not re.search(r"[A-Za-z]{2}", text) and not re.search(r"\d", text):
        return Refusal("There is no question here.", nearest)
    if len(text) > LONGEST:
        return Refusal(f"The question has {len(text):,} characters; I read questions of up to {LONGEST:,}. "
                       "Logs go in with: oncalm ingest", nearest)
    if INJECTION.search(text):
        return Refusal("This is not a question about the logs.", nearest)
    if OFF_TOPIC.search(text) and not _named(text, catalog):
        return Refusal("This is not a question about the logs.", nearest)
    if COMMAND.search(text):
        return Refusal("I only read logs here: I change nothing.", nearest)
    if WHY.search(text):
        return Refusal("Finding causes is not part of this build; I can show what the logs say.", (
            "what changed compared with the hour before", "summarise the errors", "errors per minute"))
    return None


def _named(text: str, catalog: Catalog) -> bool:
    """Whether some off-topic looking word is a word of these logs."""
    said = {w for w in re.findall(r"[a-z]{4,}", text.lower()) if OFF_TOPIC.search(w)}
    return bool(said) and any(said & set(re.findall(r"[a-z]{4,}", t.pattern.lower())) for t in catalog.templates)


def offers(catalog: Catalog) -> tuple[str, ...]:
    """Questions that these logs can answer."""
    names = candidates(catalog, 3)
    found = ["how many errors in the last hour", "summarise the errors", "errors per minute",
             "what changed compared with the hour before"]
    return (*(f"top 5 {name}" for name in names), *found)
