"""Questions about what did not happen: answered by messages that say so, and never by those that say the opposite."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.offline.words import stem
from telemetry.models import Filter

_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot)|n['’]t)\s+(?:(?:yet|been|be|being|get|got|ever|have|has|had|successfully|properly|fully|correctly)\s+)*"
    r"(?P<done>[a-z]{2,}(?:ed|wn|en|ught|pt|id|nt|lt|st|ck|ne))\b"
    r"|\b(?:did|does|do|could|can|would|will)(?:\s+(?:not|never)|n['’]?t)\s+(?:yet\s+|ever\s+|even\s+)*(?P<does>[a-z]{3,})\b",
    re.IGNORECASE,
)
_NO_VERBS = frozenset("count include counting including want need mind care matter show list know understand see mean just only".split())
_NEGATIVE = re.compile(
    r"\b(?:not|no|none|never|cannot|can['’]t|couldn['’]t|didn['’]t|doesn['’]t|isn['’]t|won['’]t|unable|fail\w*|without|miss\w*|reject\w*|"
    r"den(?:y|ied|ies)|refus\w*|abort\w*|drop\w*|lost|losing|time[sd]?[ _-]?out|timeout|skip\w*|ignor\w*|error|invalid|in?valid|un[a-z]{3,}|"
    r"dis[a-z]{3,}|expired|cancel\w*|gave up|giving up|stuck|pending|wait\w*|still|remain\w*|false)\b",
    re.IGNORECASE,
)
_NEGATED = frozenset({"ne", "not_in", "not_word", "not_regex", "not_contains"})


@dataclass(frozen=True, slots=True)
class Denied:
    """What a question says was not done: ``said`` as it says it, ``verb`` the deed."""

    said: str
    verb: str


def denied(question: str) -> Denied | None:
    """The deed that a question denies; None for any other question."""
    for match in _DENIED.finditer(question):
        verb = (match["done"] or match["does"]).lower()
        if verb not in _NO_VERBS:
            return Denied(re.sub(r"^n['’]t", "not", " ".join(match[0].split())), verb)
    return None


def kept(deed: Denied, filters: Iterable[Filter], chosen: Iterable[str], others: Iterable[str]) -> bool:
    """Whether conditions or messages still say that the deed was not done.

    ``chosen`` are the patterns of the messages that would answer, ``others`` those of all. Where some message says
    that it was done, one that says the contrary must be about it, too.
    """
    if any(item.op in _NEGATED for item in filters):
        return True
    contrary = [pattern for pattern in chosen if _NEGATIVE.search(pattern)]
    done = any(_about(pattern, deed.verb) and not _NEGATIVE.search(pattern) for pattern in others)
    return any(_about(pattern, deed.verb) for pattern in contrary) or bool(contrary) and not done


def _about(pattern: str, verb: str) -> bool:
    return any(stem(word) == stem(verb) for word in re.findall(r"[a-z]{2,}", pattern.lower()))
