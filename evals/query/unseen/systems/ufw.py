"""A host firewall (UFW lines of the kernel in syslog): a port scan at dawn and a flood of blocked SSH."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-02-03"
START, END = f"{DAY} 02:00", f"{DAY} 09:40"
SCANNER, BRUTE = "198.51.100.23", "203.0.113.140"
SOURCES = ("45.83.64.11", "92.63.197.50", "185.220.101.4", "141.98.10.60", "89.248.165.74")
PORTS = (23, 445, 3389, 8080, 5060)


def _form(draft: Draft) -> str:
    return f"{draft.time:%b} {draft.time.day:2d} {draft.time:%H:%M:%S} {draft.host} kernel: {draft.message}"


def _packet(sheet: Sheet, time: datetime, action: str, src: str, dpt: int, proto: str = "TCP", nic: str = "eth0", host: str = "") -> None:
    size, ttl, spt = sheet.rng.choice((40, 44, 52, 60)), sheet.rng.randint(42, 244), sheet.rng.randint(1024, 65535)
    dst = "192.0.2.10" if nic == "eth0" else "10.1.0.10"
    tail = f"WINDOW={sheet.rng.choice((1024, 29200, 65535))} RES=0x00 SYN URGP=0" if proto == "TCP" else f"LEN={size - 20}"
    sheet.add(time, action.lower(), f"[{time.timestamp() % 1_000_000:.6f}] [UFW {action}] IN={nic} OUT= MAC=52:54:00:aa:be:01 SRC={src} DST={dst} "
              f"LEN={size} TOS=0x00 PREC=0x00 TTL={ttl} ID={sheet.rng.randint(1, 65535)} PROTO={proto} SPT={spt} DPT={dpt} {tail}",
              service="kernel", host=host or sheet.pick(("edge1", "edge2"), (7, 3)), src=src, dpt=dpt, proto=proto, nic=nic, size=size, ttl=ttl)


def _other(sheet: Sheet, time: datetime, kind: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, f"[{time.timestamp() % 1_000_000:.6f}] {message}", service="kernel", host="edge1", **values)


def build() -> Pile:
    """The records."""
    sheet = Sheet(2303, _form, "kern.log")
    for time in sheet.times(START, END, 130):
        _packet(sheet, time, "BLOCK", sheet.pick(SOURCES), sheet.pick(PORTS), sheet.pick(("TCP", "UDP"), (8, 2)))
    for number, time in enumerate(sheet.times(f"{DAY} 05:12", f"{DAY} 05:19", 4200)):
        _packet(sheet, time, "BLOCK", SCANNER, 20 + number * 3, host="edge1")
    for time in sheet.times(f"{DAY} 07:30", f"{DAY} 08:20", 300):
        _packet(sheet, time, "BLOCK", BRUTE, 22, host="edge2")
    for time in sheet.times(START, END, 40):
        _packet(sheet, time, "ALLOW", f"10.1.0.{sheet.rng.randint(30, 38)}", sheet.pick((443, 22, 9100)), nic="eth1")
    for time in sheet.times(START, END, 14):
        _packet(sheet, time, "AUDIT", sheet.pick(SOURCES[:2]), 443)
    for time in sheet.times(START, END, 3):
        count = int(sheet.skewed(900))
        _other(sheet, time, "conntrack", f"nf_conntrack: table full, dropping packet, {count} suppressed", suppressed=count)
    for time in sheet.times(f"{DAY} 08:00", END, 4):
        _other(sheet, time, "link", "e1000e 0000:00:1f.6 eth0: NIC Link is Down")
    sheet.drafts = [each for each in sheet.drafts if not f"{DAY} 03:31" <= f"{each.time:%Y-%m-%d %H:%M}" < f"{DAY} 03:58"]
    return sheet.pile()


def _block(pile: Pile) -> Pile:
    return pile.kind("block")


PLACES: dict[str, Callable[[Pile], str]] = {}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "blocked": lambda p: w.count(_block(p)),
    "scanner": lambda p: w.count(_block(p).at(src=SCANNER)),
    "udp": lambda p: w.count(_block(p).at(proto="UDP")),
    "full": lambda p: w.count(p.kind("conntrack")),
    "since": lambda p: w.count(_block(p).at(src=BRUTE).since(f"{DAY} 08:00")),
    "window": lambda p: w.count(_block(p).span(f"{DAY} 05:00", f"{DAY} 05:30")),
    "sources": lambda p: w.distinct(_block(p), "src"),
    "ports_tried": lambda p: w.distinct(_block(p).at(src=SCANNER), "dpt"),
    "top_src": lambda p: w.top(_block(p), "src", 5),
    "top_port": lambda p: w.most(_block(p), "dpt"),
    "protos": lambda p: w.groups(_block(p), "proto"),
    "share": lambda p: w.share(_block(p).at(dpt=22), _block(p)),
    "ttl": lambda p: w.stat(_block(p), "ttl", "mean"),
    "suppressed": lambda p: w.stat(p.kind("conntrack"), "suppressed", "sum"),
    "ttl_by": lambda p: w.grouped(_block(p), "ttl", "proto", "max"),
    "first": lambda p: w.first(_block(p).at(src=SCANNER)),
    "last": lambda p: w.last(p.kind("link")),
    "peak": lambda p: w.peak(_block(p), 60),
    "gap": w.gap,
    "new": lambda p: w.patterns(NIC_Link_is_Down={"before": 0, "after": len(p.kind("link"))}),
    "template": lambda p: w.patterns(table_full={"count": len(p.kind("conntrack"))}),
    "lines": lambda p: w.lines(p.kind("link")),
    "not_tcp": lambda p: w.count(_block(p).at(host="edge1").lacks(src=SCANNER)),
    "any_link": lambda p: w.yes(p.kind("link")),
    "no_oom": lambda _: w.no(),
    "then_host": lambda p: w.groups(_block(p), "host"),
    "then_port": lambda p: w.count(_block(p).at(src=SOURCES[0], dpt=23)),
    "nothing": lambda _: w.no(),
    "unblock": lambda _: w.refused(),
}
