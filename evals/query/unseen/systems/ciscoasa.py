"""A firewall (Cisco ASA over syslog): a scan for remote desktops and a wave of rejected VPN logins at night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect, Patterns
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2000-07-07"
START, END = f"{DAY} 00:00", f"{DAY} 05:40"
SCANNERS = ("185.143.223.12", "94.102.61.40", "80.82.77.139", "45.33.32.156")
USERS = ("svc-backup", "m.keller", "admin", "j.ortiz", "test")



def _form(draft: Draft) -> str:
    return f"{draft.time:%b} {draft.time.day:2d} {draft.time:%H:%M:%S} fw1 %ASA-{draft.values['code']}: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, code: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, host="fw1", code=code, number=code.split("-")[1], **values)


def _connections(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 155)):
        inside, outside = f"10.3.1.{sheet.rng.randint(10, 40)}", f"203.0.113.{sheet.rng.randint(1, 60)}"
        port, seconds, size, conn = sheet.pick((443, 80, 25, 993)), int(sheet.skewed(40, 1)), int(sheet.skewed(30_000, 1.8)), 8_120_000 + number
        ends = f"outside:{outside}/{port}", f"inside:{inside}/{sheet.rng.randint(40000, 60000)}"
        _add(sheet, time, "built", "6-302013", f"Built outbound TCP connection {conn} for {ends[0]} ({outside}/{port}) to {ends[1]} "
             f"({inside}/{ends[1].split('/')[1]})", conn=conn, inside=inside, outside=outside, port=port)
        reason = sheet.pick(("TCP FINs", "TCP Reset-I", "Idle timeout"))
        _add(sheet, later(time, seconds), "teardown", "6-302014", f"Teardown TCP connection {conn} for {ends[0]} to {ends[1]} duration "
             f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} bytes {size} {reason}", conn=conn, inside=inside, outside=outside,
             size=size, reason=reason)


def _attacks(sheet: Sheet) -> None:
    for start, end, rate in ((START, END, 60), (f"{DAY} 02:10", f"{DAY} 02:40", 700)):
        for time in sheet.times(start, end, rate):
            src, scan = sheet.pick(SCANNERS), rate == 700
            port = 3389 if scan else sheet.pick((22, 23, 445, 3389, 8080))
            proto, target = ("udp" if port == 8080 else "tcp"), f"192.168.50.{sheet.rng.randint(2, 20)}"
            _add(sheet, time, "deny", "4-106023", f"Deny {proto} src outside:{src}/{sheet.rng.randint(1024, 65000)} dst dmz:{target}/{port} by "
                 f'access-group "outside_in" [0x0, 0x0]', src=src, port=port, target=target, proto=proto)
    for start, end, rate in ((START, END, 9), (f"{DAY} 03:30", f"{DAY} 03:50", 320)):
        for time in sheet.times(start, end, rate):
            user = sheet.pick(USERS)
            _add(sheet, time, "rejected", "6-113015", f"AAA user authentication Rejected : reason = Invalid password : local database : user = {user} : "
                 f"user IP = {sheet.pick(SCANNERS[:2])}", user=user)
    for time in sheet.times(START, END, 5):
        user = sheet.pick(USERS[:4])
        _add(sheet, time, "accepted", "6-113012", f"AAA user authentication Successful : local database : user = {user}", user=user)


def build() -> Pile:
    """The records."""
    sheet = Sheet(707, _form, "asa.log")
    _connections(sheet)
    _attacks(sheet)
    for clock, command in (("04:02:11", "write memory"), ("04:01:20", "access-list outside_in extended deny ip host 185.143.223.12 any"),
                           ("01:15:00", "show version")):
        _add(sheet, datetime.fromisoformat(f"{DAY} {clock}+00:00"), "command", "5-111008", f"User 'netadmin' executed the '{command}' command.")
    for time in sheet.times(START, END, 3):
        percent = sheet.rng.randint(71, 96)
        _add(sheet, time, "cpu", "4-211003", f"CPU utilization for 60 seconds = {percent}%", percent=percent)
    return sheet.pile()


def _denied(pile: Pile) -> Pile:
    return pile.kind("deny")


def _conn(pile: Pile) -> str:
    return str(pile.kind("teardown").ordered()[30].get("conn"))


PLACES: dict[str, Callable[[Pile], str]] = {"conn": _conn, "scanner": lambda _: SCANNERS[0]}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "denied": lambda p: w.count(_denied(p)),
    "rejected": lambda p: w.count(p.kind("rejected")),
    "built": lambda p: w.count(p.kind("built")),
    "admin": lambda p: w.count(p.kind("rejected").at(user="admin")),
    "denied_from": lambda p: w.count(_denied(p).at(src=SCANNERS[0])),
    "udp": lambda p: w.count(_denied(p).at(proto="udp")),
    "window": lambda p: w.count(p.kind("rejected").span(f"{DAY} 03:30", f"{DAY} 03:45")),
    "last": lambda p: w.count(_denied(p).final(hours=2)),
    "half_two": lambda p: w.count(_denied(p).span(f"{DAY} 01:30", f"{DAY} 02:30")),
    "before": lambda p: w.count(_denied(p).span(f"{DAY} 01:40", f"{DAY} 02:10")),
    "targets": lambda p: w.distinct(_denied(p), "target"),
    "users": lambda p: w.distinct(p.kind("rejected"), "user"),
    "top_users": lambda p: w.top(p.kind("rejected"), "user", 3),
    "top_source": lambda p: w.most(_denied(p), "src"),
    "reasons": lambda p: w.groups(p.kind("teardown"), "reason"),
    "rdp_share": lambda p: w.share(_denied(p).at(port=3389), _denied(p)),
    "bytes": lambda p: w.stat(p.kind("teardown"), "size", "sum"),
    "bytes_max": lambda p: w.stat(p.kind("teardown"), "size", "max"),
    "bytes_p50": lambda p: w.stat(p.kind("teardown"), "size", "p50"),
    "cpu": lambda p: w.stat(p.kind("cpu"), "percent", "max"),
    "largest": lambda p: w.extremes(p.kind("teardown"), "size", 5),
    "first": lambda p: w.first(p.kind("rejected").at(user="svc-backup")),
    "written": lambda p: w.either(w.last(p.kind("command").having("write memory")), w.lines(p.kind("command").having("write memory"))),
    "trend": lambda p: w.trend(p.kind("rejected"), 3600),
    "peak": lambda p: w.peak(_denied(p), 60),
    "gap": w.gap,
    "compare": lambda p: w.either(*(Patterns({pattern: {
        "before": len(_denied(p).at(proto=proto).span(f"{DAY} 01:40", f"{DAY} 02:10")),
        "after": len(_denied(p).at(proto=proto).span(f"{DAY} 02:10", f"{DAY} 02:40"))}})
        for pattern, proto in (("Deny tcp", "tcp"), ("Deny", ("tcp", "udp")), ("Deny", "tcp")))),
    "conn_lines": lambda p: w.lines(p.where(lambda e: str(e.get("conn")) == _conn(p))),
    "commands": lambda p: w.lines(p.kind("command")),
    "template": lambda p: w.patterns(CPU_utilization={"count": len(p.kind("cpu"))}),
    "big": lambda p: w.either(w.count(p.kind("teardown").over("size", 1_000_000)), w.count(p.kind("teardown").over("size", 1_048_576))),
    "cpu_over": lambda p: w.count(p.kind("cpu").over("percent", 90)),
    "not_from": lambda p: w.count(_denied(p).lacks(src=SCANNERS[0])),
    "yes_admin": lambda p: w.yes(p.kind("accepted").at(user="admin")),
    "no_test": lambda _: w.no(),
    "then_user": lambda p: w.count(p.kind("rejected").at(user="m.keller")),
    "then_sources": lambda p: w.top(_denied(p), "src"),
    "nothing": lambda _: w.no(),
    "shun": lambda _: w.refused(),
}
