"""Homes made by the real ingest and the real writers: quiet hours, then trouble."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.summaries.facts import Period
from telemetry.records import Change, Span
from telemetry.store.beyond import RecordWriter

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW = Period(start=NOON, end=NOON + timedelta(hours=2))
HOSTILE = "<script>alert(1)</script> <!channel> [x](https://evil.example/a.png) `code` | *bold* | @here"


def lines(*, hostile: bool = False) -> dict[str, str]:
    """Four hours of two services; in the last two hours the shop fails, and then the mailer stops."""
    made: dict[str, list[str]] = {"shop": [], "mailer": []}

    def say(service: str, when: datetime, text: str) -> None:
        made[service].append(f"{when:%Y-%m-%d %H:%M:%S},000 {text}\n")

    for second in range(0, 4 * 3600, 20):
        when = NOON - timedelta(hours=2) + timedelta(seconds=second)
        say("shop", when, f"INFO app.Cart: cart {second} opened in {second % 40} ms")
        if when < NOON + timedelta(minutes=30):
            say("mailer", when, f"INFO app.Mail: sent message {second}")
        if second % 1200 == 0:
            say("shop", when, "ERROR app.Pay: payment refused by the bank")
        if when >= NOON and second % 60 == 0:
            say("shop", when, f"ERROR app.Db: no connection to db-1 after {second} ms")
        if when >= NOON and hostile and second % 60 == 0:
            say("shop", when, f"ERROR app.Evil: broken {HOSTILE}")
    return {name: "".join(told) for name, told in made.items()}


def stored(home: Path, *, hostile: bool = False) -> Path:
    """A home with those records."""
    from api.wiring.product import Product

    for name, text in lines(hostile=hostile).items():
        log = home.parent / f"{name}.log"
        log.write_text(text)
        assert not Product(home).ingest([log]).problems
    return home


def traced(home: Path) -> Path:
    """Spans of both periods (the shop fails in the second) and two changes."""
    spans = []
    for minute in range(240):
        when = NOON - timedelta(hours=2) + timedelta(minutes=minute)
        start, failed = int(when.timestamp() * 1e6), when >= NOON and minute % 4 == 0
        spans += [Span(f"t{minute}", f"a{minute}", "", "web", "GET /", start, 5_000),
                  Span(f"t{minute}", f"b{minute}", f"a{minute}", "shop", "buy", start + 10, 4_000, status="error" if failed else "ok")]
    with RecordWriter(home) as writer:
        writer.add_spans(spans)
        writer.add_changes([
            Change("c1", int((NOON - timedelta(minutes=2)).timestamp() * 1e6), "config", "limits of the pool", "shop"),
            Change("c2", int((NOON + timedelta(minutes=1)).timestamp() * 1e6), "deploy", "shop 1.4.0", "shop", actor="ann", version="1.4.0")])
        writer.commit()
    return home
