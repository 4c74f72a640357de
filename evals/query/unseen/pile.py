"""Typed records of a generated log, known before they are printed: truths are computed from these alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from evals.query.rows import moment

T = TypeVar("T")
HEAD = ("level", "service", "host", "source", "kind")


@dataclass(frozen=True, slots=True)
class Event:
    """One record: where it stands, what it is, and its typed values."""

    source: str
    no: int
    """Number of its first line in its file, from 1."""
    time: datetime
    kind: str
    """The generator's own name of what happened; nothing of it is printed."""
    text: str
    """As printed, all its lines."""
    level: str
    service: str
    host: str
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        """What tells one record from another: file name and line number."""
        return self.source, self.no

    def get(self, name: str) -> Any:
        """A head field or a typed value; None when it has none."""
        return getattr(self, name) if name in HEAD else self.values.get(name)


@dataclass(frozen=True)
class Pile:
    """Records and the selections that truths are made of; every selection is a new Pile."""

    events: tuple[Event, ...]
    newest: datetime

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def where(self, keep: Callable[[Event], object]) -> Pile:
        """The records that ``keep`` accepts."""
        return replace(self, events=tuple(event for event in self.events if keep(event)))

    def kind(self, *kinds: str) -> Pile:
        """Records of these kinds."""
        return self.where(lambda event: event.kind in kinds)

    def at(self, **wanted: Any) -> Pile:
        """Records whose values equal these (a tuple: any of them)."""
        sets = {name: value if isinstance(value, tuple) else (value,) for name, value in wanted.items()}
        return self.where(lambda event: all(event.get(name) in values for name, values in sets.items()))

    def lacks(self, **wanted: Any) -> Pile:
        """Records whose values are none of these."""
        return self.where(lambda event: all(event.get(name) != value for name, value in wanted.items()))

    def over(self, name: str, low: float) -> Pile:
        """Records with a value above ``low``."""
        return self.where(lambda event: event.get(name) is not None and event.get(name) > low)

    def least(self, name: str, low: float) -> Pile:
        """Records with a value of at least ``low``."""
        return self.where(lambda event: event.get(name) is not None and event.get(name) >= low)

    def under(self, name: str, high: float) -> Pile:
        """Records with a value below ``high``."""
        return self.where(lambda event: event.get(name) is not None and event.get(name) < high)

    def having(self, text: str) -> Pile:
        """Records whose printed text holds ``text`` in any case."""
        return self.where(lambda event: text.lower() in event.text.lower())

    def span(self, start: str, end: str) -> Pile:
        """``start <= time < end``."""
        low, high = moment(start), moment(end)
        return self.where(lambda event: low <= event.time < high)

    def since(self, start: str) -> Pile:
        """From a moment to the end."""
        low = moment(start)
        return self.where(lambda event: event.time >= low)

    def before(self, end: str) -> Pile:
        """Up to a moment."""
        high = moment(end)
        return self.where(lambda event: event.time < high)

    def final(self, **length: float) -> Pile:
        """The last so many minutes or hours, back from the newest record of the whole log."""
        low = self.newest - timedelta(**length)
        return self.where(lambda event: event.time >= low)

    def all(self, name: str) -> list[Any]:
        """The values of a name, records without it left out."""
        return [value for event in self.events if (value := event.get(name)) is not None]

    def counter(self, name: str) -> Counter[str]:
        """How often each value occurs."""
        return Counter(str(value) for value in self.all(name))

    def ordered(self) -> list[Event]:
        """In time order, ties in file order."""
        return sorted(self.events, key=lambda event: (event.time, event.key))


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before its line number is known."""

    source: str
    time: datetime
    kind: str
    message: str
    level: str
    service: str
    host: str
    values: Mapping[str, Any]


@dataclass
class Sheet:
    """Collects records in any order, then prints them in time order with ``form``."""

    seed: int
    form: Callable[[Draft], str]
    source: str
    second: bool = True
    """Times are cut to whole seconds; else to milliseconds."""
    drafts: list[Draft] = field(default_factory=list)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def add(self, time: datetime, kind: str, message: str, *, level: str = "", service: str = "", host: str = "",
            source: str = "", **values: Any) -> None:
        """One record."""
        cut = 0 if self.second else time.microsecond // 1000 * 1000
        self.drafts.append(Draft(source or self.source, time.replace(microsecond=cut), kind, message, level, service,
                                 host, values))

    def times(self, start: str, end: str, per_hour: float) -> Iterator[datetime]:
        """Random moments between two, so many per hour on average."""
        now, stop = moment(start), moment(end)
        while (now := now + timedelta(seconds=self.rng.expovariate(per_hour / 3600))) < stop:
            yield now

    def pick(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of the items; without weights the first are much commoner than the last."""
        return self.rng.choices(items, weights or [1 / (rank + 1.5) for rank in range(len(items))])[0]

    def skewed(self, median: float, sigma: float = 0.8) -> float:
        """A log-normal number: most near the median, a few far above."""
        return median * self.rng.lognormvariate(0, sigma)

    def hexes(self, length: int) -> str:
        """So many random hex digits."""
        return f"{self.rng.getrandbits(length * 4):0{length}x}"

    def pile(self) -> Pile:
        """Everything printed: records with their lines and line numbers."""
        events, numbers = [], Counter[str]()
        for draft in sorted(self.drafts, key=lambda each: each.time):
            text = self.form(draft)
            events.append(Event(draft.source, numbers[draft.source] + 1, draft.time, draft.kind, text, draft.level,
                                draft.service, draft.host, draft.values))
            numbers[draft.source] += text.count("\n") + 1
        return Pile(tuple(events), max(event.time for event in events))


def later(time: datetime, seconds: float) -> datetime:
    """A moment so many seconds after another."""
    return time + timedelta(seconds=seconds)
