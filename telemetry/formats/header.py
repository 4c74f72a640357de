"""The header grammar: (prefix) timestamp, then level, pid, thread, host, logger and brackets in any order.

Hundreds of layouts of log4j, logback, Python, Go, Rust, syslog daemons … differ only in the order of these
parts and in what stands between them; a scanner that knows the parts reads them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.formats import stamps
from telemetry.formats.levels import HEADER, from_message, from_word
from telemetry.formats.model import Parsed, parsed
from telemetry.times import TimeFormat

_LEVEL = re.compile(rf"\[ *({HEADER}) *\]:?|<({HEADER})>:?|\(({HEADER})\):?|({HEADER})(?=[\s:|,\]/;)-]|$)")
_SEPARATOR = re.compile(r"\s*(?:(?:-{1,3}|\|+|::?|,|;|\u00bb|>)(?=\s|$|\|)|(?<=\|)|\|)?\s*")
_SYSLOG_PROG = re.compile(
    r"(?P<service>[^\s:\[\]\"'=]+?(?:\([^)\s]*\))?)(?:\[(?P<pid>\d+)\])(?: ?\((?P<extra>[^()]*(?:\[\d+\])?)\))?:?(?=\s|$)"
    r"|(?P<service2>[^\s:\[\]\"'=]+(?: \([^()]*(?:\[\d+\])?\))?):(?=\s|$)"
)
_HOST = re.compile(r"(?P<host>[\w.@:/-]*\w[\w.@:/-]*)(?<!:)\s+")
_NAME = r"[A-Za-z_~/(][\w$.\-/@<>#*+()]*(?:(?:::|:)[\w$.\-/@<>#*]+)*"
_LOGGER_COLON = re.compile(rf"({_NAME})(?:\[\d+\])? ?:(?=\s|$)")
_LOGGER_DASH = re.compile(rf"({_NAME}) +(?:-{{1,2}}|\|) ")
_LOGGER_BEFORE_LEVEL = re.compile(rf"({_NAME})[ \t]+(?=\[? *{HEADER} *\]?[\s:])")
_LOGGER_BEFORE_BRACKET = re.compile(rf"([A-Za-z_][\w$-]*(?:(?:\.|::)[\w$-]+)+) (?=\[)")
_LOGGER_SPACE = re.compile(r"([A-Za-z_][\w$]*(?:\.[\w$]+){2,}) +(?=\S)")
_LOGGER_TAB = re.compile(r"([^\t ]{1,80})\t+")
_IDS_BEFORE_LEVEL = re.compile(rf"(\d+)(?:[ \t#]+(\d+))?[ \t]+(?=\[? *{HEADER} *\]?[\s:])")
_PID_DASHES = re.compile(r"(\d+) +(?=--- )")
_PID_BRACKET = re.compile(r"(\d+)(?:#\d+)?:? +(?=\[)|(\d+)#(\d+): (?:\*\d+ )?")
_ANDROID = re.compile(r" *(\d+) +(\d+) +([VDIWEFA])[ /]([^:]*?) *: ?")
_THREAD_ID = re.compile(r"(?:ThreadId\((\d+)\)|(?i:thread)-?[ :]?(\d+)) +")
_BRACKET_STOP = re.compile(r"\[(?:client|instance)[ :]")
_HEX_TRACE = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|req-[0-9a-f-]{36}")
_WORKER = re.compile(r"[/:]([\w-]+)\]")


@dataclass(slots=True)
class _Scan:
    """What was read so far and where to read on."""

    line: str
    at: int
    stamp: str = ""
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    level: str | None = None
    brackets: int = 0
    done: bool = False
    separated: bool = False

    def take(self, name: str, span: tuple[int, int]) -> None:
        if span[0] >= 0 and name not in self.places:
            self.places[name] = span


def parse(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read a line whose header has a timestamp, else one that opens with a level."""
    scan, time_format = _start(line, orders)
    if scan is None:
        return _level_first(line)
    _elements(scan)
    return finish(scan, time_format)


def rest(line: str, at: int, stamp: tuple[int, int], time_format: TimeFormat, kind: str) -> Parsed:
    """Read what follows a timestamp that was found elsewhere."""
    scan = _Scan(line, at, kind)
    scan.places["time"] = stamp
    _elements(scan)
    return finish(scan, time_format)


def finish(scan: _Scan, time_format: TimeFormat | None) -> Parsed:
    """Name the format after its parts and close the message."""
    start = len(scan.line) - len(scan.line[scan.at:].lstrip())
    start = max(scan.at, min(start, len(scan.line)))
    scan.places["message"] = (start, max(start, len(scan.line.rstrip("\r\n"))))
    level = scan.level or from_message(scan.line[start:start + 16])
    kind = "+".join(["time", *(n for n in sorted(scan.places, key=lambda n: scan.places[n]) if n not in {"time", "message"})])
    kind = "syslog" if scan.stamp == "syslog" and "service" in scan.places else kind
    return parsed(kind, scan.places, time_format=time_format, level=level)


_PREFIXED = re.compile(rf"(?P<open>[\[(<]*)(?P<level>{HEADER})[\])>]*[:,|]?[ \t]*(?P<mid>\[[^\]]*\] +)?[\[(]?(?=\d|[A-Z][a-z]{{2}} )")
_LETTER = re.compile(r"(?P<level>[DIWEFAUVT]),? ?\[(?=\d)")
_GLOG = re.compile(r"(?P<level>[IWEFDV])(?P<t>(?P<m>\d\d)(?P<d>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:\.(?P<f>\d+))?)"
                   r" +(?P<pid>\d+)(?: (?P<thread>\d+))? (?P<logger>[^\s\]]+)\] ?")
_GLOG_FORMAT = TimeFormat("glog", r"(?P<m>\d\d)(?P<d>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:\.(?P<f>\d+))?")
_REDIS = re.compile(r"(?P<pid>\d+):(?P<role>[A-Z]) (?=\d)")
_PRI = re.compile(r"<(?P<pri>\d{1,3})>")
_OPENERS = re.compile(r"[\[(<\"']{1,2}")
_WORD = re.compile(r"[^\s|]+(?:\s*\|+\s*|\s+)")
_TIMEKEY = re.compile(r"(?:time|ts|date)=\"?")


def _start(line: str, orders: stamps.Orders) -> tuple[_Scan | None, TimeFormat | None]:
    """Find the timestamp: at the start, in brackets, or after up to five words of prefix."""
    place = len(line) - len(line.lstrip()) if line[:1] == "\t" or line[:2] == " [" else 0
    scan = _Scan(line, 0)
    match = _GLOG.match(line)
    if match:
        scan.at, scan.done, scan.level = match.end(), True, from_word(match["level"])
        scan.places = {n: match.span(n) for n in ("level", "pid", "thread", "logger") if match[n]}
        scan.places["time"] = match.span("t")
        return scan, _GLOG_FORMAT
    pri = _PRI.match(line)
    place = pri.end() if pri else place
    for pattern in (_PREFIXED, _LETTER, _REDIS):
        match = pattern.match(line, place)
        if match:
            found = _stamp(scan, match.end(), orders)
            if found:
                groups = match.groupdict()
                if groups.get("level"):
                    scan.level = from_word(groups["level"])
                    scan.take("level", match.span("level"))
                if groups.get("pid"):
                    scan.take("pid", match.span("pid"))
                if groups.get("mid"):
                    scan.take("thread", (match.start("mid") + 1, match.start("mid") + groups["mid"].rindex("]")))
                return scan, found
    for step in range(6):
        found = _stamp(scan, place, orders, bare=step == 0)
        if found:
            return scan, found
        word = _WORD.match(line, place)
        if not word or word.end() > 160:
            break
        if step == 0 and word[0].rstrip().endswith("|"):
            scan.take("service", (word.start(), word.start() + len(word[0].rstrip(" \t|"))))
        place = word.end()
    return None, None


def _stamp(scan: _Scan, place: int, orders: stamps.Orders, *, bare: bool = True) -> TimeFormat | None:
    """Try a timestamp at ``place`` or behind an opening bracket; ``bare`` also allows epochs and clocks."""
    opener = _OPENERS.match(scan.line, place)
    start = opener.end() if opener else place
    found = stamps.at(scan.line, start, orders)
    if not found and bare:
        found = stamps.epoch_at(scan.line, start) or (stamps.clock_at(scan.line, start))
    if not found:
        return None
    end, fmt = found
    after = scan.line[end:end + 1]
    if after and (after.isalnum() or after in "_/" or (after == "." and scan.line[end + 1:end + 2].isalnum())):
        return None
    scan.places["time"] = (start, end)
    scan.stamp = stamps.style_name(fmt)
    scan.at = end
    if opener:
        _close(scan, opener[0])
    return fmt


def _close(scan: _Scan, opener: str) -> None:
    """Leave the bracket the timestamp stands in; Ruby, Celery and Rust write more inside it."""
    line, closer = scan.line, {"[": "]", "(": ")", "<": ">"}.get(opener[-1], opener[-1])
    end = line.find(closer, scan.at)
    if end < 0 or end - scan.at > 80:
        return
    inside = line[scan.at:end]
    offset = scan.at
    for match in re.finditer(rf"#(?P<pid>\d+)|\b(?P<level>{HEADER})\b|/(?P<thread>[\w-]+)$|(?P<logger>[a-z_]\w*(?:::\w+)+|(?<= )[a-z_]\w*$)", inside):
        name = match.lastgroup or ""
        scan.take(name, (offset + match.start(name), offset + match.end(name)))
        if name == "level" and scan.level is None:
            scan.level = from_word(match[name])
    if inside.strip() and opener[-1] in "\"'":
        return
    scan.at = end + 1
    scan.separated = True
    scan.done = "logger" in scan.places


def _elements(scan: _Scan) -> None:
    """Read parts until the message begins."""
    if not scan.done:
        for _ in range(12):
            before = scan.at
            gap = _SEPARATOR.match(scan.line, scan.at)
            begin = gap.end() if gap else scan.at
            strong = bool(gap and gap[0].strip())
            if not any(read(scan, begin, strong) for read in _READERS):
                scan.at = begin
                return
            if scan.done or scan.at <= before:
                break
    gap = _SEPARATOR.match(scan.line, scan.at)
    scan.at = gap.end() if gap else scan.at


def _android(scan: _Scan, at: int, _strong: bool) -> bool:  # noqa: FBT001
    match = _ANDROID.match(scan.line, at) if "level" not in scan.places and "pid" not in scan.places else None
    if not match:
        return False
    for name, group in (("pid", 1), ("thread", 2), ("level", 3), ("logger", 4)):
        scan.take(name, match.span(group))
    scan.level, scan.at, scan.done = from_word(match[3]), match.end(), True
    return True


def _level(scan: _Scan, at: int, _strong: bool) -> bool:  # noqa: FBT001
    match = _LEVEL.match(scan.line, at) if "level" not in scan.places else None
    if not match:
        return False
    group = match.lastindex or 1
    scan.take("level", match.span(group))
    scan.level, scan.at = from_word(match[group]), match.end()
    tail = scan.line[match.end():match.end() + 1]
    if tail == "/":
        worker = re.compile(r"/(\S+)").match(scan.line, match.end())
        if worker:
            scan.take("thread", worker.span(1))
            scan.at = worker.end()
    if match[0].endswith(":") or tail == ":":
        scan.done = scan.stamp == "clock"
    return True


def _ids(scan: _Scan, at: int, _strong: bool) -> bool:  # noqa: FBT001
    line = scan.line
    match = _IDS_BEFORE_LEVEL.match(line, at) if "level" not in scan.places else _PID_DASHES.match(line, at)
    match = match or (_PID_BRACKET.match(line, at) if "pid" not in scan.places else None)
    if not match:
        return False
    first = next(n for n in range(1, (match.lastindex or 1) + 1) if match[n])
    scan.take("pid", match.span(first))
    if match.lastindex and match.lastindex > first:
        scan.take("thread", match.span(match.lastindex))
    scan.at = match.end()
    if match[0].rstrip().endswith(":") or "#" in match[0]:
        scan.done = line[match.end() - 1:match.end()] == " " and "*" in match[0]
    return True


def _bracket(scan: _Scan, at: int, strong: bool) -> bool:  # noqa: FBT001
    """Take a bracket group as thread, logger, host or trace; leave those that belong to the message."""
    line = scan.line
    if line[at:at + 1] != "[" or _BRACKET_STOP.match(line, at):
        return False
    end = _closing(line, at)
    if end < 0 or end - at > 200:
        return False
    inside, after = line[at + 1:end], line[end + 1:end + 4]
    limit = 1 if "logger" in scan.places else 4
    dashed = after in {" - ", " -- "} or after.startswith((":", " : ", " | "))
    if scan.brackets >= limit or ("level" in scan.places and strong and scan.brackets):
        return False
    if " " in inside and "=" in inside and not dashed and "logger" not in scan.places:
        return False
    if not inside.strip():
        return False
    scan.brackets += 1
    scan.at = end + 1 + (1 if after.startswith(":") else 0)
    _name_bracket(scan, at + 1, end, inside)
    if after == " - " and "level" in scan.places:
        scan.done, scan.at = True, end + 4
    elif "logger" in scan.places and "level" in scan.places and "thread" in scan.places:
        scan.done = not line[scan.at:].lstrip()[:1] == "[" or limit == 1
    return True


def _name_bracket(scan: _Scan, start: int, end: int, inside: str) -> None:
    trace = _HEX_TRACE.search(inside)
    both = re.fullmatch(rf"([\w.-]+):({HEADER})", inside)
    numbers = re.fullmatch(r"(?:pid )?(\d+)(?:[-:]\d+)?(?:[:#](?:tid )?(\d+))?", inside)
    at = re.fullmatch(r"(.*?)[:/]([A-Za-z][\w$]*(?:@\d+))", inside)
    if both:
        scan.take("logger", (start, start + both.end(1)))
        scan.take("level", (start + both.start(2), end))
        scan.level = scan.level or from_word(both[2])
    elif numbers:
        scan.take("pid" if "pid" not in scan.places else "thread", (start + numbers.start(1), start + numbers.end(1)))
        if numbers[2]:
            scan.take("thread", (start + numbers.start(2), start + numbers.end(2)))
    elif trace:
        scan.take("trace_id", (start + trace.start(), start + trace.end()))
    elif at:
        scan.take("thread", (start, start + at.end(1)))
        scan.take("logger", (start + at.start(2), start + at.end(2)))
    elif re.fullmatch(r"[a-z_]+(?:\.[\w$]+)+ *", inside) or "thread" in scan.places:
        scan.take("logger", (start, start + len(inside.rstrip())))
    elif inside != "-":
        scan.take("thread", (start, end))


def _closing(line: str, at: int) -> int:
    depth = 0
    for place in range(at, min(len(line), at + 220)):
        if line[place] == "[":
            depth += 1
        elif line[place] == "]":
            depth -= 1
            if not depth:
                return place
    return -1


def _syslog(scan: _Scan, at: int, strong: bool) -> bool:  # noqa: FBT001
    """Take ``host prog[pid]:`` of syslog daemons, also with modern timestamps."""
    if scan.places.keys() & {"level", "host", "service", "thread"} or strong or scan.separated:
        return False
    classic = scan.stamp in {"syslog", "asctime", "month-name"}
    if not classic and scan.stamp != "iso":
        return False
    if _LOGGER_BEFORE_LEVEL.match(scan.line, at):
        return False
    host = _HOST.match(scan.line, at)
    if not host:
        return False
    dashes = re.compile(r"(?:-- )?").match(scan.line, host.end())
    begin = dashes.end() if dashes else host.end()
    prog = _SYSLOG_PROG.match(scan.line, begin)
    zoned = "T" in scan.line[slice(*scan.places["time"])]
    if not prog and not classic:
        return False
    if prog and not classic and not prog["pid"] and not zoned:
        return False
    scan.take("host", host.span("host"))
    scan.at, scan.done = host.end(), True
    if prog:
        name = "service" if prog["service"] else "service2"
        scan.take("service", prog.span(name))
        scan.take("pid", prog.span("pid"))
        scan.at = prog.end()
    return True


def _thread_id(scan: _Scan, at: int, _strong: bool) -> bool:  # noqa: FBT001
    match = _THREAD_ID.match(scan.line, at) if "level" in scan.places else None
    if not match or "logger" in scan.places:
        return False
    scan.take("thread", match.span(match.lastindex or 0))
    scan.at = match.end()
    return True


def _logger(scan: _Scan, at: int, strong: bool) -> bool:  # noqa: FBT001
    """Take a logger name: what ends it says whether the message follows."""
    if "logger" in scan.places:
        return False
    line, leveled = scan.line, "level" in scan.places
    for pattern, final in _LOGGERS:
        if pattern in _NEEDS_LEVEL and not leveled:
            continue
        if pattern is _LOGGER_TAB and not (line[at - 1:at] == "\t" or scan.stamp == "tab"):
            continue
        if pattern is _LOGGER_BEFORE_LEVEL and leveled:
            continue
        match = pattern.match(line, at)
        if match and not match[1].startswith(("http:", "https:")) and match.end() - at < 120:
            if pattern is _LOGGER_COLON and not leveled and not _sourcelike(match[1]):
                continue
            scan.take("logger", match.span(1))
            scan.at = match.end()
            scan.done = final and (leveled or not _LEVEL.match(line, match.end()))
            return True
    return False


def _sourcelike(name: str) -> bool:
    """Whether a name before a colon looks like a source file or a dotted logger."""
    return bool(re.search(r"\.(?:go|py|c|cc|cpp|rs|java|js|ts|rb|php):\d+$|^[a-z_]\w*(?:\.\w+){2,}$|^[\w.-]+\.[A-Z]+$", name))


_LOGGERS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (_LOGGER_BEFORE_LEVEL, False), (_LOGGER_DASH, True), (_LOGGER_COLON, True), (_LOGGER_BEFORE_BRACKET, False),
    (_LOGGER_TAB, False), (_LOGGER_SPACE, True),
)
_NEEDS_LEVEL = {_LOGGER_SPACE, _LOGGER_BEFORE_BRACKET}
_READERS: tuple[Callable[[_Scan, int, bool], bool], ...] = (
    _android, _level, _ids, _bracket, _thread_id, _syslog, _logger,
)

_LEVEL_FIRST = re.compile(
    r"(?P<open>\[)?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|SEVERE)(?(open)\])"
    r"(?::(?P<logger>[A-Za-z_][\w.]*):(?! )|:\s+|\s+-\s+|\s+|:)"
    r"|(?P<dotnet>trce|dbug|info|warn|fail|crit|error|debug): (?:(?P<category>[A-Z][\w.]+)\[\d+\])?"
)


def _level_first(line: str) -> Parsed | None:
    """Read ``LEVEL:logger:message``, ``[LEVEL] message`` and ``info: Category[0]``, which have no time."""
    match = _LEVEL_FIRST.match(line)
    if not match:
        return None
    name = "level" if match["level"] else "dotnet"
    places = {"level": match.span(name), "message": (match.end(), len(line))}
    logger = "logger" if match["logger"] else "category"
    if match[logger]:
        places["logger"] = match.span(logger)
    return parsed("level", places, level=from_word(match[name]) or "error")
