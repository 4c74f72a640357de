"""Text of other people's files on a terminal: nothing in it may move the cursor, hide a word or set a title."""

from __future__ import annotations

from telemetry.unseen import WRITING, spelled


def visible(text: str) -> str:
    """Spell out what cannot be seen, ``\\x1b`` for escape; tabs and line ends stay."""
    return spelled(text, keep=WRITING)
