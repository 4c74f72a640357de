"""A load balancer (HAProxy over syslog): one of three servers is marked down twice around noon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-04-09"
START, END = f"{DAY} 10:00", f"{DAY} 14:00"
BACKENDS = {"be_api": ("api1", "api2", "api3"), "be_web": ("web1", "web2"), "be_auth": ("auth1",)}
URLS = {"be_api": ("/api/v2/items", "/api/v2/basket", "/api/v2/prices"), "be_web": ("/", "/home", "/img/hero.webp"), "be_auth": ("/oauth/token",)}


def _form(draft: Draft) -> str:
    return f"{draft.time:%b} {draft.time.day:2d} {draft.time:%H:%M:%S} {draft.host} haproxy[{2211 if draft.host == 'lb1' else 1904}]: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, service="haproxy", host=values.pop("lb", None) or sheet.pick(("lb1", "lb2"), (6, 4)), **values)


def _down(time: datetime) -> bool:
    clock = f"{time:%H:%M}"
    return "11:52" <= clock < "12:03" or "12:31" <= clock < "12:39"


def _request(sheet: Sheet, time: datetime, client: str) -> None:
    backend = sheet.pick(tuple(BACKENDS), (6, 4, 1))
    server, url = sheet.rng.choice(BACKENDS[backend]), sheet.pick(URLS[backend])
    down = _down(time) and backend == "be_api"
    status = sheet.pick((200, 404, 401, 500), (92, 4, 3, 1))
    total = int(sheet.skewed({"be_api": 60, "be_web": 25, "be_auth": 110}[backend] * (9 if down else 1), 0.7))
    if down and sheet.rng.random() < 0.5:
        server, status = "<NOSRV>", 503
    state = "SC--" if status == 503 else "----"
    size = int(sheet.skewed(60_000 if url.endswith("webp") else 2_500, 0.8))
    _add(sheet, time, "request", f"{client}:{sheet.rng.randint(30000, 60999)} [{time:%d/%b/%Y:%H:%M:%S}.{sheet.rng.randint(0, 999):03d}] "
         f"fe_https~ {backend}/{server} 0/0/1/{max(total - 1, 0)}/{total} {status} {size} - - {state} "
         f'{sheet.rng.randint(10, 80)}/{sheet.rng.randint(5, 40)}/{sheet.rng.randint(0, 9)}/1/0 0/0 "GET {url} HTTP/1.1"',
         client=client, backend=backend, server=f"{backend}/{server}", status=status, size=size, total=total, url=url)


def build() -> Pile:
    """The records."""
    sheet = Sheet(409, _form, "haproxy.log")
    clients = [f"172.16.{number % 4}.{20 + number}" for number in range(45)]
    for time in sheet.times(START, END, 660):
        _request(sheet, time, sheet.pick(clients))
    for time in sheet.times(START, END, 12):
        _add(sheet, time, "badreq", f"{sheet.pick(('192.0.2.66', '192.0.2.91'))}:{sheet.rng.randint(30000, 60999)} [{time:%d/%b/%Y:%H:%M:%S}.000] "
             "fe_https/1: SSL handshake failure")
    for start, end, left in (("11:52:04", "12:03:10", 2), ("12:31:40", "12:39:02", 2)):
        for lb in ("lb1", "lb2"):
            begin, stop = (datetime.fromisoformat(f"{DAY} {clock}+00:00") for clock in (start, end))
            check = sheet.rng.randint(2001, 2009)
            _add(sheet, begin, "down", f"Server be_api/api2 is DOWN, reason: Layer4 timeout, check duration: {check}ms. {left} active and 0 "
                 "backup servers left. 4 sessions active, 0 requeued, 0 remaining in queue.", lb=lb, check=check)
            _add(sheet, stop, "up", "Server be_api/api2 is UP, reason: Layer7 check passed, code: 200, check duration: "
                 f"{sheet.rng.randint(2, 30)}ms. 3 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.", lb=lb)
    return sheet.pile()


def _requests(pile: Pile) -> Pile:
    return pile.kind("request")


def _client(pile: Pile) -> str:
    counts = _requests(pile).counter("client")
    return min(counts, key=lambda ip: (counts[ip], ip))


PLACES: dict[str, Callable[[Pile], str]] = {"client": _client, "busy": lambda p: _requests(p).counter("client").most_common(1)[0][0]}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "down": lambda p: w.count(p.kind("down")),
    "ssl": lambda p: w.count(p.kind("badreq")),
    "s503": lambda p: w.count(_requests(p).at(status=503)),
    "nosrv": lambda p: w.count(_requests(p).at(server="be_api/<NOSRV>")),
    "lb2": lambda p: w.count(p.at(host="lb2")),
    "noon": lambda p: w.count(_requests(p).at(status=503).since(f"{DAY} 12:00")),
    "ssl_last": lambda p: w.count(p.kind("badreq").final(hours=1)),
    "quarter": lambda p: w.count(_requests(p).at(url="/oauth/token").span(f"{DAY} 10:15", f"{DAY} 10:45")),
    "api_window": lambda p: w.count(_requests(p).at(backend="be_api").span(f"{DAY} 11:00", f"{DAY} 11:30")),
    "clients": lambda p: w.distinct(_requests(p), "client"),
    "urls": lambda p: w.top(_requests(p), "url", 3),
    "hosts": lambda p: w.groups(p, "host"),
    "share": lambda p: w.share(_requests(p).at(status=503), _requests(p)),
    "check": lambda p: w.span_of(p.kind("down"), "check", "max"),
    "first": lambda p: w.first(p.kind("down")),
    "last": lambda p: w.last(p.kind("up")),
    "trend": lambda p: w.peak(_requests(p).at(status=503), 60),
    "hourly": lambda p: w.trend(p.kind("badreq"), 3600),
    "gap": w.gap,
    "compare": lambda p: w.patterns(is_DOWN={"before": 0, "after": len(p.kind("down").span(f"{DAY} 11:50", f"{DAY} 12:10"))}),
    "client_lines": lambda p: w.seen(_requests(p).at(client=_client(p))),
    "template": lambda p: w.patterns(SSL_handshake_failure={"count": len(p.kind("badreq"))}),
    "not_lb1": lambda p: w.count(p.kind("badreq").lacks(host="lb1")),
    "yes_api2": lambda p: w.yes(p.kind("down")),
    "no_web1": lambda _: w.no(),
    "then_busy": lambda p: w.count(_requests(p).at(client=_requests(p).counter("client").most_common(1)[0][0], status=503)),
    "then_lb": lambda p: w.top(p.kind("badreq"), "host"),
    "show_down": lambda p: w.lines(p.kind("down")),
    "nothing": lambda _: w.no(),
    "drain": lambda _: w.refused(),
}
