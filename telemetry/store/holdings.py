"""What a result over the store rests on, as digests: equal digests, equal results.

Segments never change once they are listed, so the answer over a window is the same for as long as the same segments
reach into it and messages have the same templates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from telemetry.models import Window
from telemetry.store.reader import Reader
from telemetry.store.selection import overlapping


class Holdings:
    """Digests of what one reader sees."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._vocabulary: str | None = None

    @property
    def vocabulary(self) -> str:
        """Of the messages' templates, parameters and sources: what names in a query mean."""
        if self._vocabulary is None:
            keys = ((k.id, k.template, k.words, k.slots) for _, k in sorted(self._reader.keys.items()))
            shown = sorted((t.id, t.pattern, t.display) for t in self._reader.stored_templates.values())
            sources = sorted((s.id, s.path) for s in self._reader.sources.values())
            self._vocabulary = _digest(list(keys), shown, sources, [s.path for s in self._reader.missing])
        return self._vocabulary

    def of(self, windows: Sequence[Window]) -> str:
        """Of the segments that reach into any of the windows."""
        paths = {s.path for window in windows for s in overlapping(self._reader.segments, window)}
        return _digest(sorted(paths))


def _digest(*parts: object) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
