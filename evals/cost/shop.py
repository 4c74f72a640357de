"""A small shop's JSON log over ten days, written from a seed, with faults that come, go and come again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY_ONE = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_USERS = ("ana", "bo", "chen", "dora", "emil", "fay")
_STEP = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault from ``start`` on, for ``length``; its ``kind`` is a key of :data:`FAULTS`."""

    kind: str
    start: datetime
    length: timedelta = timedelta(minutes=16)


@dataclass(frozen=True, slots=True)
class Record:
    """One line to be."""

    at: datetime
    level: str
    service: str
    message: str

    def line(self) -> str:
        return json.dumps({"time": f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03d}Z", "level": self.level,
                           "service": self.service, "msg": self.message}) + "\n"


FAULTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "checkout": (("error", "storefront", "Checkout of order {n} failed for user {user}: inventory answered 503"),
                 ("error", "inventory", "connection pool exhausted, {few} of 20 in use for {ms} ms")),
    "payment": (("error", "payments", "payment of order {n} timed out after {ms} ms at the gateway"),
                ("warn", "payments", "gateway queue holds {few} requests")),
    "login": (("warn", "auth", "login of user {user} from 10.0.0.{few} failed: wrong password"),),
    "queue": (("warn", "worker", "queue mail holds {n} jobs, the oldest waits {few} s"),
              ("error", "worker", "mail job {n} gave up after {few} tries")),
    "disk": (("error", "database", "cannot write segment {n}: no space left on device"),),
    "certificate": (("error", "partner-api", "TLS handshake with partner {few} failed: certificate has expired"),),
}
"""Level, service and message of the lines that each fault adds."""
HEALTHY: tuple[tuple[str, str, str], ...] = (
    ("info", "edge", "GET /catalog/{n} 200 in {few} ms"),
    ("info", "storefront", "Checkout of order {n} paid by user {user} in {ms} ms"),
    ("info", "payments", "charged order {n} {few}.50 EUR"),
    ("info", "payments-v2", "captured order {n} in {ms} ms"),
    ("info", "inventory", "reserved {few} items for order {n}"),
    ("info", "auth", "login of user {user} from 10.0.1.{few} succeeded"),
    ("info", "worker", "mail job {n} done in {ms} ms"),
    ("info", "database", "checkpoint {n} written in {ms} ms"),
    ("info", "partner-api", "synced {few} prices with partner {few}"),
)


def records(episodes: tuple[Episode, ...], until: datetime, *, seed: int = 7) -> Iterator[Record]:
    """Every record up to ``until``, in time order: quiet traffic all day, thick around the episodes."""
    chance = random.Random(seed)
    at = DAY_ONE - timedelta(hours=1)
    while at < until:
        near = any(e.start - timedelta(hours=1) <= at <= e.start + e.length + timedelta(minutes=30) for e in episodes)
        yield from sorted(_moment(at, episodes, chance), key=lambda record: record.at)
        at += _STEP if near else timedelta(minutes=10)


def _moment(at: datetime, episodes: tuple[Episode, ...], chance: random.Random) -> Iterator[Record]:
    for level, service, message in HEALTHY:
        yield _record(at, level, service, message, chance)
    for episode in episodes:
        if episode.start <= at < episode.start + episode.length:
            for level, service, message in FAULTS[episode.kind]:
                yield _record(at, level, service, message, chance)


def _record(at: datetime, level: str, service: str, message: str, chance: random.Random) -> Record:
    said = message.format(n=chance.randrange(1000, 9999), user=chance.choice(_USERS), few=chance.randrange(2, 20),
                          ms=chance.randrange(20, 900))
    return Record(at + timedelta(milliseconds=chance.randrange(0, 19_000)), level, service, said)
