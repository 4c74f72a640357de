"""Secrets in log text: found by how they are written (:mod:`telemetry.secret_kinds`), replaced by ``[REDACTED:kind]``.

:func:`may_hold_secret` is the cheap test: it does not look at which digits a text holds nor how many stand
together, and is never false where :func:`redact` would change something. :func:`find_secrets` tells where they
stand, for callers that put something else in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from telemetry.secret_kinds import COSTLY, LOOSE, MARK, RULES, SECRET_NAME, Rule, compiled

_SURE = tuple({hint for rule in RULES if rule.sure for hint in rule.hints})
_HINTS = tuple({hint for rule in RULES if not rule.sure for hint in rule.hints})
_CARD_HINTS = tuple("card visa amex pan credit debit pay paid charg cv checkout billing purchase refund".split())
_CARD_GROUPS = re.compile(r"(?<![\d.A-Za-z_-])\d+([ -])\d+\1\d+\1\d+(?![\d.A-Za-z_-])")
_CARD_LONE = re.compile(r"(?<![\d.A-Za-z_-])\d")
_CARD_WORDS = re.compile(
    r"card|visa|amex|\bpan\b|credit|debit|pay(?:ment|ing|er)?\b|paid|charg|cvv|cvc|checkout|billing|purchase|refund", re.IGNORECASE
)
"""An ungrouped number counts as a card number only where the text speaks of paying: one in ten
16-digit identifiers passes the check digit."""
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")


def may_hold_secret(text: str) -> bool:
    """Whether texts that differ from ``text`` only in their digits may hold a secret."""
    return _may_hold(text, _SURE, _HINTS)


def _may_hold(text: str, sure: Sequence[str], hints: Sequence[str]) -> bool:
    """The same with those hints alone that need to be looked for."""
    low = text.lower()
    if any(map(low.__contains__, sure)) or (any(map(low.__contains__, hints)) and LOOSE.search(low)):
        return True
    if _CARD_GROUPS.search(text):
        return True
    return any(map(low.__contains__, _CARD_HINTS)) and bool(_CARD_WORDS.search(text) and _CARD_LONE.search(text))


Rules = tuple[Rule, ...]


_NAMED = frozenset({"pagerduty-key", "datadog-key", "telegram-token"})
_PREFIXES = tuple(sorted({
    written.encode() for rule in RULES if rule.kind == "jwt" or rule.kind.endswith(("-key", "-token", "-session"))
    for hint in rule.hints if hint.isalpha() and len(hint) > 2 and rule.kind not in _NAMED
    for written in re.findall(hint, rule.source, re.IGNORECASE) or [hint.upper()]
} | {b":AA"}))
"""How tokens begin whose letters and digits run on: one mixed word, so that a wide skeleton does not show it.
Written as in their rules, for in small letters some are common in hex."""


def word_secrets(data: bytes) -> Iterator[int]:
    """Where in a block a token that is one mixed word may begin, in no order."""
    for prefix in _PREFIXES:
        at = data.find(prefix)
        while at >= 0:
            yield at
            at = data.find(prefix, at + 1)


def rules_for(text: str) -> Rules:
    """The rules that may find something in texts that differ from ``text`` only in their digits."""
    return _hinted(RULES, text)


def rules_for_each(texts: Sequence[str]) -> list[Rules | None]:
    """:func:`rules_for` of many texts at once; None for those that :func:`may_hold_secret` denies."""
    low = "\n".join(texts).lower()  # most hints are in none of them
    sure, hints = ([hint for hint in known if hint in low] for known in (_SURE, _HINTS))
    return [rules_for(text) if _may_hold(text, sure, hints) else None for text in texts]


def _hinted(rules: Rules, text: str) -> Rules:
    low = text.lower()
    cards = _CARD_GROUPS.search(text) or _CARD_WORDS.search(text)
    return tuple(rule for rule in rules if (_foretold(rule, low) if rule.hints else cards))


def _foretold(rule: Rule, low: str) -> bool:
    """Whether a lower-case text holds what comes before every hit of a rule."""
    return any(map(low.__contains__, rule.hints)) and (not rule.head or compiled(rule.head, 0).search(low) is not None)


def all_clean(texts: str, rules: Rules) -> bool:
    """Whether no rule can find anything in any of many lines, joined by newlines. False proves nothing."""
    return not any(compiled(rule.source, rule.flags | re.MULTILINE).search(texts) for rule in rules)


def redact(text: str, rules: Rules | None = None) -> tuple[str, int]:
    """Return the text without its secrets, and how many were replaced. Applied twice it changes nothing more.

    ``rules`` are those of :func:`rules_for`, when they are known already.
    """
    rules = rules_for(text) if rules is None else rules
    count = 0
    for _ in range(_PASSES):
        text, hits = _pass(text, rules)
        count += hits
        if not hits:
            break
    return text, count


def _pass(text: str, rules: Rules) -> tuple[str, int]:
    count = 0
    for rule in rules:
        parts: list[str] = []
        done = hits = 0
        for hit in _hits(rule, text):
            parts += (text[done : hit.start], f"{MARK}{rule.kind}]", "\n" * text.count("\n", hit.start, hit.end))
            done, hits = hit.end, hits + 1
        if hits:
            text, count = "".join((*parts, text[done:])), count + hits
    return text, count


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands in a text, and of what kind it is."""

    start: int
    end: int
    kind: str


def find_secrets(text: str) -> list[Secret]:
    """Every secret of a text by all rules, also those too costly for an ingest. They may overlap.

    A hit has its hint in its first line, so lines without hints are passed over.
    """
    found = [hit for rule in _hinted(_WHOLE, text) for hit in _hits(rule, text)]
    for start, end in _hinted_parts(text):
        part = text[start:end]
        found += [
            Secret(start + hit.start, start + hit.end, hit.kind) for rule in _hinted(_BY_LINE, part) for hit in _hits(rule, part)
        ]
    return found


_WHOLE = (*COSTLY, *(rule for rule in RULES if not rule.hints or rule.flags & re.DOTALL))
_BY_LINE = tuple(rule for rule in RULES if rule not in _WHOLE)
_BEHIND = 3
"""Lines over which a hit may go on."""


def _hinted_line(line: str, after: str) -> bool:
    low = line.lower()
    return any(map(low.__contains__, _SURE)) or (
        any(map(low.__contains__, _HINTS)) and LOOSE.search(f"{low}\n{after.lower()}") is not None
    )


def _hinted_parts(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text that begin with a line that holds a hint; hinted lines that follow closely are in one part."""
    lines = text.split("\n")
    start, last, at = -1, -1, 0
    for number, line in enumerate(lines):
        if _hinted_line(line, lines[number + 1] if number + 1 < len(lines) else ""):
            start, last = (at if start < 0 else start), number
        if start >= 0 and (number >= last + _BEHIND or number == len(lines) - 1):
            yield start, at + len(line)
            start = -1
        at += len(line) + 1


def names_secret(name: str) -> bool:
    """Whether what a field of this name holds is a secret, whatever it looks like."""
    return SECRET_NAME.fullmatch(name) is not None


def _hits(rule: Rule, text: str) -> Iterator[Secret]:
    """The hits of one rule; where the text does not speak of paying, digits count as a card only when grouped."""
    lone = rule.kind != "card" or bool(_CARD_WORDS.search(text))
    for match in rule.pattern.finditer(text):
        secret = match["s"]
        if MARK in secret and not _WHOLE_MARKS.sub("", secret).strip(_AROUND):
            continue
        if (rule.accept is None or rule.accept(secret)) and (lone or len(re.findall(r"\d+", secret)) == 4):
            yield Secret(match.start("s"), match.end("s"), rule.kind)


_PASSES = 4
"""What a secret leaves behind can look like another one, to a rule that was tried before."""
_WHOLE_MARKS = re.compile(r"\[REDACTED:[\w-]+\]")
_AROUND = " \t\r\n\"'\\()[]{}<>,;:."


def key_block(line: str) -> Literal["begin", "end"] | None:
    """Whether a private key begins or ends in this line (a key within one line is :func:`redact`'s)."""
    begin, end = None, None
    for begin in _BEGIN.finditer(line):  # noqa: B007
        pass
    for end in _END.finditer(line):  # noqa: B007
        pass
    if begin and (end is None or end.start() < begin.start()):
        return "begin"
    return "end" if end and not begin else None


_BODY = re.compile(r"\s*|\s*[A-Za-z0-9+/=]+\s*|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): .{0,200}")
_BODY_END = re.compile(r"(?<=\s)(?P<s>[A-Za-z0-9+/=]{40,}|(?=[a-z0-9+/=]*[A-Z])(?=[A-Za-z+/]*[0-9+/=])(?:[A-Za-z0-9+/=]{4})+)\s*$")
KEY_LINES = 400
"""Lines after which a private key that never ended is taken for over."""


def key_body(line: str) -> str | None:
    """A line inside a private key without its part of the key; None when the line is no part of a key.

    Logs mention keys that never come: from the first line that cannot belong to one, the key is over.
    """
    if _BODY.fullmatch(line):
        return f"{MARK}private-key]"
    found = _BODY_END.search(line)
    return f"{line[: found.start('s')]}{MARK}private-key]" if found else None
