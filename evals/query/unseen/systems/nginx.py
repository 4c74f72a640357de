"""A web shop's edge: access and error log of one morning; one upstream hangs for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-03-03"
PATHS = ("/", "/api/cart", "/api/search", "/static/app.js", "/login", "/api/checkout", "/admin/export")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "Googlebot/2.1", "okhttp/4.12.0")
SCAN = ("/wp-login.php", "/.env", "/phpmyadmin/")
SCANNER = "91.240.118.172"


def _form(draft: Draft) -> str:
    if draft.source == "error.log":
        return f"{draft.time:%Y/%m/%d %H:%M:%S} [{draft.level}] 3121#3121: {draft.message}"
    return f"{draft.values['ip']} - {draft.values['user']} [{draft.time:%d/%b/%Y:%H:%M:%S} +0000] {draft.message}"


def _hangs(time: datetime, path: str) -> bool:
    return path in {"/api/cart", "/api/checkout"} and f"{DAY} 09:25" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAY} 09:48"


def _status(sheet: Sheet, time: datetime, path: str) -> int:
    if path in SCAN:
        return 404
    if _hangs(time, path):
        return sheet.pick((504, 502, 200), (60, 15, 25))
    if path == "/admin/export":
        return sheet.pick((200, 403), (3, 2))
    return sheet.pick((200, 304, 404, 499, 500), (85, 8, 4, 2, 1))


def _request(sheet: Sheet, time: datetime, ip: str, path: str) -> None:
    status, method = _status(sheet, time, path), "POST" if path in {"/login", "/api/checkout"} else "GET"
    seconds = 60.0 if status == 504 else round(sheet.skewed(0.08 if path != "/api/search" else 0.35, 0.9), 3)
    size = int(sheet.skewed({"/admin/export": 1_400_000, "/static/app.js": 180_000}.get(path, 4_000), 0.7))
    size, agent = (0 if status in {304, 499} else size), sheet.pick(AGENTS)
    user = sheet.pick(("frank", "gina")) if path == "/admin/export" else "-"
    sheet.add(time, "access", f'"{method} {path} HTTP/1.1" {status} {size} "-" "{agent}" rt={seconds:.3f}', ip=ip, user=user,
              method=method, path=path, status=status, size=size, rt=seconds, agent=agent)
    tail = f'client: {ip}, server: shop.example, request: "{method} {path} HTTP/1.1"'
    number = sheet.rng.randint(1000, 99999)
    if status == 504:
        _error(sheet, time, "timeout", "error", f"*{number} upstream timed out (110: Connection timed out) while reading response "
               f'header from upstream, {tail}, upstream: "http://10.0.1.7:8080{path}", host: "shop.example"', ip, path)
    elif status == 502:
        _error(sheet, time, "refused", "error", f"*{number} connect() failed (111: Connection refused) while connecting to upstream, "
               f'{tail}, upstream: "http://10.0.1.8:8080{path}", host: "shop.example"', ip, path)
    elif path in SCAN:
        _error(sheet, time, "missing", "error", f'*{number} open() "/srv/www{path}" failed (2: No such file or directory), {tail}, '
               f'host: "shop.example"', ip, path)
    elif size > 2_000_000:
        _error(sheet, time, "buffered", "warn", f"*{number} an upstream response is buffered to a temporary file "
               f'/var/cache/nginx/proxy_temp/{sheet.rng.randint(1, 99):02d}/{number} while reading upstream, {tail}', ip, path)


def _error(sheet: Sheet, time: datetime, kind: str, level: str, message: str, ip: str, path: str) -> None:
    sheet.add(time, kind, message, level=level, source="error.log", ip=ip, path=path)


def build() -> Pile:
    """The records."""
    sheet = Sheet(303, _form, "access.log")
    clients = [f"198.51.100.{10 + number}" for number in range(30)]
    for time in sheet.times(f"{DAY} 07:30", f"{DAY} 10:45", 900):
        _request(sheet, time, sheet.pick(clients), sheet.pick(PATHS, (30, 18, 14, 22, 6, 5, 3)))
    for time in sheet.times(f"{DAY} 08:12", f"{DAY} 08:21", 700):
        _request(sheet, time, SCANNER, sheet.pick(SCAN))
    sheet.add(next(sheet.times(f"{DAY} 10:02", f"{DAY} 10:05", 9000)), "reload", "signal process started, reconfiguring",
              level="notice", source="error.log")
    return sheet.pile()


def _requests(pile: Pile) -> Pile:
    return pile.kind("access")


def _server_errors(pile: Pile) -> Pile:
    return _requests(pile).least("status", 500)


def _quiet(pile: Pile) -> str:
    counts = _requests(pile).counter("ip")
    return min(counts, key=lambda ip: (counts[ip], ip))


PLACES: dict[str, Callable[[Pile], str]] = {"quiet": _quiet, "scanner": lambda _: SCANNER}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "s504": lambda p: w.count(_requests(p).at(status=504)),
    "fivexx": lambda p: w.seen(_server_errors(p)),
    "s404_scan": lambda p: w.count(_requests(p).at(status=404, ip=SCANNER)),
    "timeouts_window": lambda p: w.count(p.kind("timeout").span(f"{DAY} 09:30", f"{DAY} 09:45")),
    "checkout_last_hour": lambda p: w.seen(_requests(p).at(path="/api/checkout").final(hours=1)),
    "around": lambda p: w.either(*(w.count(_server_errors(p).span(f"{DAY} {a}", f"{DAY} {b}")) for a, b in
                                   (("09:25", "09:35"), ("09:15", "09:45"), ("09:20", "09:40"), ("09:29", "09:31"),
                                    ("09:30", "09:31"), ("09:28", "09:32")))),
    "ips": lambda p: w.distinct(_requests(p), "ip"),
    "paths": lambda p: w.top(_requests(p), "path", 3),
    "status": lambda p: w.groups(_requests(p), "status"),
    "agents": lambda p: w.top(_requests(p), "agent", 2),
    "chatty": lambda p: w.top(_requests(p), "ip", 5),
    "who_exports": lambda p: w.most(_requests(p).at(path="/admin/export"), "user"),
    "error_rate": lambda p: w.share(_server_errors(p), _requests(p)),
    "rt_p95": lambda p: w.stat(_requests(p), "rt", "p95"),
    "search_mean": lambda p: w.stat(_requests(p).at(path="/api/search"), "rt", "mean"),
    "bytes": lambda p: w.stat(_requests(p), "size", "sum"),
    "rt_by_path": lambda p: w.grouped(_requests(p).since(f"{DAY} 09:00"), "rt", "path", "mean"),
    "rt_max_status": lambda p: w.grouped(_requests(p), "rt", "status", "max"),
    "largest": lambda p: w.extremes(_requests(p), "size", 3),
    "slowest_search": lambda p: w.extremes(_requests(p).at(path="/api/search"), "rt", 5),
    "first_504": lambda p: w.either(w.first(_requests(p).at(status=504)), w.first(p.kind("timeout"))),
    "last_refused": lambda p: w.last(p.kind("refused")),
    "fivexx_minute": lambda p: w.peak(_server_errors(p), 60),
    "new": lambda p: w.patterns(upstream_timed_out={"before": 0, "after": len(p.kind("timeout"))}),
    "ip_lines": lambda p: w.seen(p.at(ip=_quiet(p))),
    "scan_yes": lambda p: w.either(w.yes(_requests(p).at(path="/.env")), w.yes(p.at(path="/.env"))),
    "slow": lambda p: w.count(_requests(p).over("rt", 2)),
    "big": lambda p: w.count(_requests(p).over("size", 1_000_000), _requests(p).over("size", 1_048_576)),
    "not_timeout": lambda p: w.count(p.at(level="error").where(lambda e: e.kind != "timeout")),
    "not_scanner": lambda p: w.count(_requests(p).at(status=404).lacks(ip=SCANNER)),
    "template": lambda p: w.patterns(upstream_response_is_buffered={"count": len(p.kind("buffered"))}),
    "errors": lambda p: w.patterns(upstream_timed_out={"count": len(p.kind("timeout"))},
                                   No_such_file={"count": len(p.kind("missing"))}),
    "then_path": lambda p: w.count(_requests(p).at(status=504, path="/api/cart")),
    "then_ips": lambda p: w.top(_requests(p).at(status=504), "path"),
    "none": lambda _: w.no(),
    "block": lambda _: w.refused(),
    "gibberish": lambda _: w.refused(),
}
