"""Literal digits that turn out to vary become variables: the ``361`` of ``user u361`` is then all of ``u361``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vectorstore.drawing import slot_names
from vectorstore.plans import MAX_SLOTS, Plan, Span
from vectorstore.refine import PLACEHOLDER

FEW = 16
"""Distinct values of one literal up to which it stays one, when others vary more."""
_HEAD = re.compile(r"[A-Za-z_-]*\Z")
_TAIL = re.compile(r"[A-Za-z_-]*")
_LETTER = re.compile(r"[A-Za-z]")


def explode(plan: Plan, digits: Iterable[str]) -> Plan:
    """The plan with those of its literals made variables that vary in ``digits``, a row's literals joined by spaces.

    Letters that a literal stands among belong to its value. Slots stay in the order of the message. What goes on where
    another variable ends has no name of its own.
    """
    words = list(_words(plan, _varying(digits)))
    count = min(sum(len(PLACEHOLDER.findall(part)) for part in plan.key_parts), len(plan.slots))
    kept = list(zip(plan.slots, plan.slot_spans, strict=True))
    room = MAX_SLOTS - len(kept)
    parts, literals = _key(plan, words)
    names = iter(slot_names("0".join(parts)))
    fresh = [((word.kind, "number" if plan.key_parts[word.first].endswith(":>") else ""), word.span) for word in words[:room]]
    message = sorted([*kept[:count], *fresh], key=lambda slot: slot[1][:2])
    named = [((kind, name or found), span) for ((kind, name), span), found in zip(message, names, strict=False)]
    slots = [*named, *message[len(named):], *kept[count:]]
    return replace(plan, key_parts=parts, literals=literals, slots=tuple(slot for slot, _ in slots),
                   slot_spans=tuple(span for _, span in slots), keys={}, words={})


@dataclass(frozen=True, slots=True)
class _Word:
    """A variable to be: literals ``first`` to ``last``, with ``before`` and ``after`` characters around them."""

    first: int
    last: int
    before: int
    after: int
    kind: str
    span: Span


def _varying(digits: Iterable[str]) -> set[int]:
    """The literals with more than a few values; of many that have a few each, all that are not constant."""
    columns = [len(set(column)) for column in zip(*(text.split(" ") for text in digits), strict=True)]
    return {at for at, many in enumerate(columns) if many > FEW} or {at for at, many in enumerate(columns) if many > 1}


def _words(plan: Plan, varying: set[int]) -> Iterator[_Word]:
    """The varying literals in order, each with the word it is part of; literals of one word are one variable."""
    first = 0
    while first < len(plan.literals):
        last = first
        while last + 1 < len(plan.literals) and _TAIL.fullmatch(plan.key_parts[last + 1]):
            last += 1
        before, after = _around(plan.key_parts[first], plan.key_parts[last + 1])
        inside = "".join((before, *plan.key_parts[first + 1 : last + 1], after))
        if not _LETTER.search(inside):
            yield from (_Word(at, at, 0, 0, "number", plan.literals[at]) for at in range(first, last + 1) if at in varying)
        elif varying & set(range(first, last + 1)):
            start, end = plan.literals[first], plan.literals[last]
            span = (start[0] - len(before), start[1], end[2] + len(after), end[3])
            yield _Word(first, last, len(before), len(after), "id", span)
        first = last + 1


def _around(head: str, tail: str) -> tuple[str, str]:
    """The letters at the end of one text and at the beginning of another."""
    before, after = _HEAD.search(head), _TAIL.match(tail)
    return before[0] if before else "", after[0] if after else ""


def _key(plan: Plan, words: list[_Word]) -> tuple[tuple[str, ...], tuple[Span, ...]]:
    """The key's parts and the literals that are left."""
    starts = {word.first: word for word in words}
    parts, literals, text, at = list[str](), list[Span](), plan.key_parts[0], 0
    while at < len(plan.literals):
        word = starts.get(at)
        if word is None:
            parts.append(text)
            literals.append(plan.literals[at])
            text, at = plan.key_parts[at + 1], at + 1
        else:
            text = f"{text[: len(text) - word.before]}<:{word.kind}:>{plan.key_parts[word.last + 1][word.after :]}"
            at = word.last + 1
    return (*parts, text), tuple(literals)
