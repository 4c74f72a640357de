"""Characters of other people's text that nobody sees, spelled out: controls, direction marks, zero widths, tags.

A log line can hold escape sequences that drive a terminal, marks that turn a word round, and text that only a model
reads. What is kept as it is differs by reader; what is unseen does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_SUSPECT = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\x7f]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, formats, surrogates, separators of lines."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: they can carry text that is not seen."""
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
WRITING = frozenset("\t\n\u200c\u200d\ufe0e\ufe0f")
"""What text on several lines needs: tabs, line ends, and the joiners and marks of scripts and emoji."""


def spelled(text: str, keep: Collection[str] = frozenset()) -> str:
    """The text with what cannot be seen written as escapes (``\\x1b``, ``\\u202e``), but for the characters to ``keep``."""
    return _SUSPECT.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def _escape(char: str) -> str:
    code = ord(char)
    if unicodedata.category(char) not in _UNSEEN and not any(code in some for some in _SELECTORS):
        return char
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
