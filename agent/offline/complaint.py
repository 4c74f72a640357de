"""What is complained of: since when, who shows it, and in which way. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.offline.times import find_window
from telemetry.models import Window

_ASPECTS = (
    ("memory", r"memory|oom(?:[ -]?kill\w*)?|heap|swap\w*|leak\w*|ram"),
    ("cpu", r"cpu|throttl\w+|load average"),
    ("disk", r"disks?|i/?o|filesystem|volume|inodes?"),
    ("network", r"network|packets?|dns|connection resets?|retransmi\w+"),
    ("latency", r"slow\w*|latenc\w+|lag\w*|time[sd]?[ -]?outs?|timing out|delay\w*|hang\w*|stuck|p9[059]|response times?"),
    ("errors", r"errors?|fail\w*|5xx|50[0-4]|exceptions?|broken|down|unavailable|crash\w*|restart\w*|reject\w*"),
    ("traffic", r"traffic|throughput|request rate|no requests|drop(?:s|ped)? in"),
)
"""The first that is named counts: "timeouts because memory is full" is said of memory."""
_WHY = re.compile(
    r"^\W*(?:(?:please|can you|could you|tell me|explain|find out)\s+){0,3}"
    r"(?:why(?:\s+(?:did|do|does|is|are|was|were|has|have|had|would|can|could|can['’]?t|cannot|couldn['’]?t|won['’]?t|isn['’]?t|aren['’]?t"
    r"|doesn['’]?t|don['’]?t|didn['’]?t))?|what(?:['’]s|\s+is|\s+was)?\s+(?:the\s+)?(?:root\s+)?caus(?:es?|ed|ing)(?:\s+(?:of|for))?"
    r"|root\s+cause(?:\s+(?:of|for))?)\s+(?:all\s+)?(?:the|our|my)?\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TAILS = re.compile(r"[-_.]?(?:service|svc|server|api|app)$", re.IGNORECASE)


def symptom_of(question: str) -> str | None:
    """The question that looks at what a why-question is about; None for any other question."""
    match = _WHY.match(question)
    rest = question[match.end() :].strip(" ?.!") if match else ""
    return f"summarise {rest}" if rest else None


def asks_why(question: str) -> bool:
    """Whether a question asks for a cause."""
    return symptom_of(question) is not None


@dataclass(frozen=True, slots=True)
class Complaint:
    """``service`` and ``aspect`` are empty when nothing was said of them; ``statements`` say how it was read."""

    window: Window
    service: str
    aspect: str
    about: str = ""
    """What is complained of, without the words that ask and those about time."""
    statements: tuple[str, ...] = ()


def read_complaint(
    text: str, services: Sequence[str], now: datetime, newest: datetime | None, first: datetime | None, window: Window | None = None,
) -> Complaint:
    """Read a symptom in words over known ``services``; ``window`` from elsewhere wins over what the words say."""
    said = find_window(text, now, newest, first)
    statements = [said.statement] if said.statement and window is None else []
    rest = "".join(" " if any(low <= at < high for low, high in said.spans) else char for at, char in enumerate(text))
    named = _named(rest, services)
    if len(named) > 1:
        statements.append(f"several services answer to these words ({', '.join(named[:5])}): none was taken as the one with the symptom")
    aspect = next((name for name, words in _ASPECTS if re.search(rf"\b(?:{words})\b", rest, re.IGNORECASE)), "")
    about = _WHY.sub("", re.sub(r"\s+", " ", rest)).strip(" ?.!")
    return Complaint(window or said.window, named[0] if len(named) == 1 else "", aspect, about, tuple(statements))


def _named(text: str, services: Sequence[str]) -> list[str]:
    """Services whose name, or name without "service" and the like, stands in the text; else whose name begins with a word of it."""
    words = [word.lower().rstrip(".") for word in _WORD.findall(text)]
    exact = [name for name in services if name.lower() in words]
    if exact:
        return exact
    short = [name for name in services if _TAILS.sub("", name.lower()) in words]
    return short or [name for name in services if any(len(word) >= 4 and name.lower().startswith(word) for word in words)]
