"""The set of templates a phrase denotes: every instance of the concept, none of its neighbours.

Each word of the phrase is borne out by each template to a grade (``words.match``), weighted by how few
templates it fits (IDF); a word that nothing fits is set aside. The best template leads; another belongs
to its set when it bears out every telling word as firmly and, where a synonym was taken, by the same
word of the logs. "unsuccessful logins" thus takes all the ``Failed password`` templates or all the
``authentication failure`` ones, never both: they are two records of one event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from agent.offline.everyday import EVERYDAY
from agent.offline.target_lexis import Lexis, Match
from agent.offline.target_terms import WEAK
from agent.offline.words import KIN, lemma, pieces, tokens, typing_error
from telemetry.models import Template

_SURE = 0.7
"""Score of the best template by words from which meaning need not be asked."""
_LEAST = 0.3
_LOST = 1.2
"""What a word that nothing fits weighs: about that of a word which fits a third of the templates."""
_SLACK = 0.025
_NEARBY = 0.08
_NAME_ONLY = 0.3
"""Share of its weight that a word keeps when only parameters are called so: it says what is asked for."""
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
    """Chosen (template id, score) pairs, the runners-up, and how far the words carried."""

    chosen: tuple[tuple[str, float], ...] = ()
    near: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Words that no template fits."""
    missing: tuple[str, ...] = ()
    """Words that the chosen templates do not bear out, though others may."""
    coverage: float = 0.0
    by_meaning: bool = False
    corrected: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Grades:
    """The match of every word with every template, and what follows for whole templates."""

    words: tuple[str, ...]
    table: dict[str, dict[int, Match]]
    weights: dict[str, float]
    scores: list[float]

    def at(self, word: str, number: int) -> Match:
        return self.table[word].get(number, (0.0, ""))

    def telling(self) -> list[str]:
        total = sum(self.weights.values()) or 1.0
        return [word for word, weight in self.weights.items() if weight / total >= 0.1]


def choose(
    words: Sequence[str],
    templates: Sequence[Template],
    search: TemplateSearch | None,
    weak: frozenset[str] = WEAK,
) -> Choice:
    """The templates that ``words`` (content words in order) denote; ``weak`` words only break ties."""
    lexis = Lexis(templates)
    corrected = _corrections(words, lexis)
    grades = _grades([corrected.get(word, word) for word in words], lexis, weak)
    unmatched = tuple(w for w in words if corrected.get(w, w) not in grades.weights and w not in EVERYDAY)
    coverage = _coverage(grades, weak)
    blended = None
    if search is not None and any(w not in weak for w in words) and coverage < _SURE:
        blended = _blend(grades.scores, " ".join(words), templates, search)
    picked, near = _members(templates, grades, blended)
    chosen = tuple((templates[i].id, round((blended or grades.scores)[i], 4)) for i in picked)
    missing = tuple(w for w in grades.words if picked and all(grades.at(w, i)[0] < KIN for i in picked))
    return Choice(
        chosen, tuple(templates[i].id for i in near), unmatched, missing, coverage,
        blended is not None, tuple(corrected.items()),
    )  # fmt: skip


def grade(
    words: Sequence[str], templates: Sequence[Template], search: TemplateSearch | None
) -> dict[str, float]:
    """How well each template fits ``words``, by words and meaning: for ranking, not for choosing."""
    grades = _grades(words, Lexis(templates), WEAK)
    blended = None
    if search is not None and words:
        blended = _blend(grades.scores, " ".join(words), templates, search)
    return dict(zip((template.id for template in templates), blended or grades.scores, strict=True))


def _corrections(words: Sequence[str], lexis: Lexis) -> dict[str, str]:
    lost = [word for word in words if word not in EVERYDAY and not lexis.row(word)]
    return {word: fix for word in lost if (fix := typing_error(word, lexis.vocabulary))}


def _grades(words: Sequence[str], lexis: Lexis, weak: frozenset[str]) -> _Grades:
    table = {word: lexis.row(word) for word in words}
    size = len(lexis.templates)
    weights = {
        word: _weight(row, size, weak=word in weak) * (1.0 if lexis.written(word) else _NAME_ONLY)
        for word, row in table.items()
        if row
    }
    total = sum(weights.values()) or 1.0
    scores = _closeness(list(weights), lexis)
    for word, weight in weights.items():
        for number, (value, _) in table[word].items():
            scores[number] += weight * value / total
    return _Grades(tuple(dict.fromkeys(words)), table, weights, scores)


def _weight(row: dict[int, Match], size: int, *, weak: bool) -> float:
    fits = sum(1.0 for value, _ in row.values() if value >= KIN)
    rarity = math.log((size + 1) / (fits + 0.5)) + 0.3
    return min(rarity, 1.0) * 0.2 if weak else max(rarity, 0.15)


def _closeness(words: Sequence[str], lexis: Lexis) -> list[float]:
    """For each template up to 0.1, when neighbours of the question are neighbours in it."""
    near = [0.0] * len(lexis.templates)
    pairs = list(pairwise(lexis.places(word) for word in words))
    for left, right in pairs:
        for number in left.keys() & right.keys():
            if any(place + step in right[number] for place in left[number] for step in (-1, 1)):
                near[number] += 0.1 / len(pairs)
    return near


def _coverage(grades: _Grades, weak: frozenset[str]) -> float:
    """How much of the question the best template bears out, counting what nothing bears out."""
    strong = [word for word in grades.words if word not in weak]
    known = sum(grades.weights.get(word, 0.0) for word in strong)
    lost = _LOST * sum(1 for word in strong if word not in grades.weights and word not in EVERYDAY)
    return max(grades.scores, default=0.0) * known / (known + lost) if known else 0.0


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
    templates: Sequence[Template], grades: _Grades, blended: list[float] | None
) -> tuple[list[int], list[int]]:
    """(places of the set, places close to it), best first."""
    order = blended or grades.scores
    best = max(order, default=0.0)
    if best < _LEAST:
        return [], []
    first = order.index(best)
    telling = grades.telling()
    leads = [
        i
        for i in range(len(order))
        if order[i] >= best - _NEARBY
        and all(grades.at(w, i)[0] >= grades.at(w, first)[0] - 1e-9 for w in telling)
    ]
    families = [_family(i, templates, grades, order) for i in leads]
    family = max(families, key=lambda members: sum(templates[i].count for i in members))
    picked = sorted(family, key=lambda i: -order[i])
    near = [i for i in range(len(order)) if i not in family and order[i] >= best - 2.5 * _NEARBY]
    return picked, near


def _family(lead: int, templates: Sequence[Template], grades: _Grades, order: list[float]) -> list[int]:
    """Templates that bear out every telling word as ``lead`` does."""
    judged = grades.scores if grades.scores[lead] >= _LEAST else order
    telling = grades.telling()
    return [
        i
        for i in range(len(templates))
        if i == lead
        or (
            judged[i] >= judged[lead] - _NEARBY
            and all(_alike(grades.at(word, lead), grades.at(word, i)) for word in telling)
        )
    ]


def _alike(lead: Match, other: Match) -> bool:
    """As firm; and a synonym must be the same one, while kin phrases may differ: they list symptoms."""
    firm = other[0] >= lead[0] - _SLACK
    return firm and (lead[0] <= KIN or lead[0] >= 1.0 or other[0] > lead[0] + _SLACK or lead[1] == other[1])


def same_words(phrase: str, pattern: str) -> bool:
    """Whether the words of ``phrase`` stand in ``pattern`` in order, other text between them allowed."""
    wanted = [lemma(word) for run in phrase.split() for word in pieces(run)[:1]]
    at = 0
    for token in tokens(pattern):
        if at < len(wanted) and lemma(token.word) == wanted[at]:
            at += 1
    return bool(wanted) and at == len(wanted)
