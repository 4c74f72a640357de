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

from agent.offline.target_terms import WEAK
from agent.offline.words import KIN, SAME_STEM, SYNONYM, lemma, likeness, match, pieces, tokens, typing_error
from telemetry.models import Template

_SURE = 0.7
"""Score of the best template by words from which meaning need not be asked."""
_LEAST = 0.3
_LOST = 1.2
"""What a word that nothing fits weighs: about that of a word which fits a third of the templates."""
_SLACK = 0.025
_NEARBY = 0.08
_PARAM = 0.9
_NAME_ONLY = 0.3
"""Share of its weight that a word keeps when only parameters are called so: it says what is asked for."""
_SEMANTIC_FLOOR = 0.35
_LEXICAL_FLOOR = 0.5

Match = tuple[float, str]


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
    table: dict[str, list[Match]]
    weights: dict[str, float]
    scores: list[float]

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
    corrected = _corrections(words, templates)
    grades = _grades([corrected.get(word, word) for word in words], templates, weak)
    unmatched = tuple(w for w in words if corrected.get(w, w) not in grades.weights)
    coverage = _coverage(grades, weak)
    blended = None
    if search is not None and any(w not in weak for w in words) and coverage < _SURE:
        blended = _blend(grades.scores, " ".join(words), templates, search)
    picked, near = _members(templates, grades, blended)
    chosen = tuple((templates[i].id, round((blended or grades.scores)[i], 4)) for i in picked)
    missing = tuple(w for w in grades.words if picked and all(grades.table[w][i][0] < KIN for i in picked))
    return Choice(
        chosen, tuple(templates[i].id for i in near), unmatched, missing, coverage,
        blended is not None, tuple(corrected.items()),
    )  # fmt: skip


def grade(
    words: Sequence[str], templates: Sequence[Template], search: TemplateSearch | None
) -> dict[str, float]:
    """How well each template fits ``words``, by words and meaning: for ranking, not for choosing."""
    grades = _grades(words, templates, WEAK)
    blended = None
    if search is not None and words:
        blended = _blend(grades.scores, " ".join(words), templates, search)
    return dict(zip((template.id for template in templates), blended or grades.scores, strict=True))


def _corrections(words: Sequence[str], templates: Sequence[Template]) -> dict[str, str]:
    vocabulary = frozenset(token.word for template in templates for token in tokens(template.pattern))
    lost = [word for word in words if not any(_matched(word, template)[0] for template in templates)]
    return {word: fix for word in lost if (fix := typing_error(word, vocabulary))}


def _grades(words: Sequence[str], templates: Sequence[Template], weak: frozenset[str]) -> _Grades:
    table = {word: [_matched(word, template) for template in templates] for word in words}
    weights = {
        word: _weight(row, weak=word in weak) * (1.0 if _written(word, templates) else _NAME_ONLY)
        for word, row in table.items()
        if any(value for value, _ in row)
    }
    total = sum(weights.values()) or 1.0
    close = [_closeness(list(weights), template) for template in templates]
    fit = [sum(w * table[word][i][0] for word, w in weights.items()) / total for i in range(len(templates))]
    scores = [f + c for f, c in zip(fit, close, strict=True)]
    return _Grades(tuple(dict.fromkeys(words)), table, weights, scores if weights else [0.0] * len(templates))


def _matched(word: str, template: Template) -> Match:
    """Constant text first; a compound asked for needs all its parts; else a parameter of that name."""
    direct, by = match(word, template.pattern)
    parts = pieces(word)
    if direct < SAME_STEM and len(parts) > 1:
        weakest = min(match(part, template.pattern)[0] for part in parts[1:])
        direct, by = max((direct, by), (weakest, parts[0]))
    names = (piece for param in template.params for piece in pieces(param.name))
    if direct < _PARAM and any(likeness(word, name) >= SYNONYM for name in names):
        return _PARAM, lemma(word)
    return direct, by


def _written(word: str, templates: Sequence[Template]) -> bool:
    return any(match(word, template.pattern)[0] >= KIN for template in templates)


def _weight(row: list[Match], *, weak: bool) -> float:
    fits = sum(1.0 for value, _ in row if value >= KIN)
    rarity = math.log((len(row) + 1) / (fits + 0.5)) + 0.3
    return min(rarity, 1.0) * 0.2 if weak else max(rarity, 0.15)


def _closeness(words: Sequence[str], template: Template) -> float:
    """Up to 0.1 for neighbours of the question that are neighbours in the template."""
    written = tokens(template.pattern)
    places = [[t.place for t in written if likeness(word, t.word) >= KIN] for word in words]
    pairs = list(pairwise(places))
    joined = sum(1 for a, b in pairs if any(abs(x - y) == 1 for x in a for y in b))
    return 0.1 * joined / len(pairs) if pairs else 0.0


def _coverage(grades: _Grades, weak: frozenset[str]) -> float:
    """How much of the question the best template bears out, counting what nothing bears out."""
    strong = [word for word in grades.words if word not in weak]
    known = sum(grades.weights.get(word, 0.0) for word in strong)
    lost = _LOST * sum(1 for word in strong if word not in grades.weights)
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
        and all(grades.table[w][i][0] >= grades.table[w][first][0] - 1e-9 for w in telling)
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
            and all(_alike(grades.table[word][lead], grades.table[word][i]) for word in telling)
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
