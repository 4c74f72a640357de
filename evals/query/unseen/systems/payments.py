"""A payment service (structlog, key=value): one acquirer declines and times out, webhooks are retried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2026-07-16"
START, END = f"{DAY} 13:00", f"{DAY} 18:30"
ACQUIRERS, COUNTRIES = ("northpay", "cardlink", "zebrabank"), ("DE", "FR", "ES", "PL")
REASONS = ("insufficient_funds", "do_not_honor", "expired_card")


def _form(draft: Draft) -> str:
    pairs = " ".join(f"{key}={value}" for key, value in draft.values.items())
    return f"{draft.time:%Y-%m-%d %H:%M:%S}.{draft.time.microsecond // 1000:03d} [{draft.level:<8}] {draft.message:<30} {pairs}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, **values)


def _payment(sheet: Sheet, time: datetime) -> None:
    payment, acquirer = f"pay_{sheet.hexes(10)}", sheet.pick(ACQUIRERS)
    outage = acquirer == "cardlink" and "15:45" <= f"{time:%H:%M}" < "16:30"
    cents, ms = int(sheet.skewed(4200, 1)), int(sheet.skewed(300 if not outage else 2400, 0.5))
    known: dict[str, Any] = {"payment_id": payment, "acquirer": acquirer}
    _add(sheet, time, "created", "info", "payment created", payment_id=payment, country=sheet.pick(COUNTRIES), amount_cents=cents)
    if outage and sheet.rng.random() < 0.5:
        _add(sheet, later(time, 5), "timeout", "error", "acquirer timed out", **known, attempt=sheet.rng.randint(1, 3))
    elif sheet.rng.random() < 0.08:
        _add(sheet, later(time, ms / 1000), "declined", "warning", "payment declined", **known, reason=sheet.pick(REASONS))
    else:
        _add(sheet, later(time, ms / 1000), "captured", "info", "payment captured", **known, duration_ms=ms)


def build() -> Pile:
    """The records."""
    sheet = Sheet(716, _form, "payments.log", second=False)
    for time in sheet.times(START, END, 160):
        _payment(sheet, time)
    for time in sheet.times(START, END, 14):
        _add(sheet, time, "webhook", "error", "webhook delivery failed", merchant=sheet.pick(("m_441", "m_872", "m_105")), status=sheet.pick((500, 404, 403)))
    for time in sheet.times(START, END, 10):
        _add(sheet, time, "refund", "info", "refund issued", refund_id=f"re_{sheet.hexes(8)}", amount_cents=int(sheet.skewed(2500)))
    for time in sheet.times(f"{DAY} 16:00", END, 8):
        _add(sheet, time, "fraud", "critical", "fraud rule matched", rule=sheet.pick(("velocity", "bin_attack")), score=sheet.rng.randint(70, 99))
    return sheet.pile()


def _payment_id(pile: Pile) -> str:
    return str(pile.kind("timeout").ordered()[4].get("payment_id"))


PLACES: dict[str, Callable[[Pile], str]] = {"payment": _payment_id}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "timeouts": lambda p: w.count(p.kind("timeout")),
    "declined": lambda p: w.count(p.kind("declined")),
    "captured": lambda p: w.count(p.kind("captured").at(acquirer="northpay")),
    "errors": lambda p: w.count(p.at(level="error"), p.at(level=("error", "critical"))),
    "funds": lambda p: w.count(p.kind("declined").at(reason="insufficient_funds")),
    "since": lambda p: w.count(p.kind("timeout").since(f"{DAY} 16:00")),
    "window": lambda p: w.count(p.kind("declined").span(f"{DAY} 14:00", f"{DAY} 15:00")),
    "last_half": lambda p: w.count(p.kind("captured").final(minutes=30)),
    "merchants": lambda p: w.distinct(p.kind("webhook"), "merchant"),
    "reasons": lambda p: w.top(p.kind("declined"), "reason"),
    "merchant": lambda p: w.most(p.kind("webhook"), "merchant"),
    "countries": lambda p: w.groups(p.kind("created"), "country"),
    "levels": w.levels,
    "share": lambda p: w.share(p.kind("declined"), p.kind("created")),
    "p99": lambda p: w.span_of(p.kind("captured"), "duration_ms", "p99"),
    "refunded": lambda p: w.stat(p.kind("refund"), "amount_cents", "sum"),
    "biggest": lambda p: w.stat(p.kind("created"), "amount_cents", "max"),
    "by_acquirer": lambda p: w.grouped(p.kind("captured"), "duration_ms", "acquirer", "mean"),
    "by_country": lambda p: w.grouped(p.kind("created"), "amount_cents", "country", "sum"),
    "slowest": lambda p: w.extremes(p.kind("captured"), "duration_ms", 5),
    "first": lambda p: w.first(p.kind("timeout")),
    "last": lambda p: w.last(p.kind("fraud")),
    "trend": lambda p: w.trend(p.kind("declined"), 3600),
    "gap": w.gap,
    "compare": lambda p: w.patterns(acquirer_timed_out={"before": 0, "after": len(p.kind("timeout").span(f"{DAY} 15:45", f"{DAY} 16:30"))}),
    "payment": lambda p: w.lines(p.at(payment_id=_payment_id(p))),
    "template": lambda p: w.patterns(webhook_delivery_failed={"count": len(p.kind("webhook"))}),
    "slow": lambda p: w.count(p.kind("captured").over("duration_ms", 1000)),
    "score": lambda p: w.count(p.kind("fraud").least("score", 90)),
    "not_500": lambda p: w.count(p.kind("webhook").lacks(status=500)),
    "fraud": lambda p: w.yes(p.kind("fraud")),
    "chargeback": lambda _: w.no(),
    "then_reason": lambda p: w.groups(p.kind("declined").at(acquirer="northpay"), "reason"),
    "then_status": lambda p: w.count(p.kind("webhook").at(status=404)),
    "summary": lambda p: w.patterns(webhook_delivery_failed={"count": len(p.kind("webhook"))}, never=("payment created", "refund issued")),
    "nothing": lambda _: w.no(),
    "refund": lambda _: w.refused(),
}
