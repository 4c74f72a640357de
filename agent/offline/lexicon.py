"""Words of questions, as data, and the repair of their commonest misspellings."""

from __future__ import annotations

import re

from agent.offline.everyday import EVERYDAY
from telemetry.models import Catalog

QUESTION_WORDS = frozenset("""
many number count show list which what when where users user hosts host address addresses services service average
median maximum minimum percent percentage share total largest smallest longest slowest busiest errors error failed
failures warnings hour hours minute minutes yesterday today between since before after during most least common
frequent different distinct unique first last summarise summarize happened lines messages compare changed level
levels peak percentile often silence requests duration latency template pattern logger component trend
morning afternoon evening night around monday tuesday wednesday thursday friday saturday sunday
""".split())
_FIVE = 5


def spell(text: str, catalog: Catalog) -> tuple[str, list[tuple[str, str]]]:
    """``text`` with misspelt question words repaired, and what was repaired; words of the logs are kept."""
    known = {w for t in catalog.templates for w in re.findall(r"[a-z]+", f"{t.pattern} {t.display}".lower())}
    known |= {v.lower() for f in catalog.fields for v, _ in f.values}
    repaired: list[tuple[str, str]] = []

    def repair(match: re.Match[str]) -> str:
        word = match[0].lower()
        if word in known or word in EVERYDAY or {word, word.rstrip("s"), f"{word}s", word.removesuffix("d"), word.removesuffix("ed")} & QUESTION_WORDS:
            return match[0]
        found = sorted(w for w in QUESTION_WORDS if _close(word, w))
        if len(found) != 1:
            return match[0]
        repaired.append((match[0], found[0]))
        return found[0]

    return re.sub(r"(?<![\w./:@-])[A-Za-z]{4,12}(?![\w./:@-])", repair, text), repaired


def _close(word: str, right: str) -> bool:
    """One swap of neighbours, or (longer words, same first letter) one letter too many, missing or wrong."""
    if word[0] != right[0] or abs(len(word) - len(right)) > 1:
        return False
    if len(word) == len(right):
        wrong = [i for i, (a, b) in enumerate(zip(word, right, strict=True)) if a != b]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return word[wrong[0]] == right[wrong[1]] and word[wrong[1]] == right[wrong[0]]
        return len(wrong) == 1 and len(word) > _FIVE
    short, long = sorted((word, right), key=len)
    return len(short) >= _FIVE and any(long[:i] + long[i + 1:] == short for i in range(len(long)))
