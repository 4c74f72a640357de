"""Drawing: a refined group written as a template, with its variables named and its words as values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from vectorstore.naming import names_value, slot_name, word_name
from vectorstore.patterns import REPEATED, Shape, affix, collapse, normalise, pattern_of
from vectorstore.refine import PLACEHOLDER, Group, column_of, shape_of


@dataclass(frozen=True, slots=True)
class Drawn:
    """A template as text, and per key its variable words as (name, value, slots before it)."""

    pattern: str
    display: str
    params: tuple[tuple[str, str], ...]
    words: tuple[tuple[tuple[str, str, int], ...], ...]


def render(group: Group, keys: Sequence[str], names: Sequence[str] = ()) -> Drawn:
    """Draw the template of a group and find the variable words of each key.

    ``names`` are those of the first key's slots, when they are known better than from the key's text.
    """
    by_count: dict[int, list[Shape]] = {}
    for part in group.parts:
        by_count.setdefault(len(part.columns), []).extend(part.shapes)
    columns = {count: _columns(shapes) for count, shapes in by_count.items()}
    firsts = {len(key.split()): key for key in reversed(keys)}
    cells = {count: _cells(key, columns[count]) for count, key in firsts.items()}
    first = _draw(keys[0], cells[len(keys[0].split())], names)
    count = len(keys[0].split())
    others = [shapes for size, shapes in by_count.items() if size != count]
    patterns = [normalise(pattern_of(shapes, _whole(shapes))) for shapes in (by_count[count], *others)]
    for shorter in (str, lambda p: REPEATED.sub(r"\1", p), collapse):
        if len({shorter(p) for p in patterns}) == 1:
            patterns = [shorter(patterns[0])]
            break
    return Drawn(patterns[0], first[0], first[1], tuple(_words(key, cells) for key in keys))


def _whole(shapes: Sequence[Shape]) -> Shape:
    return tuple(column_of(shapes[0], at, values) for at, values in enumerate(_columns(shapes)))


def _columns(shapes: Sequence[Shape]) -> list[list[str]]:
    return [list(dict.fromkeys(column)) for column in zip(*shapes, strict=True)]


def _cells(key: str, columns: list[list[str]]) -> dict[int, tuple[str, str, str]]:
    """For each column of varying words: what all begin and end with, and its name.

    The name comes from what does not vary, so that it is the same for all keys.
    """
    shape, tokens = shape_of(key), key.split()
    varying = [len(values) > 1 and not PLACEHOLDER.search(t) for t, values in zip(tokens, columns, strict=True)]
    fixed = ["<:word:>" if varies else token for token, varies in zip(tokens, varying, strict=True)]
    cells = {}
    for at, values in enumerate(columns):
        if len(values) > 1 or names_value(shape, at):
            start, end = affix(values)
            cells[at] = (start, end, word_name(fixed, at, start))
    return cells


def _words(key: str, cells: dict[int, dict[int, tuple[str, str, str]]]) -> tuple[tuple[str, str, int], ...]:
    """A key's variable words: (name, value, slots before it)."""
    words, seen = [], 0
    tokens = key.split()
    mine = cells[len(tokens)]
    if not mine:
        return ()
    for at, token in enumerate(tokens):
        found = token.count("<:") and len(PLACEHOLDER.findall(token))
        if not found and at in mine:
            start, end, name = mine[at]
            words.append((name, token[len(start) : len(token) - len(end)], seen))
        seen += found
    return tuple(words)


def _draw(
    key: str, cells: dict[int, tuple[str, str, str]], known: Sequence[str]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    text, params = [], []
    slots = chain(known, _names_from(key, len(known)))
    for at, token in enumerate(key.split()):
        found = PLACEHOLDER.findall(token)
        if not found and at in cells:
            start, end, name = cells[at]
            params.append((name, "word"))
            text.append(f"{start}<{name}>{end}")
            continue
        names = [next(slots) for _ in found]
        params.extend(zip(names, found, strict=True))
        shown = iter(names)
        text.append(PLACEHOLDER.sub(lambda _, shown=shown: f"<{next(shown)}>", token))  # type: ignore[misc]
    return " ".join(text), tuple(params)


def _names_from(key: str, first: int) -> Iterator[str]:
    """The names that are not known yet, looked for when they are asked for: most keys have none."""
    yield from slot_names(key)[first:]


def slot_names(key: str) -> list[str]:
    """Name a key's placeholders by their context, as :func:`vectorstore.masking.mask` names their slots."""
    names: list[str] = []
    text, at, last = "", 0, ""
    spans: list[tuple[int, str, str]] = []
    for found in PLACEHOLDER.finditer(key):
        between = key[at : found.start()]
        text += between
        near = last if last and between in {":", "]:", "/"} else ""
        spans.append((len(text), found[1], near))
        text += "0"
        at, last = found.end(), found[1]
    text += key[at:]
    for start, kind, near in spans:
        names.append(slot_name(text, start, start + 1, kind, near))
    return names
