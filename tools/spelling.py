"""Text and numbers as a model gets them: on one line, nothing invisible, cut where it is said so."""

from __future__ import annotations

from typing import Any

from telemetry.unseen import spelled
from tools.tokens import weight


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


__all__ = ["cut", "number", "shortened", "spelled"]
