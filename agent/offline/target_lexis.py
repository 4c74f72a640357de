"""Where the words of a catalog's templates stand: one look at its vocabulary, not at every template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from agent.offline.target_lexicon import NEGATIONS
from agent.offline.words import (
    KIN,
    PIECE,
    SAME_STEM,
    SYNONYM,
    lemma,
    likeness,
    pieces,
    related_phrases,
    stem,
    tokens,
)
from telemetry.models import Template

Match = tuple[float, str]
_NONE: Match = (0.0, "")
_PARAM = 0.9
_Posting = tuple[int, int, float]
"""(template, place in it, share of the grade that counts there)"""


class Lexis:
    """An inverted index of templates by word, and of parameter names."""

    def __init__(self, templates: Sequence[Template]) -> None:
        """Read every template once."""
        self.templates = templates
        self._postings: dict[str, list[_Posting]] = defaultdict(list)
        self._parts: dict[str, list[_Posting]] = defaultdict(list)
        self._names: dict[str, set[int]] = defaultdict(set)
        for number, template in enumerate(templates):
            for token in tokens(template.pattern):
                share = 0.7 if token.negated and token.word not in NEGATIONS else 1.0
                table = self._parts if token.part else self._postings
                table[token.word].append((number, token.place, share))
            for param in template.params:
                for name in pieces(param.name):
                    self._names[name].add(number)
        self._rows: dict[str, dict[int, Match]] = {}

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the templates' constant text."""
        return frozenset(self._postings) | frozenset(self._parts)

    @cached_property
    def _stems(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = defaultdict(set)
        for table in (self._postings, self._parts):
            for word, postings in table.items():
                found[stem(word)].update(number for number, _, _ in postings)
        return found

    def row(self, word: str) -> dict[int, Match]:
        """Template number → how well it bears out ``word``, and by which word of its own (lemma).

        Constant text first; a compound asked for needs all its parts; else a parameter of that name.
        """
        if word not in self._rows:
            self._rows[word] = self._row(word)
        return self._rows[word]

    def written(self, word: str) -> bool:
        """Whether the constant text of some template bears out ``word``."""
        return any(grade >= KIN for grade, _ in self._text(word).values())

    def places(self, word: str) -> dict[int, set[int]]:
        """Template number → places where ``word`` or a synonym of it stands."""
        found: dict[int, set[int]] = defaultdict(set)
        for table in (self._postings, self._parts):
            for written, postings in table.items():
                if likeness(word, written) >= KIN:
                    for number, place, _ in postings:
                        found[number].add(place)
        return found

    def _row(self, word: str) -> dict[int, Match]:
        row = self._text(word)
        parts = pieces(word)
        if len(parts) > 1:
            each = [self._text(part) for part in parts[1:]]
            for number in set.intersection(*(set(found) for found in each)):
                whole = (min(found[number][0] for found in each), parts[0])
                if row.get(number, _NONE)[0] < SAME_STEM:
                    row[number] = max(row.get(number, _NONE), whole)
        for name, numbers in self._names.items():
            if likeness(word, name) >= SYNONYM:
                for number in numbers:
                    if row.get(number, _NONE)[0] < _PARAM:
                        row[number] = (_PARAM, lemma(word))
        return row

    def _text(self, word: str) -> dict[int, Match]:
        row: dict[int, Match] = {}
        for table, most in ((self._postings, 1.0), (self._parts, PIECE)):
            for written, postings in table.items():
                grade = min(likeness(word, written), most)
                if grade:
                    for number, _, share in postings:
                        if grade * share > row.get(number, _NONE)[0]:
                            row[number] = (grade * share, lemma(written))
        for phrase in related_phrases(word):
            for number in set.intersection(*(self._stems.get(part, set()) for part in phrase)):
                if row.get(number, _NONE)[0] < KIN:
                    row[number] = (KIN, "")
        return row
