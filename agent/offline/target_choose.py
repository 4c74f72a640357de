"""The set of templates a phrase denotes: every instance of the concept, none of its neighbours.

Each word of the phrase supports each template to a degree (``words.support``), weighted by how few
templates it fits (IDF) — a word nothing fits is set aside. The best template sets the profile; another
belongs to the set when it supports every telling word as firmly. "failed logins" then takes all the
``Failed password`` templates and leaves ``authentication failure``, which says it less directly, as
another reading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.offline.target_terms import WEAK
from agent.offline.words import (
    KIN,
    SAME_STEM,
    likeness,
    lemma,
    pieces,
    support,
    tokens,
    typing_error,
)
from telemetry.models import Template

_SURE = 0.7
"""Score of the best template by words from which meaning need not be asked."""
_LEAST = 0.3
_SLACK = 0.05
_NEARBY = 0.08
_PARAM = 0.95
_SEMANTIC_FLOOR = 0.35
_LEXICAL_FLOOR = 0.5


class TemplateSearch(Protocol):
    """Templates near a text by meaning; ``vectorstore.index.TemplateIndex`` is one."""

    @property
    def lexical(self) -> bool:
        """True when only spelling is compared."""

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """(template id, cosine) pairs, best first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Chosen template ids with scores, the words that nothing fits, and the runners-up."""

    chosen: tuple[tuple[str, float], ...]
    unmatched: tuple[str, ...]
    near: tuple[str, ...]
    coverage: float
    by_meaning: bool
    corrected: tuple[tuple[str, str], ...] = ()


def choose(words: Sequence[str], templates: Sequence[Template], search: TemplateSearch | None) -> Choice:
    """The templates that ``words`` (content words in order) denote, among ``templates``."""
    vocabulary = frozenset(token.word for template in templates for token in tokens(template.pattern))
    table = {word: [_supported(word, template) for template in templates] for word in words}
    corrected = {w: fix for w in words if not any(table[w]) and (fix := typing_error(w, vocabulary))}
    for word, fix in corrected.items():
        table[word] = [0.8 * _supported(fix, template) for template in templates]
    fitting = [word for word in words if any(table[word])]
    unmatched = tuple(word for word in words if word not in fitting)
    weights = {word: _weight(word, table[word]) for word in fitting}
    total = sum(weights.values())
    scores = [
        sum(weights[w] * table[w][i] for w in fitting) / total + _closeness(fitting, template) if total else 0.0
        for i, template in enumerate(templates)
    ]
    strong = [w for w in words if w not in WEAK]
    covered = sum(weights.get(w, 0.0) for w in fitting if w in strong)
    lost = 0.7 * len([w for w in strong if w in unmatched])
    coverage = max(scores, default=0.0) * covered / max(covered + lost, 1e-9)
    blended = None
    if search is not None and strong and not _settled(scores, fitting, strong):
        blended = _blend(scores, " ".join(words), templates, search)
    telling = [w for w in fitting if weights[w] / total >= 0.1]
    picked, near = _members(templates, telling, table, scores, blended)
    return Choice(picked, unmatched, near, coverage, blended is not None, tuple(corrected.items()))


def _settled(scores: list[float], fitting: Sequence[str], strong: Sequence[str]) -> bool:
    """Words alone decide when the best template bears out most of them."""
    known = [word for word in strong if word in fitting]
    return max(scores, default=0.0) >= _SURE and len(known) * 2 >= len(strong)


def _supported(word: str, template: Template) -> float:
    """Constant text first; else a parameter of that name; a compound asked for needs all its parts."""
    direct = support(word, template.pattern)
    parts = pieces(word)
    if direct < SAME_STEM and len(parts) > 1:
        direct = max(direct, min(support(part, template.pattern) for part in parts[1:]))
    if direct < KIN and any(likeness(word, p) >= 0.8 for param in template.params for p in pieces(param.name)):
        return _PARAM
    return direct


def _weight(word: str, row: list[float]) -> float:
    fits = sum(1.0 for value in row if value >= KIN)
    rarity = math.log((len(row) + 1) / (fits + 0.5)) + 0.3
    return min(rarity, 1.0) * 0.2 if word in WEAK else max(rarity, 0.15)


def _closeness(words: Sequence[str], template: Template) -> float:
    """Up to 0.1 for neighbours of the question that are neighbours in the template."""
    places: list[list[int]] = [
        [t.place for t in tokens(template.pattern) if likeness(word, t.word) >= KIN] for word in words
    ]
    pairs = [(a, b) for a, b in zip(places, places[1:], strict=False)]
    if not pairs:
        return 0.0
    joined = sum(1 for a, b in pairs if any(abs(x - y) == 1 for x in a for y in b))
    return 0.1 * joined / len(pairs)


def _blend(
    scores: list[float], text: str, templates: Sequence[Template], search: TemplateSearch
) -> list[float] | None:
    """``scores`` with meaning added, the more the less words say; None when no template is near."""
    found = dict(search.search(text, max(20, len(templates))))
    floor = _LEXICAL_FLOOR if search.lexical else _SEMANTIC_FLOOR
    share = (0.2 if search.lexical else 0.5) * (1.0 - min(1.0, max(scores, default=0.0)))
    near = [max(0.0, found.get(template.id, 0.0) - floor) for template in templates]
    if not any(near):
        return None
    return [s + share * min(1.0, n / 0.4 + 0.3) if n else s for s, n in zip(scores, near, strict=True)]


def _members(
    templates: Sequence[Template],
    telling: Sequence[str],
    table: dict[str, list[float]],
    scores: list[float],
    blended: list[float] | None,
) -> tuple[tuple[tuple[str, float], ...], tuple[str, ...]]:
    """(ids with scores in the set, ids close to it): those that bear out every telling word like the best."""
    order = blended or scores
    best = max(order, default=0.0)
    if best < _LEAST:
        return (), ()
    lead = max(range(len(order)), key=lambda i: (order[i], -len(templates[i].pattern)))
    by_words = scores[lead] >= _LEAST
    judged = scores if by_words else order
    picked: list[tuple[str, float]] = []
    near: list[str] = []
    for i, template in enumerate(templates):
        firm = all(table[w][i] >= table[w][lead] - _SLACK for w in telling)
        if i == lead or (firm and judged[i] >= judged[lead] - _NEARBY):
            picked.append((template.id, round(order[i], 4)))
        elif order[i] >= best - 2.5 * _NEARBY:
            near.append(template.id)
    picked.sort(key=lambda pair: -pair[1])
    return tuple(picked), tuple(near)


def same_words(phrase: str, pattern: str) -> bool:
    """Whether the words of ``phrase`` stand in ``pattern`` in order, other text between them allowed."""
    wanted = [lemma(word) for run in phrase.split() for word in pieces(run)[:1]]
    at = 0
    for token in tokens(pattern):
        if at < len(wanted) and lemma(token.word) == wanted[at]:
            at += 1
    return bool(wanted) and at == len(wanted)
