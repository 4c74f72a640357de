"""What was spent on models: a ledger in SQLite that runs and processes share.

A call is booked before it is made, at the most it may cost, inside the transaction that looks at the limits: any
number of runs at once stay within them. Afterwards the booking takes the figures that were reported. A booking whose
process died counts for ten minutes and then no more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.llm.errors import OverBudgetError
from agent.llm.model import Usage

_OPEN_SECONDS = 600.0
_KEPT = timedelta(days=400)
_TABLE = """CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, day TEXT NOT NULL, who TEXT NOT NULL, run TEXT NOT NULL,
    conversation TEXT, model TEXT NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL, output INTEGER NOT NULL,
    usd REAL, open INTEGER NOT NULL)"""
_SPENT = "count(*), sum(input), sum(cached), sum(output), sum(usd), sum(usd IS NULL)"
_COUNTS = "(open = 0 OR at > ?)"


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, and US dollars; ``unpriced`` calls have no known price, and the dollars are without them."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    usd: float = 0.0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.input + self.output

    def as_json(self) -> dict[str, float | int | None]:
        """As answers show it: the cost is None when that of a call is unknown."""
        return {"model_calls": self.calls, "input_tokens": self.input, "cached_tokens": self.cached,
                "output_tokens": self.output, "cost_usd": None if self.unpriced else round(self.usd, 6)}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one UTC day; None for no limit. ``who`` limits hold for each user."""

    day_tokens: int | None = None
    day_usd: float | None = None
    who_tokens: int | None = None
    who_usd: float | None = None

    @property
    def any(self) -> bool:
        return any(limit is not None for limit in (self.day_tokens, self.day_usd, self.who_tokens, self.who_usd))


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a call is for."""

    who: str
    run: str
    conversation: str | None
    model: str


class Ledger:
    """Bookings in the file ``path``. Threads and processes may share it; every call opens it for itself."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives seconds since 1970."""
        self.path = path
        self._clock = clock

    def book(self, payer: Payer, tokens: int, answer: int, usd: float | None, limits: Limits) -> int:
        """Book a call at its most; returns the booking. Raises OverBudgetError when a limit would be passed,
        and sqlite3.Error or OSError when the ledger cannot be written."""
        now = self._clock()
        day = _day(now)
        with self._writing() as db:
            for words, name, tokens_limit, usd_limit, who in (
                ("the day", "DAY", limits.day_tokens, limits.day_usd, None),
                (f"{payer.who!r} today", "USER_DAY", limits.who_tokens, limits.who_usd, payer.who),
            ):
                spent = _spent(db, now, day=day, who=who)
                _within(spent, tokens + answer, usd, tokens_limit, usd_limit, f"the budget of {words}", name)
            return _insert(db, now, payer, Usage(tokens, 0, answer), usd, is_open=1)

    def settle(self, booking: int, usage: Usage, usd: float | None) -> None:
        """Put in what a booked call really took."""
        with self._writing() as db:
            db.execute("UPDATE calls SET input = ?, cached = ?, output = ?, usd = ?, open = 0 WHERE id = ?",
                       (usage.input, usage.cached, usage.output, usd, booking))

    def cancel(self, booking: int) -> None:
        """Take back the booking of a call that cost nothing."""
        with self._writing() as db:
            db.execute("DELETE FROM calls WHERE id = ?", (booking,))

    def spent(self, *, day: bool = False, who: str | None = None, run: str | None = None, conversation: str | None = None) -> Spent:
        """What was spent, of today (UTC) with ``day``, by those given."""
        now = self._clock()
        with self._writing() as db:
            return _spent(db, now, day=_day(now) if day else None, who=who, run=run, conversation=conversation)

    def between(self, start: float, end: float) -> Spent:
        """What was spent in ``[start, end)``, seconds since 1970."""
        now = self._clock()
        with self._writing() as db:
            row = db.execute(f"SELECT {_SPENT} FROM calls WHERE {_COUNTS} AND at >= ? AND at < ?", (now - _OPEN_SECONDS, start, end)).fetchone()
        return _read(row)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")  # outlives a kill; a power cut may lose the last calls
            db.execute("BEGIN IMMEDIATE")
            db.execute(_TABLE)
            yield db
            db.execute("COMMIT")
        finally:
            db.close()


def _insert(db: sqlite3.Connection, now: float, payer: Payer, usage: Usage, usd: float | None, *, is_open: int) -> int:
    db.execute("DELETE FROM calls WHERE at < ?", (now - _KEPT.total_seconds(),))
    row = db.execute(
        "INSERT INTO calls (at, day, who, run, conversation, model, input, cached, output, usd, open) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (now, _day(now), payer.who, payer.run, payer.conversation, payer.model, usage.input, usage.cached, usage.output, usd, is_open))
    return int(row.lastrowid or 0)


def _spent(db: sqlite3.Connection, now: float, **of: str | None) -> Spent:
    chosen = {name: value for name, value in of.items() if value is not None}
    where = " AND ".join([_COUNTS, *(f"{name} = ?" for name in chosen)])
    return _read(db.execute(f"SELECT {_SPENT} FROM calls WHERE {where}", (now - _OPEN_SECONDS, *chosen.values())).fetchone())


def _read(row: tuple[float | None, ...]) -> Spent:
    calls, given, cached, output, usd, unpriced = (value or 0 for value in row)
    return Spent(int(calls), int(given), int(cached), int(output), float(usd), int(unpriced))


def _within(
    spent: Spent, tokens: int, usd: float | None, tokens_limit: int | None, usd_limit: float | None, what: str, name: str
) -> None:
    if tokens_limit is not None and spent.tokens + tokens > tokens_limit:
        raise OverBudgetError(f"{what} is {tokens_limit:,} tokens; {spent.tokens:,} are used and the next call needs up to {tokens:,}",
                              where="budget", remedy=f"raise ONCALM_{name}_TOKENS, or wait for the next day (UTC)")
    if usd_limit is not None and usd is not None and spent.usd + usd > usd_limit:
        raise OverBudgetError(f"{what} is {dollars(usd_limit)}; {dollars(spent.usd)} are spent and the next call may cost {dollars(usd)}",
                              where="budget", remedy=f"raise ONCALM_{name}_USD, or wait for the next day (UTC)")


def dollars(usd: float) -> str:
    """An amount for people: small ones with the digits they need."""
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"


def _day(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
