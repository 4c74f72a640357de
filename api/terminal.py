"""Text of other people's files on a terminal: nothing in it may move the cursor, hide a word or set a title."""

from __future__ import annotations

import json
import re
from typing import Any

from telemetry.unseen import WRITING, spelled

_DRIVING = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""JSON itself escapes what is below a space."""


def visible(text: str) -> str:
    """Spell out what cannot be seen, ``\\x1b`` for escape; tabs and line ends stay."""
    return spelled(text, keep=WRITING)


def json_line(value: Any) -> str:
    """A JSON document on one line. What a terminal might obey or cannot show is written as JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _DRIVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
