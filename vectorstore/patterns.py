"""Patterns: columns of words written as one text, and that text by the conventions of corrected labels."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from functools import lru_cache

VAR = "\x01"
"""Stands for any masked variable in a shape."""
WILD = "\x04"
"""A column of a part in which different words stand."""
Shape = tuple[str, ...]
_ONE_VALUE = re.compile(r"((?:[\w.-]*=)?[\"'(\[{]*).*?([\"')\]},;:.]*)")
_DELIMITERS = re.compile(r"([\s,!;:=|\"'\[\](){}.+@#$%&-])")
_LONE_PATH = re.compile(r"(?<![^\s,!;:=|\"'\[\](){}])(?:/[^/\s,!;:=|\"'\[\](){}]+)+(?![^\s,!;:=|\"'\[\](){}])")
_LIST = re.compile(r"<\*>(?:,? ?<\*>)+")
REPEATED = re.compile(r"(?<!\S)(\S*<\*>\S*(?: \S+){0,3})(?: \1)+(?!\S)")
_NUMBERED = re.compile(rf"[A-Za-z]*\d|{VAR}")
_UNIT = re.compile(r"(?:[KMGTP]i?B|B|[Bb]ytes?|[munµ]?s|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?)[.,;:)\]]*")
_BRACKETS = re.compile(r"([\[\](){}\"']+)")
_PREFIX_ENDS = frozenset("=:([{\"'/,<>|;#@")
_SUFFIX_STARTS = frozenset(",;:)]}\"'>.|!?")


def holds_units(shape: Shape, at: int, values: Iterable[str]) -> bool:
    """Whether the column holds the units of the number before it."""
    return at > 0 and shape[at - 1].endswith(VAR) and all(_UNIT.fullmatch(v) for v in values)


def affix(values: Sequence[str]) -> tuple[str, str]:
    """The text up to a delimiter that all values begin and end with: ``rhost=``, or ``(`` and ``)``."""
    if len(set(values)) == 1:
        found = _ONE_VALUE.fullmatch(values[0])
        return (found[1], found[2]) if found else ("", "")
    low, high = min(values), max(values)
    pairs = enumerate(zip(low, high, strict=False))
    size = next((i for i, (a, b) in pairs if a != b), min(len(low), len(high)))
    while size and low[size - 1] not in _PREFIX_ENDS:
        if low[size - 1] == "-" and all(_NUMBERED.match(v, size) for v in values):
            break
        size -= 1
    start, end = low[:size], _ending([v[size:] for v in values])
    quoted = end.find(start[-1:]) if start[-1:] in {'"', "'"} else 0
    return start, end[max(0, quoted) :]


def _ending(values: Sequence[str]) -> str:
    """The text from a delimiter on that all values end with."""
    first = values[0]
    shortest = min(map(len, values))
    tail = 0
    while tail < shortest and all(v[-1 - tail] == first[-1 - tail] for v in values):
        tail += 1
    for at in range(len(first) - tail, len(first)):
        if first[at] not in _SUFFIX_STARTS and first[at] not in "([":
            continue
        inside, rest = first[:at], first[at:]
        apart = first[at] in _SUFFIX_STARTS and (first[at] != "." or not any(c.isalnum() for c in rest))
        if (apart or (first[at] in "([" and VAR in rest)) and not _closes(first[at], inside):
            return rest
    return ""


def _closes(mark: str, value: str) -> bool:
    """Whether ``mark`` closes a bracket that the value itself opens."""
    return {")": "(", "]": "[", "}": "{"}.get(mark, " ") in value


def pattern_of(shapes: Sequence[Shape], columns: Shape) -> str:
    tokens: list[str] = []
    for at, token in enumerate(columns):
        if token != WILD:
            tokens.append(token)
            continue
        values = [shape[at] for shape in shapes]
        if len(set(values)) > 1 and holds_units(columns, at, values):
            tokens[-1] += values[0].lstrip(string.ascii_letters)
        else:
            tokens.append(_piecewise(values))
    return " ".join(tokens)


def _piecewise(values: Sequence[str]) -> str:
    """Values as one: part by part when all have the same brackets and quotes, else what they begin and end with."""
    cut = [_BRACKETS.split(value) for value in values]
    if len({tuple(pieces[1::2]) for pieces in cut}) > 1 or len(set(values)) == 1:
        return VAR.join(affix(values))
    drawn, last = [], ""
    for column in zip(*cut, strict=True):
        drawn.append(_piece(column, quoted=last[-1:] in {'"', "'"}))
        last = column[0]
    return "".join(drawn)


def _piece(values: Sequence[str], *, quoted: bool) -> str:
    if len(set(values)) == 1:
        return values[0]
    return VAR if quoted else VAR.join(affix(values))


@lru_cache(1024)
def normalise(pattern: str) -> str:
    """Write VAR as ``<*>`` by the rules of corrected labels (Khan et al., ICSE 2022, section 4).

    A word that holds a variable is one, as are a path, ``root`` and ``null``; adjoining variables are one.
    """
    text = _LONE_PATH.sub("<*>", pattern.replace(VAR, "<*>"))
    text = "".join(_one_token(token) for token in _DELIMITERS.split(text))
    text = text.replace("<*> HTTP/<*>", "<*>")
    while True:
        shorter = re.sub(r"<\*>\.?<\*>", "<*>", text)
        if shorter == text:
            return text
        text = shorter


def _one_token(text: str) -> str:
    variable = "<*>" in text and "/" not in text and text != "*<*>"
    return "<*>" if variable or text in {"root", "null"} else text


def collapse(pattern: str) -> str:
    """Write a list of variables as one, so that lists of different length are alike."""
    return _LIST.sub("<*>", REPEATED.sub(r"\1", pattern))
