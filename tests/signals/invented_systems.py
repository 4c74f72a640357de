"""Invented systems of services, their traces and logs, with one fault: who is to blame is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from signals.observed import Entity, LogEvents, Observed, Spans, Window, Windows

FAULTS = ("return", "exception", "slow", "network", "dropped")
SECOND = 1_000_000


@dataclass
class System:
    """A random call graph (a tree of services) and the recorder of what happens in it."""

    seed: int
    fault: str = ""
    onset: int = 60 * SECOND
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    lines: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)
        self.size = int(self.dice.integers(6, 14))
        self.callers = [-1, *(int(self.dice.integers(0, max(1, n // 2 + 1))) for n in range(1, self.size))]
        self.culprit = int(self.dice.integers(1, self.size))

    def request(self, trace: int, start: int) -> None:
        self._serve(trace, 0, -1, start, ill=bool(self.fault) and start >= self.onset)

    def _serve(self, trace: int, me: int, parent: int, start: int, *, ill: bool) -> tuple[int, bool]:
        """One span of a service, with its lines and calls; when it ended, and whether well."""
        mine, row, now = ill and me == self.culprit, len(self.rows), start + int(self.dice.integers(200, 600))
        self.rows.append((trace, parent, me, 0, start, 0))
        well = True
        self._line(trace, row, me, 0, now)
        now += int(self.dice.lognormal(7.5, 0.3)) * (30 if mine and self.fault == "slow" else 1)
        if mine and self.fault == "exception":
            self._line(trace, row, me, 3, now)
            well = False
        if well and not (mine and self.fault == "return"):
            self._line(trace, row, me, 1, now)
            for callee in [n for n, caller in enumerate(self.callers) if caller == me]:
                if mine and self.fault == "dropped":
                    break
                now, well = self._call(trace, me, callee, row, now, ill=ill)
                if not well:
                    self._line(trace, row, me, 3, now)
                    break
        else:
            well = well and self.fault != "return"
        if well:
            self._line(trace, row, me, 2, now + 50)
        self.rows[row] = (trace, parent, me, 0, start, now + 100 - start)
        return now + 100, well

    def _call(self, trace: int, me: int, callee: int, parent: int, start: int, *, ill: bool) -> tuple[int, bool]:
        row = len(self.rows)
        self.rows.append((trace, parent, me, 1, start, 0))
        late = 200_000 if ill and self.fault == "network" and callee == self.culprit else 0
        end, well = self._serve(trace, callee, row, start + int(self.dice.integers(300, 900)), ill=ill)
        end += late + int(self.dice.integers(300, 900))
        self.rows[row] = (trace, parent, me, 1, start, end - start)
        return end, well

    def _line(self, trace: int, row: int, me: int, place: int, at: int) -> None:
        self.lines.append((at, me * 4 + place, me, trace, row))

    def observed(self) -> Observed:
        """What was recorded. Services are named by number; lines know their span."""
        rows, lines = np.array(self.rows), np.array(self.lines)
        names = tuple(f"service-{n}" for n in range(self.size))
        none = np.full(len(rows), -1)
        spans = Spans(rows[:, 0], rows[:, 1], rows[:, 4], rows[:, 5], rows[:, 2], rows[:, 3], none, np.zeros(len(rows), bool),
                      names, ("serve", "GET"), ())  # fmt: skip
        places = [(n, p) for n in range(self.size) for p in range(4)]
        logs = LogEvents(lines[:, 0], lines[:, 1], lines[:, 2], lines[:, 3], tuple(f"service {n} says {p} <*>" for n, p in places),
                         tuple(f"{n}-{p}" for n, p in places), tuple("ERROR" if p == 3 else "INFO" for _, p in places),
                         tuple(f"Service{n}#{p}" for n, p in places), tuple(Entity("service", name) for name in names), lines[:, 4])  # fmt: skip
        return Observed(spans=spans, logs=logs)


def incident(seed: int, fault: str) -> tuple[Observed, Windows, str]:
    """A minute of normal requests and a minute of the fault; the name of the culprit."""
    system = System(seed, fault)
    if fault == "dropped":  # only who calls somebody can drop calls
        system.culprit = int(system.dice.choice([n for n in sorted(set(system.callers)) if n > 0] or [0]))
    for trace, start in enumerate(sorted(system.dice.integers(0, 120 * SECOND, 150).tolist())):
        system.request(trace, int(start))
    windows = Windows((Window(0, system.onset),), Window(system.onset, 125 * SECOND))
    return system.observed(), windows, f"service-{system.culprit}"
