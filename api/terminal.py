"""Text of other people's files on a terminal: nothing in it may move the cursor, hide a word or set a title."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Spell out control and direction-changing characters, ``\\x1b`` for escape; tabs and line ends stay."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
