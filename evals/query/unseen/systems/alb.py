"""Access log of a cloud load balancer: one target of the checkout service times out for twenty minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-11-05"
START, END = f"{DAY} 17:00", f"{DAY} 20:00"
TARGETS = ("10.40.1.15:8080", "10.40.1.16:8080", "10.40.2.21:8080")
PATHS = ("/catalog", "/cart", "/checkout", "/login", "/health")
AGENTS = ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "Mozilla/5.0 (X11; Linux x86_64)", "okhttp/4.12.0")
NAME = "app/shop-prod/50dc6c495c0c9188"


def _form(draft: Draft) -> str:
    return draft.message


def _add(sheet: Sheet, time: datetime, client: str) -> None:
    path, target = sheet.pick(PATHS), sheet.pick(TARGETS, (1, 1, 1))
    bad = path == "/checkout" and "18:20" <= f"{time:%H:%M}" < "18:40"
    target = TARGETS[1] if bad else target
    status = 504 if bad else sheet.pick((200, 302, 404, 502), (93, 3, 3, 1))
    took = round(10.0 + sheet.rng.random() / 50 if bad else sheet.skewed(0.08), 3)
    answered = "-" if bad else str(status)
    size, method = int(sheet.skewed(4200)), "POST" if path in ("/checkout", "/login") else "GET"
    trace = f"Root=1-{sheet.hexes(8)}-{sheet.hexes(24)}"
    agent = sheet.pick(AGENTS)
    text = (f"https {time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}000Z {NAME} {client}:{sheet.rng.randint(1024, 65000)} {target} 0.001 "
            f"{took:.3f} 0.000 {status} {answered} {sheet.rng.randint(80, 900)} {size} \"{method} https://shop.example.com:443{path} HTTP/2.0\" \"{agent}\" "
            f"ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 \"{trace}\"")
    sheet.add(time, "request", text, client=client, target=target, status=status, took=took, size=size, method=method, path=path, trace=trace,
              agent=agent)


def build() -> Pile:
    """The records."""
    sheet = Sheet(1105, _form, "alb.log", second=False)
    clients = [f"93.184.{number % 7}.{30 + number}" for number in range(60)]
    for time in sheet.times(START, END, 700):
        _add(sheet, time, sheet.pick(clients))
    return sheet.pile()


def _trace(pile: Pile) -> str:
    return str(pile.at(status=504).ordered()[2].get("trace"))


PLACES: dict[str, Callable[[Pile], str]] = {"trace": lambda p: _trace(p).removeprefix("Root=")}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "all": w.count,
    "s504": lambda p: w.count(p.at(status=504)),
    "checkout": lambda p: w.count(p.at(path="/checkout")),
    "posts": lambda p: w.count(p.at(method="POST")),
    "target": lambda p: w.count(p.at(status=504, target=TARGETS[1])),
    "since": lambda p: w.count(p.at(status=504).since(f"{DAY} 18:30")),
    "half": lambda p: w.count(p.final(minutes=30)),
    "between": lambda p: w.count(p.at(path="/login").span(f"{DAY} 18:00", f"{DAY} 19:00")),
    "clients": lambda p: w.distinct(p, "client"),
    "status": lambda p: w.groups(p, "status"),
    "busiest": lambda p: w.top(p, "client", 3),
    "methods": lambda p: w.groups(p, "method"),
    "share": lambda p: w.share(p.least("status", 500), p),
    "mobile": lambda p: w.count(p.at(agent=AGENTS[2])),
    "first": lambda p: w.first(p.at(status=504)),
    "last": lambda p: w.last(p.at(status=504)),
    "peak": lambda p: w.peak(p.at(status=504), 3600),
    "trend": lambda p: w.trend(p, 3600),
    "gap": w.gap,
    "trace": lambda p: w.seen(p.at(trace=_trace(p))),
    "fives": lambda p: w.count(p.least("status", 500)),
    "not_ok": lambda p: w.count(p.lacks(status=200)),
    "any_504": lambda p: w.yes(p.at(status=504)),
    "any_429": lambda _: w.no(),
    "then_path": lambda p: w.count(p.at(status=404, path="/cart")),
    "then_hour": lambda p: w.trend(p.at(status=404), 3600),
    "nothing": lambda _: w.no(),
    "scale": lambda _: w.refused(),
}
