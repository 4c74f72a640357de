"""Whether names and quotes stand in what results show."""

from __future__ import annotations

import re

from agent.evidence.figures import figures
from agent.evidence.figures import shows as shows_figure
from agent.evidence.instants import instants
from agent.evidence.instants import shows as shows_instant
from agent.evidence.names import Name, is_class, percentile
from agent.evidence.shown import Shown, fold
from agent.evidence.statements import blank

_GAP = re.compile(r"<[^<>\s]*>|\.{3}|…")


def shows_name(shown: Shown, name: Name) -> bool:
    """Whether a name stands there as a whole: ``payments`` is not in ``payments-v2``, nor 10.0.0.1 in 10.0.0.10."""
    text = fold(percentile(name.text))
    if _stands(shown, text):
        return True
    if is_class(text):
        return any(f.value // 100 == int(text[0]) and 100 <= f.value < 600 and f.value % 1 == 0 for f in shown.figures)
    pieces = [piece for piece in re.split(r"(?<=[\w\]]):(?=[\w/])|@", text) if piece]
    if len(pieces) > 1 and "://" not in text and not re.fullmatch(r"[0-9a-f:]+", text):
        return all(_stands(shown, piece) for piece in pieces)
    return not name.hard and _nearly(shown, text)


def _nearly(shown: Shown, text: str) -> bool:
    """For names that may be written otherwise: hyphens as spaces, a plural, ``Postgres`` for ``postgresql``."""
    spaced = text.replace("-", " ")
    if any(_stands(shown, form) for form in {spaced, text.replace("-", "_"), text.replace("-", ""), text.removesuffix("s"), text + "s"}):
        return True
    begins = re.compile(rf"(?<![a-z0-9]){re.escape(text)}") if len(text) > 3 else None
    words = {text[:n] for n in range(max(4, len(text) - 4), len(text))}
    return any(begins is not None and begins.search(item) for item in shown.texts) or any(
        words & set(re.findall(r"[a-z]{4,}", item)) for item in shown.texts)


def _stands(shown: Shown, text: str) -> bool:
    return any(text in item and _whole(item, text) for item in shown.texts)


def _whole(item: str, text: str) -> bool:
    """Whether ``text`` occurs in ``item`` with no letter, digit or joining sign at either end."""
    at = item.find(text)
    while at >= 0:
        before, after = item[max(0, at - 2):at], item[at + len(text):at + len(text) + 2]
        if not _glued_left(before, text) and not _glued_right(after, text):
            return True
        at = item.find(text, at + 1)
    return False


def _glued_left(before: str, text: str) -> bool:
    if not before or not (text[0].isalnum() or text[0] == "_"):
        return False
    last = before[-1]
    if last.isalnum() or last == "_":
        return True
    joined = len(before) > 1 and before[0].isalnum()
    return joined and (last == "-" or last == "." and text[0].isdigit() and before[0].isdigit())


def _glued_right(after: str, text: str) -> bool:
    if not after or not (text[-1].isalnum() or text[-1] == "_"):
        return False
    first = after[0]
    if first.isalnum() or first == "_":
        return True
    joined = len(after) > 1 and after[1].isalnum()
    return joined and (first == "-" or first == "." and text[-1].isdigit() and after[1].isdigit())


def shows_quote(shown: Shown, quote: str) -> bool:
    """Whether a quote stands there; ``<*>``, ``<ip>`` and ``...`` in it stand for anything.

    A quote that is a number or a moment may be written otherwise, as those may in a sentence.
    """
    text = fold(quote).strip(" .,;:!?") or fold(quote)
    if " " not in text and _stands(shown, text) or " " in text and _inside(shown, text):
        return True
    parts = [part.strip() for part in _GAP.split(text) if part.strip()]
    if not parts:
        return True
    if len(parts) > 1 or parts[0] != text:
        return any(_in_order(item, parts) for item in shown.texts)
    return _measure(shown, quote)


def _inside(shown: Shown, text: str) -> bool:
    left = r"(?<![a-z0-9_])" if text[0].isalnum() else ""
    right = r"(?![a-z0-9_])" if text[-1].isalnum() else ""
    pattern = re.compile(f"{left}{re.escape(text)}{right}")
    return any(text in item and pattern.search(item) for item in shown.texts)


def _in_order(item: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        at = item.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _measure(shown: Shown, quote: str) -> bool:
    """Whether a quote is nothing but moments and figures, all of them shown."""
    moments = instants(quote)
    rest = blank(quote, [span for _, span in moments])
    numbers = figures(rest)
    rest = blank(rest, [span for _, span in numbers])
    if re.search(r"[^\W_]", rest) or not (moments or numbers):
        return False
    return all(any(shows_instant(s, m) for s in shown.instants) for m, _ in moments) and all(
        any(shows_figure(s, f) for s in shown.figures) for f, _ in numbers)
