"""Text of other people's files on a terminal: nothing in it may move the cursor, hide a word or set a title."""

from __future__ import annotations

import json
import re
from typing import Any

from telemetry.unseen import WRITING, spelled


def visible(text: str) -> str:
    """Spell out what cannot be seen, ``\\x1b`` for escape; tabs and line ends stay."""
    return spelled(text, keep=WRITING)


def json_line(value: Any) -> str:
    """A JSON document on one line. What cannot be seen is written as JSON's own escapes: a terminal may show it."""
    return spelled(json.dumps(value, ensure_ascii=False, default=str), keep=WRITING, escape=_escape)


def _escape(char: str) -> str:
    """One or two units of UTF-16 as JSON writes them."""
    return re.sub("....", r"\\u\g<0>", char.encode("utf-16-be", "surrogatepass").hex())
