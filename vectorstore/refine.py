"""Refinement: Drain's clusters split where words tell messages apart, and merged where only values differ."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vectorstore.naming import names_value, takes_name
from vectorstore.patterns import VAR, WILD, Shape, affix, collapse, holds_units, normalise, pattern_of

PLACEHOLDER = re.compile(r"<:([a-z0-9]+):>")
_WORD = re.compile(r"[^\d]*[A-Za-z][^\d]*")
_MARK = re.compile(r"(?!-+$|\?+$)[^\w\x01\x04]+")
_CAPS = re.compile(r"[^a-z\d\x01]*[A-Z][^a-z\d\x01]*[A-Z][^a-z\d\x01]*")
_FIELD = re.compile(r"(?:.*[\[({<\"]\w+|[\[({<\"]?\w*(?:[a-z][A-Z]|[a-z]_[a-z])\w*)\"?:")
"""A key before a colon that no sentence holds: ``[key:``, ``someKey:``, ``"key":``."""
_SYMBOL = re.compile(r"[a-z]+[A-Z][A-Za-z]*\W*|.*\]\[.*")
"""The name of a method, or tags."""
_NUMBERED_WORD = re.compile(r"\W*[A-Z]{3,}\d{1,2}\W*")
_ENCLOSED = re.compile(r"(?:\([^\s()]+\)|\"[^\s\"]+\"|'[^\s']+'|\[[^\s\[\]]+\])[.,;:]?")
_VALUED = re.compile(r"([\w.-]=)[^\s=,;()\[\]{}]+|\[[^\s\[\]]+\]|\"[^\s\"]+\"|'[^\s']+'")
_BUNDLE = re.compile(r"(?<![\w.])(?:com|org|net|io)\.\w+\.[\w.]*\w(?<!Exception)(?<!Error)(?:\.\x01)?(?![\w.])")
"""Reverse-DNS names of programs."""
_OF_PROCESS = re.compile(r"[A-Za-z][\w.-]*(?:[(\[]\x01[)\]]|@\x01)\W*")
"""A name with its number: ``cron[0]``, ``worker(0)``, ``Session@0``."""
_LISTED = re.compile(r"\w[,|@]\w")
_IN_SPACE = re.compile(r"[\w.-]+/[\w.-]+\W*|[a-z]\w*\.[a-z]\w*\W*")
"""A name in a space of names: ``default/web``, ``shop.orders``."""
_SET_OFF = re.compile(rf"[\[{{<\"']+{VAR}")
_CLASS = re.compile(r"(?:[A-Z][a-z]+){2,}\W*")
FEW_WORDS = 4
FEW_CAPS = 16
MANY_PHRASES = 64
MANY_WORDS = 5
MANY_SUBJECTS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Shapes with one token count; ``columns`` holds each column's token, WILD where they differ.

    Compared by identity: a part is made anew whenever its shapes change. ``marks`` are what it shares with
    parts that print alike or differ in values; ``near`` what it shares with those alike but in one column.
    """

    shapes: tuple[Shape, ...]
    columns: Shape
    marks: tuple[object, ...]
    near: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The parts that make one template, first seen first."""

    parts: tuple[Part, ...]


def shape_of(key: str) -> Shape:
    """Cut a key into tokens, all placeholders alike."""
    return tuple(PLACEHOLDER.sub(VAR, key).split())


def split(shapes: Sequence[Shape]) -> list[Part]:
    """Part the shapes of one cluster by the columns whose words say different things."""
    columns = [list(dict.fromkeys(column)) for column in zip(*shapes, strict=True)]
    fixed = tuple(column_of(shapes[0], at, c) for at, c in enumerate(columns))
    limits = [_wordings(column, shapes[0], at) for at, column in enumerate(columns)]
    for at in range(1, len(limits)):
        if limits[at - 1] and limits[at]:  # a phrase: a value is one word as a rule
            limits[at - 1] = limits[at] = MANY_PHRASES
    chosen = min(
        (at for at, column in enumerate(columns) if len(column) <= limits[at]),
        key=lambda at: len(columns[at]), default=None,
    )
    if chosen is None:
        empty = _emptied(columns)
        if empty is None:
            return [_part(shapes, fixed)]
        sides = ([s for s in shapes if (s[empty[0]] == empty[1]) is is_empty] for is_empty in (False, True))
        return [part for side in sorted(sides, key=lambda side: shapes.index(side[0])) for part in split(side)]
    buckets: dict[str, list[Shape]] = {}
    for shape in shapes:
        buckets.setdefault(shape[chosen], []).append(shape)
    return [part for bucket in buckets.values() for part in split(bucket)]


def _emptied(columns: Sequence[Sequence[str]]) -> tuple[int, str] | None:
    """The only column of ``key=value`` where some have no value, and the text without one: told apart, as labels do.

    Two such columns would make four templates, and more ever more, so they stay together.
    """
    bare = [(at, w) for at, words in enumerate(columns) if len(words) > 1 for w in words if w.endswith("=")]
    return bare[0] if len(bare) == 1 and all(w.startswith(bare[0][1]) for w in columns[bare[0][0]]) else None


def column_of(shape: Shape, at: int, values: Iterable[str]) -> str:
    words = list(values)
    return WILD if len(words) > 1 or names_value(shape, at) else words[0]


def _wordings(words: Sequence[str], shape: Shape, at: int) -> int:
    """Up to how many different words a column tells messages apart; 0 when it holds values of one message."""
    if len(words) < 2 or names_value(shape, at) or affix(words)[0].endswith("="):
        return 0
    marks = {w for w in words if _MARK.fullmatch(w)}
    if marks:
        return FEW_WORDS if len(marks) <= FEW_WORDS else 0
    rests = _rests(words)
    plain = all(_is_word(w) for w in rests)
    if not plain or all(_ENCLOSED.fullmatch(w) for w in words) or holds_units(shape, at, words):
        return 0
    before = shape[at - 1] if at else ""
    if _takes_value(before, words, rests, shape[at + 1] if at + 1 < len(shape) else ""):
        return 0
    if all(_CAPS.fullmatch(w) for w in rests):
        return 0 if before.endswith(":") else FEW_CAPS
    return MANY_PHRASES if all(_SYMBOL.fullmatch(w) for w in rests) else FEW_WORDS


def _takes_value(before: str, words: Sequence[str], rests: Sequence[str], after: str) -> bool:
    """Whether the place or the form of words that differ says they are values, be they letters only.

    A word before a variable in brackets says what that is (``application archive [x]``), and names nothing itself.
    """
    start, end = affix(words) if words else ("", "")
    named = not _SET_OFF.match(after) and takes_name(before, rests)
    if before == "=" or start.endswith("=") or named or _FIELD.fullmatch(start or before):
        return True
    if start[-1:] + end[:1] in {"()", "[]", "{}"}:
        return True
    if not words:
        return False
    if before and all(_OF_PROCESS.fullmatch(w) for w in words):
        return True
    if before.endswith(":") and all(_CLASS.fullmatch(w) for w in words):
        return True
    return any(_LISTED.search(r) for r in rests) or all(_IN_SPACE.fullmatch(r) for r in rests)


def _rests(values: Sequence[str]) -> list[str]:
    start, end = affix(values)
    return [v[len(start) : len(v) - len(end)] for v in values]


def _is_word(token: str) -> bool:
    """Whether a token's constant text is made of words: not a bare value, not a name with digits."""
    return bool(_WORD.fullmatch(token) or _NUMBERED_WORD.fullmatch(token))


def _is_value(token: str) -> bool:
    return not _is_word(token) and not _MARK.fullmatch(token)


def merge(parts: Sequence[Part]) -> list[Group]:
    """Join parts that differ in one column of values, or print alike, or differ in the length of a list."""
    owner = list(range(len(parts)))

    def root(at: int) -> int:
        while owner[at] != at:
            owner[at] = owner[owner[at]]
            at = owner[at]
        return at

    for bucket in _alike(parts):
        for at in bucket[1:]:
            low, high = sorted((root(bucket[0]), root(at)))
            owner[high] = low
    groups: dict[int, list[Part]] = {}
    for at, part in enumerate(parts):
        groups.setdefault(root(at), []).append(part)
    return [Group(tuple(found)) for found in groups.values()]


def _part(shapes: Sequence[Shape], columns: Shape) -> Part:
    heads, tails = [0], [0]
    for left, right in zip(columns, reversed(columns), strict=True):
        heads.append(hash((heads[-1], left)))
        tails.append(hash((tails[-1], right)))
    count = len(columns)
    near = tuple((at, heads[at], tails[count - at - 1]) for at in range(count)) if count > 1 else ()
    marks = (collapse(normalise(pattern_of(shapes, columns))), _valued(columns))
    return Part(tuple(shapes), columns, marks, near)


def _alike(parts: Sequence[Part]) -> Iterable[list[int]]:
    marked: dict[object, list[int]] = defaultdict(list)
    near: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for at, part in enumerate(parts):
        for mark in part.marks:
            marked[mark].append(at)
        for place in part.near:
            near[place].append(at)
    yield from marked.values()
    for (column, *_), bucket in near.items():
        if len(bucket) > 1:
            yield from _one_value(parts, bucket, column)


def _valued(columns: Shape) -> Shape:
    """The columns with the values of ``key=value``, quoted words and units taken for variables."""
    tokens = [_BUNDLE.sub(VAR, _VALUED.sub(lambda m: f"{m[1] or ''}{VAR}", c)) for c in columns]
    return tuple(VAR if holds_units(columns, at, (token,)) else token for at, token in enumerate(tokens))


def _one_value(parts: Sequence[Part], bucket: list[int], column: int) -> Iterable[list[int]]:
    """Parts alike but in one column: values there join; words join only when they are many."""
    bare = {at for at in bucket if parts[at].columns[column].endswith("=")}
    if bare and len(bare) < len(bucket):
        bucket = [at for at in bucket if at not in bare]
    columns = parts[bucket[0]].columns
    anchors = sum(_is_word(token) for at, token in enumerate(columns) if at != column)
    tokens = {parts[at].columns[column] for at in bucket}
    start = affix(sorted(tokens))[0]
    anchors += any(c.isalpha() for c in start)
    if not anchors:
        return
    before = columns[column - 1] if column else ""
    words = sorted(tokens - {WILD})
    after = columns[column + 1] if column + 1 < len(columns) else ""
    many = len(tokens) >= (MANY_WORDS if column else MANY_SUBJECTS) and anchors > 1
    if many or _takes_value(before, words, _rests(words) if words else (), after):
        yield bucket
        return
    rests = _rests([parts[at].columns[column] for at in bucket])
    values = [at for at, rest in zip(bucket, rests, strict=True) if _is_value(rest)]
    if values:
        yield values
