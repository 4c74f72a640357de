"""Refinement: Drain's clusters split where words tell messages apart, and merged where only values differ."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from vectorstore.naming import names_value, slot_name, word_name

VAR = "\x01"
"""Stands for any masked variable in a shape."""
WILD = "\x04"
"""A column of a part in which different words stand."""
Shape = tuple[str, ...]
_PLACEHOLDER = re.compile(r"<:([a-z0-9]+):>")
_WORD = re.compile(r"[^\d]*[A-Za-z][^\d]*")
_MARK = re.compile(r"(?!-+$|\?+$)[^\w\x01\x04]+")
_CAPS = re.compile(r"[^a-z\d\x01]*[A-Z][^a-z\d\x01]*[A-Z][^a-z\d\x01]*")
_ONE_VALUE = re.compile(r"((?:[\w.-]*=)?[\"'(\[{]*).*?([\"')\]},;:.]*)")
_LIST = re.compile(r"<\*>(?:,? ?<\*>)+")
_REPEATED = re.compile(r"(?<!\S)(\S*<\*>\S*(?: \S+){0,3})(?: \1)+(?!\S)")
_NUMBERED_WORD = re.compile(r"\W*[A-Z]{3,}\d{1,2}\W*")
_ENCLOSED = re.compile(r"(?:\([^\s()]+\)|\"[^\s\"]+\"|'[^\s']+'|\[[^\s\[\]]+\])[.,;:]?")
_UNIT = re.compile(r"(?:[KMGTP]i?B|B|[Bb]ytes?|[munµ]?s|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?)[.,;:)\]]*")
_VALUED = re.compile(r"([\w.-]=)[^\s=,;()\[\]{}]+|\"[^\s\"]+\"|'[^\s']+'")
_PREFIX_ENDS = frozenset("=:([{\"'/,<>|;#@")
_SUFFIX_STARTS = frozenset(",;:)]}\"'>.|!?")
FEW_WORDS = 4
FEW_CAPS = 16
MANY_WORDS = 6


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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A template as text, and per key its variable words as (name, value, slots before it)."""

    pattern: str
    display: str
    params: tuple[tuple[str, str], ...]
    words: tuple[tuple[tuple[str, str, int], ...], ...]


def shape_of(key: str) -> Shape:
    """Cut a key into tokens, all placeholders alike."""
    return tuple(_PLACEHOLDER.sub(VAR, key).split())


def split(shapes: Sequence[Shape]) -> list[Part]:
    """Part the shapes of one cluster by the columns whose few words say different things."""
    columns = [dict.fromkeys(column) for column in zip(*shapes, strict=True)]
    fixed = tuple(_column(shapes[0], at, c) for at, c in enumerate(columns))
    chosen = min(
        (at for at, column in enumerate(columns) if _parts_messages(column, shapes[0], at)),
        key=lambda at: len(columns[at]), default=None,
    )
    if chosen is None:
        return [_part(shapes, fixed)]
    buckets: dict[str, list[Shape]] = {}
    for shape in shapes:
        buckets.setdefault(shape[chosen], []).append(shape)
    return [part for bucket in buckets.values() for part in split(bucket)]


def _column(shape: Shape, at: int, values: Iterable[str]) -> str:
    words = list(values)
    return WILD if len(words) > 1 or names_value(shape, at) else words[0]


def _parts_messages(values: Iterable[str], shape: Shape, at: int) -> bool:
    """Whether the column's words tell messages apart, rather than being values of one message."""
    words = list(values)
    start, _ = _affix(words)
    if len(words) < 2 or names_value(shape, at) or start.endswith("="):
        return False
    marks = {w for w in words if _MARK.fullmatch(w)}
    if marks:
        return len(marks) <= FEW_WORDS
    rests = _rests(words)
    if not all(_is_word(w) for w in rests) or all(_ENCLOSED.fullmatch(w) for w in words) or _units(shape, at, words):
        return False
    if all(_CAPS.fullmatch(w) for w in rests):
        return len(words) <= FEW_CAPS and not (at and shape[at - 1].endswith(":"))
    return len(words) <= FEW_WORDS


def _units(shape: Shape, at: int, values: Iterable[str]) -> bool:
    """Whether the column holds the units of the number before it."""
    return at > 0 and shape[at - 1].endswith(VAR) and all(_UNIT.fullmatch(v) for v in values)


def _rests(values: Sequence[str]) -> list[str]:
    start, end = _affix(values)
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
    marks = (collapse(normalise(_pattern(shapes, columns))), _valued(columns))
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
    tokens = [_VALUED.sub(lambda m: f"{m[1] or ''}{VAR}", c) for c in columns]
    return tuple(VAR if _units(columns, at, (token,)) else token for at, token in enumerate(tokens))


def _one_value(parts: Sequence[Part], bucket: list[int], column: int) -> Iterable[list[int]]:
    """Parts alike but in one column: values there join; words join only when they are many."""
    columns = parts[bucket[0]].columns
    anchors = sum(_is_word(token) for at, token in enumerate(columns) if at != column)
    tokens = {parts[at].columns[column] for at in bucket}
    start = _affix(sorted(tokens))[0]
    anchors += any(c.isalpha() for c in start)
    if not anchors:
        return
    if len(tokens) >= MANY_WORDS and anchors > 1 or start.endswith("="):
        yield bucket
        return
    rests = _rests([parts[at].columns[column] for at in bucket])
    values = [at for at, rest in zip(bucket, rests, strict=True) if _is_value(rest)]
    if values:
        yield values


def _affix(values: Sequence[str]) -> tuple[str, str]:
    """The delimiter-bounded text that all values begin and end with: ``rhost=`` and nothing, ``(`` and ``)``."""
    if len(set(values)) == 1:
        found = _ONE_VALUE.fullmatch(values[0])
        return (found[1], found[2]) if found else ("", "")
    low, high = min(values), max(values)
    size = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    while size and low[size - 1] not in _PREFIX_ENDS:
        if low[size - 1] == "-" and all(re.match(r"[A-Za-z]*\d", v[size:]) or v[size:][:1] == VAR for v in values):
            break
        size -= 1
    shortest = min(map(len, values)) - size
    tail = 0
    inside = low[size:]
    while tail < shortest and not _closes(values[0][-1 - tail], inside) and len({v[-1 - tail] for v in values}) == 1 and values[0][-1 - tail] in _SUFFIX_STARTS:
        tail += 1
    return low[:size], low[len(low) - tail :] if tail else ""


def _closes(mark: str, value: str) -> bool:
    """Whether ``mark`` closes a bracket that the value itself opens."""
    return {")": "(", "]": "[", "}": "{"}.get(mark, " ") in value


def _pattern(shapes: Sequence[Shape], columns: Shape) -> str:
    tokens: list[str] = []
    for at, token in enumerate(columns):
        if token != WILD:
            tokens.append(token)
            continue
        values = [shape[at] for shape in shapes]
        start, end = _affix(values)
        if len(set(values)) > 1 and _units(columns, at, values):
            tokens[-1] += values[0].lstrip(string.ascii_letters)
        else:
            tokens.append(f"{start}{VAR}{end}")
    return " ".join(tokens)


def normalise(pattern: str) -> str:
    """Write VAR as ``<*>`` the way corrected Loghub labels do: adjoining variables are one."""
    text = pattern.replace(VAR, "<*>")
    text = re.sub(r"(?<![\w>.*)])/<\*>", "<*>", text)
    text = re.sub(r"<\*> HTTP/<\*>", "<*>", text).replace("<*>>", "<*>")
    while True:
        shorter = re.sub(r"<\*>\.?<\*>", "<*>", text)
        if shorter == text:
            return text
        text = shorter


def collapse(pattern: str) -> str:
    """Write a list of variables as one, so that lists of different length are alike."""
    return _LIST.sub("<*>", _REPEATED.sub(r"\1", pattern))


def render(group: Group, keys: Sequence[str], names: Sequence[str] = ()) -> Drawn:
    """Draw the template of a group and find the variable words of each key.

    ``names`` are those of the first key's slots, when they are known better than from the key's text.
    """
    by_count: dict[int, list[Shape]] = {}
    for part in group.parts:
        by_count.setdefault(len(part.columns), []).extend(part.shapes)
    columns = {count: _columns(shapes) for count, shapes in by_count.items()}
    drawn = [
        _draw(key, columns[len(key.split())], names if at == 0 else ()) for at, key in enumerate(keys)
    ]
    first = drawn[0]
    count = len(keys[0].split())
    same = tuple(by_count[count])
    patterns = [normalise(_pattern(shapes, _whole(shapes))) for shapes in (same, *by_count.values())]
    for shorter in (str, lambda p: _REPEATED.sub(r"\1", p), collapse):
        if len({shorter(p) for p in patterns}) == 1:
            patterns = [shorter(patterns[0])]
            break
    return Drawn(patterns[0], first[0], first[1], tuple(words for _, _, words in drawn))


def _whole(shapes: Sequence[Shape]) -> Shape:
    return tuple(_column(shapes[0], at, values) for at, values in enumerate(_columns(shapes)))


def _columns(shapes: Sequence[Shape]) -> list[list[str]]:
    return [list(dict.fromkeys(column)) for column in zip(*shapes, strict=True)]


def _draw(
    key: str, columns: list[list[str]], known: Sequence[str] = ()
) -> tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str, int], ...]]:
    text, params, words = [], [], []
    tokens = key.split()
    shape = shape_of(key)
    slots = chain(known, slot_names(key)[len(known) :])
    seen = 0
    for at, (token, values) in enumerate(zip(tokens, columns, strict=True)):
        found = _PLACEHOLDER.findall(token)
        if not found and (len(values) > 1 or names_value(shape, at)):
            start, end = _affix(values)
            name = word_name(tokens, at, start)
            params.append((name, "word"))
            words.append((name, token[len(start) : len(token) - len(end)], seen))
            text.append(f"{start}<{name}>{end}")
            continue
        names = [next(slots) for _ in found]
        params.extend(zip(names, found, strict=True))
        seen += len(found)
        shown = iter(names)
        text.append(_PLACEHOLDER.sub(lambda _, shown=shown: f"<{next(shown)}>", token))  # type: ignore[misc]
    return " ".join(text), tuple(params), tuple(words)


def slot_names(key: str) -> list[str]:
    """Name a key's placeholders by their context, as :func:`vectorstore.masking.mask` names their slots."""
    names: list[str] = []
    text, at, last = "", 0, ""
    spans: list[tuple[int, str, str]] = []
    for found in _PLACEHOLDER.finditer(key):
        between = key[at : found.start()]
        text += between
        near = last if last and between in {":", "]:"} else ""
        spans.append((len(text), found[1], near))
        text += "0"
        at, last = found.end(), found[1]
    text += key[at:]
    for start, kind, near in spans:
        names.append(slot_name(text, start, start + 1, kind, near))
    return names
