"""Text and numbers as a model gets them: on one line, nothing invisible, cut where it is said so."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from tools.tokens import weight

_SUSPECT = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\x7f]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, formats (direction marks, zero widths, tags), surrogates, separators of lines."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: they can carry text that is not seen."""
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def spelled(text: str) -> str:
    """The text with what cannot be seen (controls, direction marks, broken halves) written as escapes."""
    return _SUSPECT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if unicodedata.category(match[0]) not in _UNSEEN and not any(code in some for some in _SELECTORS):
        return match[0]
    return _SHORT.get(match[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")


def cut(text: str, most: int) -> str:
    """The text, or as much of its beginning as weighs ``most`` hundredths of a token with a note of what is missing.

    Empty when not even the note fits.
    """
    if weight(text) <= most:
        return text
    room = most - weight(_missing(len(text)))
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if weight(text[:middle]) <= room else (low, middle - 1)
    return text[:low] + _missing(len(text) - low) if room >= 0 else ""


def shortened(text: str, most: int) -> str:
    """Text of more than ``most`` characters without its middle, and how many characters that was."""
    if len(text) <= most:
        return text
    head, tail = most * 3 // 4, most // 4
    return f"{text[:head]} [+{len(text) - head - tail} characters] {text[-tail:]}"


def number(value: Any) -> str:
    """A cell as text; a number with as many places as say something."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "-" if value is None else str(value)
    if isinstance(value, int) or not abs(value) < 1e15:
        return str(value)
    if value == int(value):
        return str(int(value))
    return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.4g}"


def _missing(count: int) -> str:
    return f" [+{count} characters]"
