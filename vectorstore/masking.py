"""Masks: the typed variable spans of a message skeleton.

A mask sees a skeleton (see :mod:`vectorstore.skeleton`): ``0`` for every run of digits, ``\\x02`` for a hex
token, ``\\x03`` for a UUID. It therefore decides by shape alone, never by how many digits there are or
which. One table of rules serves every system; the leftmost rule wins, and among those the first listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from telemetry.formats.stamps import MONTH, WEEKDAY
from telemetry.slots import Slot
from vectorstore.naming import slot_name

_ALONE = r"(?<![\w\x02\x03])"
_END = r"(?![\w\x02\x03])"
_HEX = r"[0a-fA-F]"
_CLOCK = r"0:0:0(?:[.,:]0)?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[A-Z]{2,4}T|[+-]0(?::0)?)(?!\w))?"
_IP = r"0\.0\.0\.0"
_PATH = r"[^\s\"'`<>()\[\]{},;:=|\\/?]"
_GENERIC_TLD = r"(?:com|net|org|edu|gov|mil|info|biz|io|local|internal|intranet|lan|corp|arpa)"
_TLD = rf"(?:{_GENERIC_TLD}|svc|cluster|localdomain|[a-z]{{2}})"
_NOT_PACKAGE = r"(?<![\w.@/\x02$-])(?!(?:com|org|net|io|java|javax|edu|android)\.)"
_AFTER_HOST = r"(?![\w(@$]|[.-]\w)"
_SIGN = r"(?:(?<![\w\x02\x03.)\]-])[-+])?"
_AMOUNT = rf"{_SIGN}(?<![\w\x02\x03])0(?:,0)*(?:\.0)?(?:[eE][-+]?0)?"
_NUMBER = rf"{_SIGN}(?<![\w\x02\x03])0(?:\.0)?(?:[eE][-+]?0)?"
_SIZE = r"(?:[KMGTP]i?[Bb]?(?:ps|/s)?|[kmgt]?[bB]|[Bb]ytes?|[Bb]its?)"
_TIME = r"(?:ns|us|\xb5s|\xc2\xb5s|ms|s|m|h|d|secs?|mins?|hrs?|msecs?|usecs?)"
_LONG_TIME = (
    r"(?:(?:nano|micro|milli)?seconds?|SECONDS|MILLISECONDS|minutes?|hours?|days?|m?secs?|ms|us|ns|mins?|s)"
)

_RULES: tuple[tuple[str, str], ...] = (
    ("timestamp", rf"{_ALONE}0[-/.]0[-/.]0(?:[T_ :-]|, ){_CLOCK}{_ZONE}"),
    ("timestamp", rf"{_ALONE}0-0-0_0,0,0(?:\.0)?"),
    ("timestamp", rf"{_ALONE}0/{MONTH}/0:{_CLOCK}{_ZONE}"),
    ("timestamp", (
        rf"{_ALONE}(?:{WEEKDAY},? )?{MONTH} {{1,2}}0,? (?:0 )?{_CLOCK}(?: [A-Z]{{3,4}})?(?: 0{_END}(?!:))?"
    )),
    ("timestamp", rf"{_ALONE}{WEEKDAY}, 0[ -]{MONTH}[ -]0 {_CLOCK}{_ZONE}"),
    ("url", (
        rf"(?:\b(?:https?|ftps?|wss?|file)://|(?<=://)(?=[\w\x02\x03\[]))(?:[^\s/@\"'<>]*@)?[^\s:/\"'<>`,;\[\]{{}}()]*(?::0)?(?:[/?][^\s:\"'<>"
        rf"`,;\[\]{{}}()]*[^\s:\"'<>`,;\[\]{{}}().!?])?(?:/(?!\S))?"
    )),
    ("string", (
        r"(?:(?<=\")(?<![^\s=:(\[{,]\")|(?<=\w='))(?!0(?:\.0)?[A-Za-z%]{0,3}[\"']|0\.0\.0\.0|\x03[\"']|/|[A-Za-z]:\\)(?=[^\s\"']*[0\x02]"
        r")[^\s\"'=]+(?=[\"'](?!:))"
    )),
    ("string", (
        r"(?:(?<=\w=\")(?<!msg=\")(?<!message=\")(?<!error=\")(?<!err=\")(?<!reason=\")(?<!event=\"))[^\""
        r"]*\s[^\"]*(?=\")"
    )),
    ("email", r"(?<=<)[^\s<>@]+@[^\s<>@]+(?=>)"),
    ("email", rf"{_ALONE}[A-Za-z0._%+-]{{1,64}}@[A-Za-z0-]+(?:\.[A-Za-z0-]+)*\.[A-Za-z]{{2,}}{_END}"),
    ("id", r"(?<![\w-])[A-Za-z]+-\x03[\w-]*"),
    ("uuid", r"\x03"),
    ("mac", rf"{_ALONE}(?<!:)(?=[A-Fa-f:]*0){_HEX}{{1,2}}(?::{_HEX}{{1,2}}){{5,}}(?![\w:])"),
    ("ipv6", rf"{_ALONE}(?<!\w:)(?=[A-Fa-f:]*0)(?:{_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}(?!\w)"),
    ("ipv6", (
        rf"{_ALONE}(?<!\w:)(?=[A-Fa-f:]*0)(?:{_HEX}{{1,4}}(?::{_HEX}{{1,4}})*)?::(?:{_HEX}{{1,4}}(?::"
        rf"{_HEX}{{1,4}})*)?(?:/0)?(?![\w:])"
    )),
    ("ipv6", r"(?<=\[)::(?=\])"),
    ("host", rf"(?<![\w./\x02-])[A-Za-z0][\w.-]*(?=/{_IP}{_END})"),
    ("version", r"(?<=[vV]ersion )v?0(?:\.0)+(?:[-+~_.]?[A-Za-z0]+)*(?!\w)"),
    ("ip", rf"(?:(?<=[A-Za-z]:)(?<!net:)(?<!cidr:)(?<!network:)(?<!prefix:)(?<!range:)(?<!route:)|(?<=:{_IP}/0 \()){_IP}(?=/0(?![\w./-]))"),
    ("ip", rf"(?<![\w\x02.-]){_IP}(?:/0)?(?![\w-]|\.\w)"),
    ("host", rf"{_NOT_PACKAGE}(?:[A-Za-z0_-]+\.){{2,}}{_TLD}{_AFTER_HOST}"),
    ("host", rf"{_NOT_PACKAGE}[A-Za-z0-]+\.{_GENERIC_TLD}{_AFTER_HOST}"),
    ("host", r"(?<![\w.@/-])localhost(?![\w/-]|\.\w)"),
    ("host", rf"(?<![\w.@/-])(?=[A-Za-z-]*0)[A-Za-z][A-Za-z0]*(?:-[A-Za-z0]+)+(?=:0{_END})"),
    ("host", (
        rf"(?:(?<=\bto )|(?<=\bon )|(?<=\bfrom )|(?<=\bwith )|(?<=\bhost )|(?<=\bserver )|(?<=\bpeer )|(?<=\bbroker )|(?<=\bnode ))"
        rf"(?!(?:line|row|col|step|stage|page|part|slot|port|cpu|core|disk)0)[A-Za-z]{{2,}}0(?=:0{_END})"
    )),
    ("clock", rf"{_ALONE}(?<!:){_CLOCK}(?![\w:])"),
    ("clock", r"(?<!\S)0:0(?![^\s,;])"),
    ("date", rf"{_ALONE}(?<![-./])(?:0-0-0|0/0/0)(?![\w/-]|\.\w)"),
    ("path", (
        rf"(?<![\w.)>%\x02\x03*-])(?<!:/)(?!(?<=\w:)//)(?!/{_IP}(?![\w.-]))(?:\.{{1,2}}|~)?/(?:{_PATH}+/)*(?:{_PATH}*[^\s\"'`<>("
        rf")\[\]{{}},;:=|\\/.?!]|(?<=\w/)|(?<=[=:\"'(\[]/)(?=[\s\"',;)\]]|$))"
        r"(?:\?[^\s\"'<>]*[^\s\"'<>.,;)])?(?:\.(?= [a-z0-9\x02]))?"
    )),
    ("path", (
        r"(?:(?<=GET )|(?<=POST )|(?<=PUT )|(?<=HEAD )|(?<=DELETE )|(?<=PATCH )|(?<=OPTIONS ))/[^\s\"]*"
    )),
    ("path", r"(?<![\w./:@-])[a-z][\w.-]*/(?!0(?:\.0)*(?![\w-]))(?=[\w.-]*[0\x02])[\w\x02.-]*\w(?![/\w])"),
    ("path", r"(?<![\w.-])[A-Za-z]:\\[^\s\"'<>|,;)\]}]*"),
    ("path", r"(?<![\w.\\-])\\\\[\w.$?-]+\\[^\s\"'<>|,;)\]}]*"),
    ("path", r"(?<![\w.:/@-])[A-Za-z0_.-]+(?:/[A-Za-z0_.@+~%-]+){2,}/?(?![\w/])"),
    ("path", r"(?<![\w.:/@-])(?:[a-z]\w*\.)+\w+/\.?[A-Za-z][\w.$]*"),
    ("version", rf"{_ALONE}(?<!\.)(?<!0-)[vV]?0(?:\.0){{2,}}(?:[-+~_.]?[A-Za-z0]+)*(?![\w:])"),
    ("version", rf"{_ALONE}[vV]0(?:\.0)+{_END}"),
    ("id", rf"(?<![\w-])[A-Za-z]+-0-{_IP}-0(?![\w-])"),
    ("string", r"\\0[^\s\\\"]+\\0(?!\w)"),
    ("hex", rf"{_ALONE}[a-f]{{8,}}(?![\w.-])"),
    ("hex", rf"(?<![A-Za-z0_])-?0[xX](?:[0a-fA-F]|\x02)+{_END}"),
    ("id", r"(?<![\w~.-])[A-Za-z]\w*(?:~[\w\x02.]*){2,}(?<!\.)"),
    ("hex", r"(?<=\{)[0a-f]*0[0a-f]*(?=[\s}])"),
    ("hex", r"(?<=@)[0a-fA-F\x02]*[0\x02][0a-fA-F]*(?!\w)"),
    ("percent", rf"{_NUMBER}(?=\s?%)"),
    ("size", rf"{_AMOUNT}{_SIZE}{_END}(?!-\w)"),
    ("duration", rf"{_AMOUNT}{_TIME}(?:\s?0(?:\.0)?{_TIME})*{_END}(?!-\w)"),
    ("size", rf"{_AMOUNT}(?= {_SIZE}{_END})"),
    ("duration", r"<0 secs?(?!\w)"),
    ("duration", rf"{_AMOUNT}(?= {_LONG_TIME}{_END})"),
    ("bool", r"(?<![\w.$/-])(?:true|false|True|False|TRUE|FALSE)(?![\w(/-]|\.\w)"),
    ("bool", (
        r"(?:(?<=[=:])|(?<=[=:] )|(?<=[\[({,]))(?:null|None|nil|NULL|yes|no|YES|NO)(?![\w(/-]|\.\w| [a-zA"
        r"-Z])"
    )),
    ("bool", r"(?<![\w.$/-])null$"),
    ("list", r"(?<=[A-Za-z]\()[a-z][a-z_.-]*(?:, ?[a-z][a-z_.-]*)+(?=\))"),
    ("list", r"(?<=[=: ]\[)(?=[^\]]*[a-z])[A-Za-z][A-Za-z_.-]*(?:, ?[A-Za-z][A-Za-z_.-]*)+(?=\])"),
    ("word", r"(?:(?<=[A-Za-z]: )|(?<=[A-Za-z]:))[A-Za-z]+0\w*(?=[\],;)}])"),
    ("number", rf"{_NUMBER}(?:[A-Za-z]|[KMG]?Hz|[KMG]?bps|[mkMG]?[VAW])?{_END}(?!-[A-Za-z\x02])(?!-0-?[A-Za-z_\x02])"),
    ("word", (
        r"(?<=\w=)(?![a-z]\w*(?:\.[a-z]\w*)+\.[A-Z])(?=[^\s,;)\]}\"'<>|&={(\[]*[0\x02])[^\s,;)\]}\"'<>|&="
        r"{(\[]*[\w\x02\x03]"
    )),
    ("token", r"(?<![\w\x02\x03])[\w\x02\x03]+(?:-+[\w\x02\x03]+)*(?![\w\x02\x03]|\.0\.0)(?:~[^\s,;)]*)?"),
)
_PLAIN = (
    r"(?<![^ ])(?:(?!(?:true|false|yes|no|null|nil|none|[a-f]{8,}|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu"
    r"|Fri|Sat|Sun)[a-z]{0,6},?) )[A-Za-z]+ )+"
)
"""Words between spaces at which no rule begins: they are passed over at once, which halves the time of a mask."""
_MASK = re.compile("|".join(
    [f"{_PLAIN}(?P<plain>)", *(f"(?:{rule})(?P<{kind}_{at}>)" for at, (kind, rule) in enumerate(_RULES))]
))
"""The group that says which rule it was stands behind it: entering one costs time at every place a rule is tried."""
_JOINED_NUMBER = re.compile(r"(?:^|_-?)[0\x02](?=_|-|$|[A-Z~])")
_SEGMENT = re.compile(r"[^-]+")
_MIXED = re.compile(r"(?:[A-Za-z]+0){2}|0[A-Za-z]+0|\x02")
_SERIAL = re.compile(r"[A-Z]-0")
_SHORT_HEX = re.compile(r"[0a-fA-F]+")
_LETTERED_HEX = re.compile(r"(?=.{4})[a-f]+0[0a-f]*[a-f]")
_UNIT_NUMBER = re.compile(r"0[A-Za-z]{1,2}")
_UNIT = re.compile(r"\s?([A-Za-z\xb5\xc2%]+)")
MARKED = re.compile(r"[0\x02\x03]")
"""What a skeleton writes for what it does not tell apart: a run of digits, a hex token, a UUID."""
_Span = tuple[int, int, str]
LONG = 8192
MANY = 256
"""Bounds of what is looked at: beyond so many characters or variables the rest of a message is one variable."""


@lru_cache(1024)
def mask(skeleton: str) -> tuple[Slot, ...]:
    """Find the variable spans of a message skeleton: typed, named, sorted and apart from each other.

    At most LONG characters and MANY spans are looked at; what follows is one span of type ``text``.
    """
    slots: list[Slot] = []
    head = ""
    at = 0
    for start, end, kind in _bounded(skeleton):
        gap = skeleton[at:start]
        near = slots[-1].type if slots and gap in {":", "]:", "/"} else ""
        head = head[-80:] + gap
        name = _name(head[-80:], skeleton[start:end], skeleton[end : end + 40], kind, near)
        slots.append(Slot(kind, name, start, end))
        head += "\x05"
        at = end
    return tuple(slots)


@lru_cache(4096)
def _name(head: str, own: str, tail: str, kind: str, near: str) -> str:
    """Messages of one system have much in common, so that every other name has been asked for before."""
    return slot_name(head + own + tail, len(head), len(head) + len(own), kind, near)


def unit(skeleton: str, slot: Slot) -> str | None:
    """The unit of a number: ``KB`` of ``0KB`` (inside the slot) or of ``0 KB`` (after it), else None."""
    inside = re.fullmatch(r"[-+<]?0(?:\.0)? ?([A-Za-z\xb5\xc2/%]+)", skeleton[slot.start : slot.end])
    if inside:
        return inside[1]
    after = _UNIT.match(skeleton, slot.end) if slot.type in {"size", "duration", "percent"} else None
    return after[1] if after else None


def _bounded(skeleton: str) -> Iterator[_Span]:
    cut = len(skeleton) if len(skeleton) <= LONG else skeleton.rfind(" ", LONG - MANY, LONG) + 1 or LONG
    at = 0
    for count, span in enumerate(_spans(skeleton[:cut])):
        if count == MANY:
            cut = span[0]
            break
        at = span[1]
        yield span
    if max(at, cut) < len(skeleton):
        yield max(at, cut), len(skeleton), "text"


def _spans(skeleton: str) -> Iterator[_Span]:
    for match in _MASK.finditer(skeleton):
        start, end = match.span()
        kind = (match.lastgroup or "").rsplit("_", 1)[0]
        if kind == "plain" or start == end:
            continue
        if kind != "token":
            yield start, end, kind
        elif MARKED.search(skeleton, start, end):
            yield from _token(skeleton, start, end)


def _token(skeleton: str, start: int, end: int) -> Iterator[_Span]:
    """Judge a word that holds digits: an identifier as a whole, a number behind a dash, or plain text."""
    text = skeleton[start:end]
    if "_" in text and _JOINED_NUMBER.search(text):
        yield start, end, "id"
        return
    segments = [(m.start(), m.group()) for m in _SEGMENT.finditer(text)]
    digits = [(at, s) for at, s in segments if MARKED.search(s)]
    if len(segments) > 1 and (len(digits) > 1 or _SERIAL.fullmatch(text) or any(_MIXED.search(s) for _, s in digits)):
        if all(s == "0" for _, s in segments):
            yield from ((start + at, start + at + 1, "number") for at, _ in segments)
        else:
            yield start, end, "id"
        return
    for at, segment in digits:
        kind = _segment_kind(segment, alone=len(segments) == 1)
        if kind:
            yield start + at, start + at + len(segment), kind


def _segment_kind(segment: str, *, alone: bool) -> str | None:
    if segment == "0" or (alone and _UNIT_NUMBER.fullmatch(segment)):
        return "number"
    if segment == "\x02" or _LETTERED_HEX.fullmatch(segment):
        return "hex"
    if _MIXED.search(segment) and "_" not in segment:
        return "hex" if _SHORT_HEX.fullmatch(segment) else "id"
    return None
