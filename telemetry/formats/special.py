"""Formats that no general grammar reads well: columns with a fixed meaning, access logs, RFC 5424, CRI."""


from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from telemetry.formats import balancers, header, stamps
from telemetry.formats.levels import HEADER, from_digits, from_message, from_sign, from_word
from telemetry.formats.model import FIELDS, Parsed, parsed, shift
from telemetry.times import TimeFormat

Inner = Callable[[str], Parsed | None]

_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{1,2}):(?P<S>\d{1,2})(?:[.,](?P<f>\d{1,9}))?"


def _named(kind: str, pattern: str, *, fmt: TimeFormat | None = None) -> Callable[[str, stamps.Orders], Parsed | None]:
    """Make a reader of a fixed layout whose groups are named like the fields."""
    compiled = re.compile(pattern)

    def read(line: str, orders: stamps.Orders) -> Parsed | None:
        match = compiled.match(line)
        if not match:
            return None
        places = {n: match.span(n) for n in compiled.groupindex if match[n] is not None}
        time_format = fmt or (stamps.whole(match["time"], orders) if "time" in places else None)
        if "time" in places and time_format is None:
            return None
        level = from_word(match["level"]) if "level" in places else None
        extra = tuple((n, *p) for n, p in places.items() if n not in FIELDS and p[0] < p[1])
        return parsed(kind, places, time_format=time_format, level=level, fields=extra)

    return read


bgl = _named(
    "bluegene",
    r"(?P<alert>\S+) \d{10} \d{4}\.\d\d\.\d\d (?P<host>\S+) (?P<time>\d{4}-\d\d-\d\d-[\d.]+) \S+ (?P<service>[A-Z]+) "
    rf"(?P<logger>[A-Z]+) (?P<level>{HEADER}|FAILURE)(?: (?P<message>.*)|(?P<message2>)$)",
)
_CLUSTER = TimeFormat(
    "cluster",
    r"(?P<Y>\d{4})\.(?P<m>\d\d)\.(?P<d>\d\d) \S+ [A-Z][a-z][a-z] +\d{1,2} (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)",
)
thunderbird = _named(
    "cluster-syslog",
    r"(?P<alert>\S+) \d{10} (?P<time>\d{4}\.\d\d\.\d\d \S+ [A-Z][a-z][a-z] +\d{1,2} \d\d:\d\d:\d\d) (?P<host>\S+) "
    r"(?:(?P<service>[^\s:\[\]]+(?:\([^)]*\))?)(?:\[(?P<pid>\d+)\])?: ?)?(?P<message>.*)", fmt=_CLUSTER,
)
columns_epoch = _named(
    "columns", r"(?P<id>\d+) (?P<host>\S+) (?P<service>\S+) (?P<state>\S+) (?P<time>\d{10}) (?P<flag>-?\d+) (?P<message>.*)",
    fmt=stamps.epoch_format("s"),
)
windows = _named(
    "windows-servicing",
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d), (?P<level>Info|Warning|Error|Fatal|Debug) +"
    r"(?:(?P<service>[A-Z]\w+) {2,})?(?P<message>.*)",
)
pipes = _named(
    "pipes",
    r"(?P<time>[\d:. T,-]{12,40}?) ?\| ?(?P<logger>[A-Za-z_][\w.$-]*) ?\| ?(?P<pid>\d+) ?\|(?P<message>.*)",
)
proxifier = _named("program", r"\[(?P<time>[^\]]{8,32})\] (?P<service>[\w.-]+\.(?:exe|app|dll)(?: \*\d+)?) - (?P<message>.*)")
kernel_ring = _named("kernel", r"(?:<\d+>)?\[ *(?P<uptime>\d+\.\d+)\](?:\[[ \w]+\])? (?P<message>.*)")
android_brief = _named(
    "android", r"(?:(?P<time>\d\d-\d\d \d\d:\d\d:\d\d\.\d+):? +)?(?P<level>[VDIWEFA])/(?P<logger>[^(]*?) *\( *(?P<pid>\d+)\): ?(?P<message>.*)",
)
squid = _named(
    "squid",
    r"(?P<time>\d{10}\.\d{3}) +(?P<request_time>\d+) (?P<client_ip>\S+) (?P<message>(?P<cache>[A-Z_]+)/(?P<status>\d+) "
    r"(?P<bytes>\d+) (?P<method>[A-Z]+) (?P<path>\S+).*)",
)
redis = re.compile(r"(?P<pid>\d+):(?P<thread>[A-Z]) (?P<time>\d{1,2} [A-Z][a-z]{2}(?: \d{4})? [\d:.]+) (?P<level>[-.*#]) (?P<message>.*)")
_REDIS_OLD = TimeFormat("redis", r"(?P<d>\d{1,2}) (?P<b>[A-Z][a-z]{2}) " + _CLOCK)


def read_redis(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read ``123:M 01 Jan 2024 00:00:00.000 * message``."""
    match = redis.match(line)
    if not match:
        return None
    fmt = stamps.whole(match["time"], orders) or _REDIS_OLD
    return parsed("redis", {n: match.span(n) for n in redis.groupindex}, time_format=fmt, level=from_sign(match["level"]))


_ACCESS = re.compile(
    r"(?:(?P<vhost>[\w.*-]+(?::\d+)?) (?=\S+ \S+ \S+ \[))?(?P<client_ip>\S+) \S+ (?P<user>\S+(?: \S+)?) \[(?P<time>[^\]]+)\] "
    r"(?P<message>\"(?:(?P<method>[A-Z]+) (?P<path>\S+)(?: (?P<protocol>HTTP/[\d.]+))?|[^\"]*)\" (?P<status>\d{3}|-) (?P<bytes>\d+|-)"
    r"(?: \"(?P<referrer>[^\"]*)\" \"(?P<user_agent>(?:[^\"\\]|\\.)*)\")?(?P<rest>.*))"
)
_ENVOY = re.compile(
    r"\[(?P<time>[^\]]+)\] (?P<message>\"(?P<method>[A-Z]+) (?P<path>\S+) (?P<protocol>HTTP/[\d.]+)\" (?P<status>\d+) (?P<rest>.*))"
)
_REQUEST_TIME = re.compile(r" (?:\S+=)?\"?(\d+\.\d+|\d+)\"?(?= |$)")


def access(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read common, combined and Envoy access logs; the message is the request and all behind it."""
    match = _ACCESS.match(line) or _ENVOY.match(line)
    fmt = stamps.whole(match["time"], orders) if match else None
    if not match or not fmt:
        return None
    names = [n for n in match.re.groupindex if match[n] not in {None, "-", ""}]
    extra = [(n, *match.span(n)) for n in names if n not in {"time", "message", "rest"}]
    spent = _REQUEST_TIME.match(match["rest"])
    if spent and match.re is _ACCESS:
        base = match.start("rest")
        extra.append(("request_time", base + spent.start(1), base + spent.end(1)))
    places = {"time": match.span("time"), "message": match.span("message")}
    if match["status"].isdigit():
        places["level"] = match.span("status")
    return parsed(
        "access", places, time_format=fmt, level=from_digits("status", match["status"]), fields=extra,
        level_scheme="status" if "level" in places else None,
    )


_RFC5424 = re.compile(
    r"(?:(?P<octets>\d+) )?<(?P<level>\d{1,3})>\d{1,2} (?P<time>\S+) (?P<host>\S+) (?P<service>\S+) (?P<pid>\S+) (?P<msgid>\S+) "
    r"(?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?:\xef\xbb\xbf)?(?P<message>.*)|$)"
)
_PARAM = re.compile(r"([\w.@-]+)=\"((?:[^\"\\\]]|\\.)*)\"")


def rfc5424(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read the syslog protocol of RFC 5424, section 6, its structured data as fields."""
    match = _RFC5424.match(line)
    if not match:
        return None
    places = {n: match.span(n) for n in ("time", "host", "service", "pid", "level") if match[n] != "-"}
    places["message"] = match.span("message") if match["message"] is not None else (len(line), len(line))
    fmt = stamps.whole(match["time"], orders)
    if fmt is None:
        places.pop("time", None)
        if match["time"] != "-":
            return None
    base = match.start("data")
    extra = [(p[1], base + p.start(2), base + p.end(2)) for p in _PARAM.finditer(match["data"]) if p[2]]
    return parsed("rfc5424", places, time_format=fmt, level=from_digits("priority", match["level"]), fields=extra,
                  level_scheme="priority")


_PRI = re.compile(r"<(\d{1,3})>(?=\S)")


def priority(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read a line with a syslog priority before any other header."""
    match = _PRI.match(line)
    if not match:
        return None
    inner = header.parse(line[match.end():], orders)
    if inner is None or inner.time_format is None:
        return None
    moved = shift(inner, match.end())
    if moved.level and any(n == "level" for n, _, _ in moved.spans):
        return replace(moved, format="syslog")
    spans = (("level", *match.span(1)), *(s for s in moved.spans if s[0] != "level"))
    order = tuple(sorted(spans, key=lambda s: FIELDS.index(s[0])))
    return replace(moved, format="syslog", spans=order, level=from_digits("priority", match[1]), level_scheme="priority")


_CRI = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\S+) (?P<stream>stdout|stderr) (?P<tags>[FP](?::\S*)?) (?P<message>.*)", re.DOTALL)


def cri(line: str, orders: stamps.Orders, inner: Inner) -> Parsed | None:
    """Read the log of a container runtime (CRI): its text is parsed again."""
    match = _CRI.match(line)
    fmt = stamps.whole(match["time"], orders) if match else None
    if not match or not fmt:
        return None
    stream = ("stream", *match.span("stream"))
    return wrap("cri", line, match.span("time"), fmt, match.span("message"), (stream,), inner,
                partial=match["tags"].startswith("P"))


def wrap(
    kind: str, line: str, stamp: tuple[int, int], fmt: TimeFormat, text: tuple[int, int],
    extra: tuple[tuple[str, int, int], ...], inner: Inner, *, partial: bool = False, escaped: bool = False,
) -> Parsed:
    """Put an envelope's time around what its text says; the envelope's time is whole and zoned."""
    content = line[slice(*text)]
    found = inner(content)
    if found is None:
        level = from_message(content[:16])
        result = parsed(kind, {"time": stamp, "message": text}, time_format=fmt, level=level, fields=extra)
        return replace(result, partial=partial, escaped=escaped)
    moved = shift(found, text[0])
    spans = (("time", *stamp), *(s for s in moved.spans if s[0] != "time"))
    return replace(moved, format=f"{kind}/{found.format}", spans=spans, time_format=fmt, fields=(*extra, *moved.fields),
                   partial=partial, escaped=escaped or moved.escaped)


FIXED: dict[str, Callable[[str, stamps.Orders], Parsed | None]] = {
    "rfc5424": rfc5424, "haproxy": balancers.haproxy, "priority": priority, "access": access, "alb": balancers.alb, "bluegene": bgl, "cluster-syslog": thunderbird,
    "columns": columns_epoch, "windows-servicing": windows, "pipes": pipes, "program": proxifier, "redis": read_redis,
    "squid": squid, "android": android_brief, "kernel": kernel_ring,
}
"""Readers of fixed layouts, tried in this order before the general grammar."""
