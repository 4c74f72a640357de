"""The template of a line that is in no store: its message with the variables masked, named by its hash."""

from __future__ import annotations

import hashlib
import re

from telemetry.formats import LineReader
from vectorstore.masking import mask

_DIGITS = re.compile(r"\d+")
_LONGEST = 2_000


class LivePatterns:
    """Patterns of lines read from servers. They are no templates of the store, so their ids begin with ``~``."""

    def __init__(self) -> None:
        self._reader = LineReader(())

    def __call__(self, text: str) -> tuple[str, str]:
        """(id, pattern) of a line."""
        parsed = self._reader.parse(text)
        message = (parsed.text(text, "message") if parsed is not None else None) or text
        skeleton = _DIGITS.sub("0", message[:_LONGEST])
        parts, at = [], 0
        for slot in mask(skeleton):
            parts += [skeleton[at:slot.start], "<*>"]
            at = slot.end
        pattern = "".join([*parts, skeleton[at:]])
        return "~" + hashlib.blake2b(pattern.encode("utf-8", "replace"), digest_size=4).hexdigest(), pattern
