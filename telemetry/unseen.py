"""Characters of other people's text that nobody sees, spelled out: controls, direction marks, zero widths, tags.

A log line can hold escape sequences that drive a terminal, marks that turn a word round, and text that only a model
reads. What is kept as it is differs by reader; what is unseen does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

_SUSPECT = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\x7f]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, formats, surrogates, separators of lines."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: they can carry text that is not seen."""
WRITING = frozenset("\t\n\u200c\u200d\ufe0e\ufe0f")
"""What text on several lines needs: tabs, line ends, and the joiners and marks of scripts and emoji."""


def unseen(char: str) -> bool:
    """Whether a character shows nothing of its own."""
    return unicodedata.category(char) in _UNSEEN or any(ord(char) in some for some in _SELECTORS)


def escaped(char: str) -> str:
    """A character as an escape of Python: ``\\x1b``, ``\\u202e``."""
    return ascii(char)[1:-1]


def spelled(text: str, keep: Collection[str] = frozenset(), *, escape: Callable[[str], str] = escaped) -> str:
    """The text with what cannot be seen written as escapes, but for the characters to ``keep``."""
    return _SUSPECT.sub(lambda match: escape(match[0]) if unseen(match[0]) and match[0] not in keep else match[0], text)
