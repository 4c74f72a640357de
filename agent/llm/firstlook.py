"""Why-questions: what they are about is looked at first, so that the model begins with the symptom in its hands."""

from __future__ import annotations

import re

_WHY = re.compile(
    r"^\W*(?:(?:please|can you|could you|tell me|explain|find out)\s+){0,3}"
    r"(?:why(?:\s+(?:did|do|does|is|are|was|were|has|have|had|would|can|could|can['’]?t|cannot|couldn['’]?t|won['’]?t|isn['’]?t|aren['’]?t"
    r"|doesn['’]?t|don['’]?t|didn['’]?t))?|what(?:['’]s|\s+is|\s+was)?\s+(?:the\s+)?(?:root\s+)?caus(?:es?|ed|ing)(?:\s+(?:of|for))?"
    r"|root\s+cause(?:\s+(?:of|for))?)\s+(?:all\s+)?(?:the|our|my)?\s*",
    re.IGNORECASE,
)
SAID = "The cause is asked for; this is what the records show of it, not why"


def symptom_of(question: str) -> str | None:
    """The question that looks at what a why-question is about; None for any other question."""
    match = _WHY.match(question)
    rest = question[match.end() :].strip(" ?.!") if match else ""
    return f"summarise {rest}" if rest else None
