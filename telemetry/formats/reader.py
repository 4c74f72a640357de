"""The reader of a source: learns its formats from a sample, then reads line by line."""


from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from telemetry.formats import header, special, stamps, structured
from telemetry.formats.habits import Habits
from telemetry.formats.model import Parsed

_Read = Callable[[str], "Parsed | None"]
_DEPTH = 3


class LineReader:
    """Reads lines in the formats its sample shows, and in all others when those do not fit."""

    def __init__(self, sample: Sequence[str], declared: str | None = None) -> None:
        self._orders: dict[str, str] = {}
        self._habits = Habits(())
        self._readers = self._all()
        if declared is not None and declared not in self._readers:
            raise ValueError(f"unknown format {declared!r}; known: {', '.join(sorted(self._readers))}")
        lines = [line for line in sample[:200] if line.strip()]
        self._orders.update(self._learn(lines))
        self._habits = Habits(found for line in lines if (found := header.parse(line, self._orders)))
        hits = Counter(name for line in lines if (name := self._which(line)))
        names = [name for name, _ in hits.most_common()]
        first = [declared] if declared else []
        self._order = list(dict.fromkeys([*first, *names, *self._readers]))
        seen = Counter(p.format for line in lines if (p := self.parse(line)))
        self.headed = sum(seen.values()) * 2 > len(lines)
        """Whether lines with a header are the rule."""
        self.formats: tuple[str, ...] = tuple(name for name, _ in seen.most_common())
        """The formats found in the sample, commonest first."""

    def parse(self, line: str) -> Parsed | None:
        """Read one line; None when it has no header of any kind."""
        return self._parse(line, 0)

    def _parse(self, line: str, depth: int) -> Parsed | None:
        if not line or depth > _DEPTH or line[:1] in " \t" and not line.lstrip()[:1].isdigit() and line.lstrip()[:1] not in "[{":
            return None
        for name in self._order if hasattr(self, "_order") else self._readers:
            found = self._readers[name](line, depth)
            if found is not None:
                return found
        return None

    def _which(self, line: str) -> str | None:
        return next((name for name, read in self._readers.items() if read(line, 0) is not None), None)

    def _all(self) -> dict[str, Callable[[str, int], Parsed | None]]:
        """Return all readers in the order in which a line of unknown format is tried."""
        orders = self._orders

        def deeper(depth: int) -> _Read:
            return lambda text: self._parse(text, depth + 1)

        readers: dict[str, Callable[[str, int], Parsed | None]] = {
            "json": lambda line, depth: structured.read_json(line, orders, deeper(depth)),
            "cri": lambda line, depth: special.cri(line, orders, deeper(depth)),
        }
        for name, read in special.FIXED.items():
            readers[name] = lambda line, _depth, read=read: read(line, orders)  # type: ignore[misc]
        readers["logfmt"] = lambda line, depth: structured.read_logfmt(line, orders, deeper(depth))
        readers["stamped"] = lambda line, depth: structured.read_stamped(line, orders, deeper(depth))
        readers["header"] = lambda line, _depth: self._headed(line)
        return readers

    def _headed(self, line: str) -> Parsed | None:
        found = header.parse(line, self._orders)
        return self._habits.settle(line, found) if found else None

    def _learn(self, lines: Sequence[str]) -> dict[str, str]:
        """Choose the order of day, month and year from the sample."""
        seen: list[tuple[str, str]] = []
        for line in lines:
            name = self._which(line)
            found = self._readers[name](line, 0) if name else None
            if found and found.time_format:
                text = found.text(line, "time") or ""
                style = stamps.style_name(found.time_format)
                if stamps.is_style(style):
                    seen.append((style, text))
        return stamps.choose(seen)
