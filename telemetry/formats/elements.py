"""The parts of a header behind its timestamp, in any order: level, ids, brackets, host, logger."""
# ruff: noqa: FBT001 - a regular expression reads better unbroken; readers share one signature
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.formats.levels import HEADER, from_word

_LEVEL = re.compile(rf"\[ *({HEADER}) *\]:?|<({HEADER})>:?|\(({HEADER})\):?|({HEADER})(?=[\s:|,\]/;)-]|$)")
SEPARATOR = re.compile(r"\s*(?:(?:-{1,3}|\|+|::?|,|;|\u00bb|>)(?=\s|$|\|)|(?<=\|)|\|)?\s*")
_SYSLOG_PROG = re.compile(
    r"(?P<service>[^\s:\[\]\"'=]+?(?:\([^)\s]*\))?)(?:\[(?P<pid>\d+)\])(?: ?\((?P<extra>[^()]*(?:\[\d+\])?)\))?:?(?=\s|$)"
    r"|(?P<service2>[^\s:\[\]\"'=]+(?: \([^()]*(?:\[\d+\])?\))?):(?=\s|$)"
)
_HOST = re.compile(r"(?P<host>[\w.@:/-]*\w[\w.@:/-]*)(?<!:)\s+")
_NAME = r"[A-Za-z_~/(][\w$.\-/@<>#*+()]*(?:(?:::|:)[\w$.\-/@<>#*]+)*"
_LOGGER_COLON = re.compile(rf"({_NAME})(?:\[\d+\])? *:(?=\s|$)")
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
_SUFFIX_LEVEL = re.compile(rf"\.({HEADER})$")
_COMPONENT = re.compile(r"([DIWEF])\d? +([A-Z]+) +\[([^\]]+)\] ")
_AFTER_SLASH = re.compile(r"/(\S+)")


@dataclass(slots=True)
class Scan:
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


def read_elements(scan: Scan) -> None:
    """Read parts until the message begins."""
    if not scan.done:
        for _ in range(12):
            before = scan.at
            gap = SEPARATOR.match(scan.line, scan.at)
            begin = gap.end() if gap else scan.at
            strong = bool(gap and gap[0].strip())
            for read in _READERS:
                if read(scan, begin, strong):
                    break
            else:
                scan.at = begin
                return
            if scan.done or scan.at <= before:
                break
    gap = SEPARATOR.match(scan.line, scan.at)
    scan.at = gap.end() if gap else scan.at


def _android(scan: Scan, at: int, _strong: bool) -> bool:
    match = _ANDROID.match(scan.line, at) if "level" not in scan.places and "pid" not in scan.places else None
    if not match:
        return False
    for name, group in (("pid", 1), ("thread", 2), ("level", 3), ("logger", 4)):
        scan.take(name, match.span(group))
    scan.level, scan.at, scan.done = from_word(match[3]), match.end(), True
    return True


def _component(scan: Scan, at: int, _strong: bool) -> bool:
    """Take ``I NETWORK  [conn1]`` of MongoDB."""
    match = _COMPONENT.match(scan.line, at) if "level" not in scan.places else None
    if not match:
        return False
    for name, group in (("level", 1), ("logger", 2), ("thread", 3)):
        scan.take(name, match.span(group))
    scan.level, scan.at, scan.done = from_word(match[1]), match.end(), True
    return True


def _level(scan: Scan, at: int, _strong: bool) -> bool:
    match = _LEVEL.match(scan.line, at) if "level" not in scan.places else None
    if not match:
        return False
    group = match.lastindex or 1
    scan.take("level", match.span(group))
    scan.level, scan.at = from_word(match[group]), match.end()
    tail = scan.line[match.end():match.end() + 1]
    if tail == "/":
        worker = _AFTER_SLASH.match(scan.line, match.end())
        if worker:
            scan.take("thread", worker.span(1))
            scan.at = worker.end()
    if match[0].endswith(":") or tail == ":":
        scan.done = scan.stamp == "clock"
    return True


def _ids(scan: Scan, at: int, _strong: bool) -> bool:
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


def _bracket(scan: Scan, at: int, strong: bool) -> bool:
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
    ids = inside.startswith("pid ")
    if not ids and (scan.brackets >= limit or ("level" in scan.places and strong and scan.brackets and line[at - 4:at] != "--- ")):
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
        scan.done = line[scan.at:].lstrip()[:1] != "[" or limit == 1
    return True


def _name_bracket(scan: Scan, start: int, end: int, inside: str) -> None:
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
    elif re.fullmatch(r"[A-Z]{2,}-\d+", inside):
        return
    elif re.fullmatch(r"[a-z_]+(?:\.[\w$]+)+ *", inside):
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


def _syslog(scan: Scan, at: int, strong: bool) -> bool:
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
    if not prog and scan.stamp != "syslog":
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


def _thread_id(scan: Scan, at: int, _strong: bool) -> bool:
    match = _THREAD_ID.match(scan.line, at) if "level" in scan.places else None
    if not match or "logger" in scan.places:
        return False
    scan.take("thread", match.span(match.lastindex or 0))
    scan.at = match.end()
    return True


def _logger(scan: Scan, at: int, strong: bool) -> bool:
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
            scan.at = match.end()
            if leveled and from_word(match[1]):  # Ruby writes the level twice
                return True
            scan.take("logger", match.span(1))
            inner = _SUFFIX_LEVEL.search(match[1])
            if inner and not leveled:
                scan.take("level", (match.start(1) + inner.start(1), match.start(1) + inner.end(1)))
                scan.level = from_word(inner[1])
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
_READERS: tuple[Callable[[Scan, int, bool], bool], ...] = (
    _android, _component, _level, _ids, _bracket, _thread_id, _syslog, _logger,
)
