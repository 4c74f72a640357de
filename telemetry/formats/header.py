"""The header grammar: (prefix) timestamp, then level, pid, thread, host, logger and brackets in any order.

Hundreds of layouts of log4j, logback, Python, Go, Rust, syslog daemons … differ only in the order of these
parts and in what stands between them; a scanner that knows the parts reads them all.
"""


from __future__ import annotations

import re

from telemetry.formats import stamps
from telemetry.formats.elements import Scan, read_elements
from telemetry.formats.levels import HEADER, from_message, from_word
from telemetry.formats.model import Parsed, parsed
from telemetry.times import TimeFormat

_LEVEL_PAIR = re.compile(r"\b(?:level|severity|lvl)=\"?([A-Za-z]+)\b")


def parse(line: str, orders: stamps.Orders) -> Parsed | None:
    """Read a line whose header has a timestamp, else one that opens with a level."""
    scan, time_format = _start(line, orders)
    if scan is None:
        return _level_first(line)
    read_elements(scan)
    return finish(scan, time_format)


def rest(line: str, at: int, stamp: tuple[int, int], time_format: TimeFormat, kind: str) -> Parsed:
    """Read what follows a timestamp that was found elsewhere."""
    scan = Scan(line, at, kind)
    scan.places["time"] = stamp
    read_elements(scan)
    return finish(scan, time_format)


def finish(scan: Scan, time_format: TimeFormat | None) -> Parsed:
    """Name the format after its parts and close the message."""
    start = len(scan.line) - len(scan.line[scan.at:].lstrip())
    start = max(scan.at, min(start, len(scan.line)))
    scan.places["message"] = (start, max(start, len(scan.line.rstrip("\r\n"))))
    pair = None if scan.level else _LEVEL_PAIR.search(scan.line, start)
    level = scan.level or from_message(scan.line[start:start + 16]) or (from_word(pair[1]) if pair else None)
    kind = "+".join(["time", *(n for n in sorted(scan.places, key=lambda n: scan.places[n]) if n not in {"time", "message"})])
    kind = "syslog" if scan.stamp == "syslog" and "service" in scan.places else kind
    return parsed(kind, scan.places, time_format=time_format, level=level)


_PREFIXED = re.compile(rf"(?P<open>[\[(<]*)(?P<level>{HEADER})[\])>]*[:,|]?[ \t]*(?P<mid>\[[^\]]*\] +)?[\[(]?(?=\d|[A-Z][a-z]{{2}} )")
_LETTER = re.compile(r"(?P<level>[DIWEFAUVT]),? ?(?=\[\d)")
_GLOG = re.compile(r"(?P<level>[IWEFDV])(?P<t>(?P<m>\d\d)(?P<d>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:\.(?P<f>\d+))?)"
                   r" +(?P<pid>\d+)(?: (?P<thread>\d+))? (?P<logger>[^\s\]]+)\] ?")
_GLOG_FORMAT = TimeFormat("glog", r"(?P<m>\d\d)(?P<d>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:\.(?P<f>\d+))?")
_REDIS = re.compile(r"(?P<pid>\d+):(?P<role>[A-Z]) (?=\d)")
_PRI = re.compile(r"<(?P<pri>\d{1,3})>")
_OPENERS = re.compile(r"[\[(<\"']{1,2}")
_WORD = re.compile(r"[^\s|]+(?:\s*\|+\s*|\s+)")


def _start(line: str, orders: stamps.Orders) -> tuple[Scan | None, TimeFormat | None]:
    """Find the timestamp: at the start, in brackets, or after up to five words of prefix."""
    place = len(line) - len(line.lstrip()) if line[:1] == "\t" or line[:2] == " [" else 0
    scan = Scan(line, 0)
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
        if not word or word.end() > 160 or word[0].rstrip().endswith((":", "=", ",", ".")):
            break
        if step and line[:word.end()].replace(" ", "").isalpha():
            break  # two plain words are prose, not a prefix
        if step == 0 and word[0].rstrip().endswith("|"):
            scan.take("service", (word.start(), word.start() + len(word[0].rstrip(" \t|"))))
        place = word.end()
    return None, None


def _stamp(scan: Scan, place: int, orders: stamps.Orders, *, bare: bool = True) -> TimeFormat | None:
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


def _close(scan: Scan, opener: str) -> None:
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
    places["message"] = (len(line) - len(line[match.end():].lstrip()), len(line))
    return parsed("level", places, level=from_word(match[name]) or "error")
