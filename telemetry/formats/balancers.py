"""Access logs of load balancers, whose columns are told by their place: HAProxy and the ALB of AWS.

Their fields are named as those of web servers are, so that the same questions fit: ``status``, ``method``, ``path``,
``bytes`` (sent to the client), ``client_ip``; times are seconds in ``request_time`` (ALB), milliseconds in
``request_time_ms`` (HAProxy). The message is the request and all behind it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from telemetry.formats import header, stamps
from telemetry.formats.levels import from_digits
from telemetry.formats.model import FIELDS, Parsed, parsed, shift
from telemetry.times import TimeFormat

_ADDRESS = r"(?P<client_ip>[\d.]+|\[?[\da-fA-F:.]+\]?|unix):(?P<client_port>\d+)"
_HAPROXY = re.compile(
    rf"{_ADDRESS} \[(?P<time>\d\d/[A-Z][a-z]{{2}}/\d{{4}}:[\d:.]+)\] "
    r"(?P<whole>(?P<frontend>[^\s/]+) (?P<backend>[^\s/]+)/(?P<server>\S+) "
    r"(?:(?P<client_time_ms>-?\d+)/(?P<queue_time_ms>-?\d+)/(?P<connect_time_ms>-?\d+)/(?P<response_time_ms>-?\d+)/\+?(?P<request_time_ms>-?\d+) "
    r"(?P<status>-?\d+) \+?(?P<bytes>\d+) \S+ \S+|(?P<waited>-?\d+)/(?P<connected>-?\d+)/\+?(?P<duration_ms>-?\d+) \+?(?P<sent>\d+)) "
    r"(?P<termination_state>\S{2,4}) (?P<active_connections>\d+)/(?P<frontend_connections>\d+)/(?P<backend_connections>\d+)/"
    r"(?P<server_connections>\d+)/\+?(?P<retries>\d+) (?P<server_queue>\d+)/(?P<backend_queue>\d+)"
    r"(?: (?:\{[^}]*\} )*(?P<message>\"(?:(?P<method>[A-Z]+) (?P<path>[^\s\"]+)(?: (?P<protocol>HTTP/[\d.]+))?|[^\"]*)\"?.*)|$))"
)
_ACCEPTED = re.compile(r":\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:")
_SHORTER = {"waited": "queue_time_ms", "connected": "connect_time_ms", "sent": "bytes"}
"""The columns of connections that are no requests (mode ``tcp``), by the names they have in those that are."""
_ALB = re.compile(
    r"(?P<type>https?|h2|grpcs?|wss?) (?P<time>\d{4}-\d\d-\d\dT\S+) (?P<balancer>\S+) "
    rf"{_ADDRESS} (?:(?P<target_ip>[\d.]+|[\da-fA-F:.\[\]]+):(?P<target_port>\d+)|-) "
    r"(?P<request_processing_time>-?[\d.]+) (?P<request_time>-?[\d.]+) (?P<response_processing_time>-?[\d.]+) "
    r"(?P<status>\d{3}|-) (?P<target_status>\d{3}|-) (?P<received_bytes>\d+|-) (?P<bytes>\d+|-) "
    r"(?P<message>\"(?:(?P<method>[A-Z]+|-) (?:[a-z]+://[^\s/]*)?(?P<path>[^\s\"]+) (?P<protocol>HTTP/[\d.]+|-) ?|[^\"]*)\" "
    r"\"(?P<user_agent>(?:[^\"\\]|\\.)*)\".*)"
)


def alb(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read a request of an application load balancer; ``request_time`` is what the target took, in seconds."""
    match = _ALB.match(line)
    fmt = stamps.whole(match["time"], orders) if match else None
    return _request("alb", match, {"time": match.span("time")}, fmt) if match and fmt else None


def haproxy(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read a request or connection of HAProxy, alone or behind a syslog header.

    The time is the header's where there is one: it never goes back, as the time of accepting does.
    """
    at = _ACCEPTED.search(line)
    if not at:
        return None
    match = _HAPROXY.match(line)
    if match:
        fmt = stamps.whole(match["time"], orders)
        return _request("haproxy", match, {"time": match.span("time")}, fmt) if fmt else None
    outer = _outer(line, orders)
    start = next((s for name, s, _ in outer.spans if name == "message"), 0) if outer else 0
    match = _HAPROXY.match(line, start) if start else None
    if not outer or not match:
        return None
    places = {name: (low, high) for name, low, high in outer.spans if name not in {"level", "message"}}
    return _request("haproxy", match, places, outer.time_format)


def _outer(line: str, orders: stamps.Orders) -> Parsed | None:
    priority = re.match(r"<\d{1,3}>(?=[A-Z])", line)
    start = priority.end() if priority else 0
    found = header.parse(line[start:], orders)
    return shift(found, start) if found and found.time_format else None


def _request(kind: str, match: re.Match[str], places: dict[str, tuple[int, int]], fmt: TimeFormat | None) -> Parsed:
    """Close a record: its level comes from the status where there is one."""
    found = match.groupdict()
    names = [n for n in match.re.groupindex if found[n] not in {None, "-", ""} and n not in {*FIELDS, "whole"}]
    fields = [(_SHORTER.get(n, n), *match.span(n)) for n in names]
    places = places | {"message": match.span("message" if found["message"] else "whole")}
    status = found["status"]
    if not status or not status.isdigit():
        return parsed(kind, places, time_format=fmt, fields=fields)
    level = parsed(kind, places | {"level": match.span("status")}, time_format=fmt, fields=fields)
    return replace(level, level=from_digits("status", status), level_scheme="status")
