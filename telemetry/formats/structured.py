"""JSON lines and logfmt: keys say what their values are."""


from __future__ import annotations

import re
from dataclasses import replace

from telemetry.formats import levels, special, stamps
from telemetry.formats.model import Parsed, Span, parsed
from telemetry.times import TimeFormat

_TOKEN = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}\[\]:,]))")
_MAX_FIELDS = 256
_MAX_DEPTH = 32

_KEYS: dict[str, tuple[str, ...]] = {
    "time": ("@timestamp", "timestamp", "time", "ts", "@t", "t.$date", "datetime", "asctime", "date", "eventtime",
             "event_time", "time_iso8601", "time_local", "timeunixnano", "observedtimestamp", "start_time", "log_time", "logtime",
             "__realtime_timestamp", "_source_realtime_timestamp", "instant.epochsecond", "created", "t", "timemillis"),
    "level": ("level", "severity", "lvl", "log.level", "loglevel", "log_level", "levelname", "level_name", "@l", "severitytext",
              "severity_text", "severitynumber", "priority", "s", "l"),
    "service": ("service", "service.name", "servicename", "service_name", "svc", "app", "application", "app_name", "appname",
                "kubernetes.labels.app", "kubernetes.container_name", "container_name", "resource.service.name",
                "syslog_identifier", "_comm", "process.name", "program", "serviceid", "facility"),
    "host": ("host", "hostname", "host.name", "host.hostname", "_hostname", "server", "machinename", "nodename",
             "kubernetes.host", "kubernetes.node_name", "node", "pod", "kubernetes.pod_name"),
    "logger": ("logger", "logger_name", "loggername", "log.logger", "sourcecontext", "properties.sourcecontext", "name", "component",
               "category", "module", "channel", "caller", "target", "c", "source"),
    "pid": ("pid", "process.pid", "process_id", "processid", "_pid"),
    "thread": ("thread", "thread_name", "threadname", "process.thread.name", "threadid", "thread_id", "tid", "ctx"),
    "trace_id": ("trace_id", "traceid", "trace.id", "dd.trace_id", "@tr", "correlation_id", "correlationid", "x_request_id",
                 "request_id", "requestid", "req.id", "reqid"),
    "span_id": ("span_id", "spanid", "span.id", "dd.span_id", "@sp"),
    "message": ("message", "msg", "@m", "@mt", "short_message", "log.message", "text", "body", "event", "@message", "renderedmessage",
                "messagetemplate", "rawmessage", "log", "attr.message", "error", "err"),
}
_RANK = {key: (name, at) for name, keys in _KEYS.items() for at, key in enumerate(keys)}
_COMMA = re.compile(r"\s*,?")


def json_values(line: str, at: int = 0) -> tuple[list[Span], int] | None:
    """Return the scalar values of the object at ``at`` with dotted keys, and where it ends; None if broken.

    A string's place leaves out its quotes; lists are one value.
    """
    if line[at:at + 1] != "{":
        return None
    values: list[Span] = []
    stack: list[str] = [""]
    place, key, wants_key = at + 1, "", True
    while True:
        token = _TOKEN.match(line, place)
        if not token:
            return None
        text, scalar, sign = token.groups()
        place = token.end()
        if wants_key:
            if sign == "}":
                stack.pop()
                if not stack:
                    return values, place
                _, place = _next(line, place)
                continue
            colon = _TOKEN.match(line, place) if text is not None else None
            if not colon or colon[3] != ":":
                return None
            place, key, wants_key = colon.end(), stack[-1] + (text or ""), False
        elif text is not None:
            values.append((key, *token.span(1)))
            wants_key, place = _next(line, place)
        elif scalar is not None:
            if scalar != "null":
                values.append((key, *token.span(2)))
            wants_key, place = _next(line, place)
        elif sign == "{" and len(stack) < _MAX_DEPTH:
            stack.append(key + ".")
            wants_key = True
        elif sign == "[":
            end = _list_end(line, place)
            if end < 0:
                return None
            values.append((key, token.start(3), end))
            wants_key, place = _next(line, end)
        else:
            return None
        if len(values) > _MAX_FIELDS:
            return None


def _next(line: str, place: int) -> tuple[bool, int]:
    """Step over a comma behind a value; whatever follows is a key or a closing brace."""
    match = _COMMA.match(line, place)
    return True, match.end() if match else place


def _list_end(line: str, place: int) -> int:
    depth = 1
    while depth:
        token = _TOKEN.match(line, place)
        if not token:
            return -1
        depth += (token[3] == "[") + (token[3] == "{") - (token[3] == "]") - (token[3] == "}")
        place = token.end()
    return place


def read_json(line: str, orders: stamps.Orders, inner: special.Inner) -> Parsed | None:
    """Read a line that is a JSON object, or one behind a short prefix such as ``@cee:``."""
    start = line.find("{")
    if start < 0 or (line[:start].strip() and not line.startswith("@cee:")):
        return None
    found = json_values(line, start)
    if not found or line[found[1]:].strip():
        return None
    values = [v for v in found[0] if v[0]]
    keys = {v[0] for v in values}
    if {"log", "time"} <= keys <= {"log", "stream", "time", "attrs", "attrs.tag"}:
        return _docker(line, values, orders, inner)
    return _assign("json", line, values, orders)


def _docker(line: str, values: list[Span], orders: stamps.Orders, inner: special.Inner) -> Parsed | None:
    """Read a line of Docker's json-file driver: its text is parsed again."""
    places = {k: (s, e) for k, s, e in values}
    start, end = places["log"]
    while line[start:end].endswith(("\\n", "\\r")):
        end -= 2
    fmt = stamps.whole(line[slice(*places["time"])], orders)
    if not fmt:
        return None
    text = line[start:end]
    escaped = "\\" in text
    extra = tuple(v for v in values if v[0] == "stream")

    def read(content: str) -> Parsed | None:
        return None if '\\"' in content else inner(content)

    return special.wrap("docker", line, places["time"], fmt, (start, end), extra, read, escaped=escaped)


_PAIR = re.compile(r"\s*([A-Za-z_@][\w.@/-]*)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\"]*))(?=\s|$)|\s*([A-Za-z_][\w.-]*)(?=\s|$)")


def read_logfmt(line: str, orders: stamps.Orders, _inner: special.Inner) -> Parsed | None:
    """Read ``key=value`` pairs that fill the line, at least one of which is a time or a level."""
    values: list[Span] = []
    place, bare, end = 0, 0, len(line.rstrip())
    while place < end:
        match = _PAIR.match(line, place)
        if not match:
            return None
        if match[4]:
            bare += 1
        else:
            group = 2 if match[2] is not None else 3
            values.append((match[1], *match.span(group)))
        place = match.end()
        if bare > len(values):
            return None
    if len(values) < 2 or not any(_RANK.get(v[0].lower(), ("",))[0] in {"time", "level"} for v in values):
        return None
    return _assign("logfmt", line, values, orders)


def read_stamped(line: str, orders: stamps.Orders, inner: special.Inner) -> Parsed | None:
    """Read a time that was put before an object or pairs, as ``kubectl logs --timestamps`` does; their own time is left aside."""
    found = stamps.at(line, 0, orders)
    if found is None or line[found[0]:found[0] + 1] not in {" ", "\t"}:
        return None
    end, fmt = found
    start = end + len(line[end:]) - len(line[end:].lstrip())
    told = read_json(line[start:], orders, inner) if line[start:start + 1] == "{" else read_logfmt(line[start:], orders, inner)
    if told is None or not {"level", "message"} & {span[0] for span in told.spans}:
        return None
    return special.wrap("stamped", line, (0, end), fmt, (start, len(line)), (), lambda _: told)


def _assign(kind: str, line: str, values: list[Span], orders: stamps.Orders) -> Parsed:
    """Give each value the field its key names, the likeliest key first; others stay further values."""
    best: dict[str, tuple[int, Span]] = {}
    chosen_format: TimeFormat | None = None
    for value in values:
        name, rank = _RANK.get(value[0].lower(), ("", 0))
        if not name or value[1] >= value[2] or (name in best and best[name][0] <= rank):
            continue
        if name == "time":
            fmt = stamps.whole(line[value[1]:value[2]], orders)
            if fmt is None:
                continue
            chosen_format = fmt
        if name == "level" and _level(value[0], line[value[1]:value[2]])[0] is None:
            continue
        best[name] = (rank, value)
    places = {name: (value[1], value[2]) for name, (_, value) in best.items()}
    used = {value for _, value in best.values()}
    if "message" not in places:
        places["message"] = (0, len(line.rstrip()))
    level, scheme = None, None
    if "level" in best:
        key, start, end = best["level"][1]
        level, scheme = _level(key, line[start:end])
    rest = [v for v in values if v not in used and v[1] < v[2]]
    message = line[slice(*places["message"])]
    result = parsed(kind, places, time_format=chosen_format, level=level, fields=rest, level_scheme=scheme)
    return replace(result, escaped="\\" in message and "message" in best)


def _level(key: str, text: str) -> tuple[str | None, str | None]:
    """Return the level and, when digits say it, the scheme: one digit is syslog's, two are pino's."""
    if not text.isdigit():
        return levels.from_word(text), None
    scheme = "otel" if key.lower() == "severitynumber" else "syslog" if len(text) == 1 else "pino"
    return levels.from_digits(scheme, text), scheme
