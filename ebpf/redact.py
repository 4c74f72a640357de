"""The one place through which every text of a call record goes: one cleaner per kind of text, each failing closed.

A cleaner takes what a parser read and gives what may be passed on; text it cannot make sense of becomes a placeholder
(``{id}``, ``{token}``, ``?``) or nothing. All end with the secret patterns of :mod:`telemetry.redact`. Applied twice they
change nothing more. :mod:`ebpf.calls` names the cleaner of each field in the field's type.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from ebpf.parsers.sqltext import POSTGRES, scrubbed
from ebpf.parsers.words import label, placed, plain, spoken, tokenish
from telemetry.masks import hides, masked

HEADERS = frozenset({"host", "content-type", "traceparent"})
"""The only headers of HTTP, and the only metadata of gRPC, that are looked at beside pseudo-headers and grpc-status."""
METHODS = frozenset(
    "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK "
    "MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH QUERY REBIND REPORT SEARCH "
    "UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL PURGE NOTIFY SUBSCRIBE UNSUBSCRIBE".split()
)
"""Methods of the IANA registry, and four that caches and devices use."""
OTHER = "{other}"
_SEGMENTS, _NAMES = 16, 16
_PLACED = re.compile(r"\{(?:id|token|email|text|secret|cut|more|other)\}|\[REDACTED:[a-z-]+\]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:_-]\d+)*|(?:0x)?[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ODD, _JOINS = re.compile(r"[^\w.~:-]"), re.compile(r"[_.~:-]")
_SUFFIX = re.compile(r"(.+)\.(html?|css|m?js|json|xml|txt|csv|png|jpe?g|gif|svg|webp|ico|pdf|woff2?|map|php|aspx?|jsp|zip|gz)", re.IGNORECASE)
_AFTER_SECRET = frozenset(
    "new edit reset refresh forgot change update verify confirm check validate revoke rotate create delete list status info "
    "request introspect exchange login logout generate expire renew strength policy policies sent done success failed".split()
)
"""What may follow a segment such as ``password`` in a path; anything else there may be the secret."""


def segment(text: str) -> str:
    """One segment of a path: itself where it is a plain word, else what stands for its kind."""
    return "{id}" if text.isdigit() or _NUMBER.fullmatch(text) else _segment(text)


@lru_cache(4096)
def _segment(text: str) -> str:
    if plain(text) or _PLACED.fullmatch(text):
        return text
    if "@" in text or "%40" in text:
        return "{email}"
    name = _SUFFIX.fullmatch(text)
    if name:
        return f"{segment(name[1])}.{name[2].lower()}"
    if not text.isascii() or _ODD.search(text):
        return "{text}"
    numbered = all(part.isdigit() or plain(part) for part in _JOINS.split(text))
    return "{id}" if numbered or len(text) <= 12 else "{token}"


def route(path: str) -> str:
    """A path with what differs from call to call replaced; query, fragment, matrix parameters and userinfo dropped."""
    path = path.partition("?")[0].partition("#")[0]
    if path in {"", "*", OTHER}:
        return path
    if not path.startswith("/"):
        return OTHER
    parts: list[str] = []
    secret = hidden = False
    for part in path[1:].split("/", _SEGMENTS)[:_SEGMENTS]:
        name = part.partition(";")[0]
        shown = segment(name) if name else ""
        if secret and name not in _AFTER_SECRET and name and not _PLACED.fullmatch(name):
            shown = "{secret}"
        secret = shown == name and shown != "" and (hides(name) or hides(name.removesuffix("s")))
        hidden = hidden or shown in _TOKENS
        parts.append(shown)
    if path.count("/") > _SEGMENTS:
        parts.append("{more}")
    if hidden:
        parts = [_beside(parts, at) for at in range(len(parts))]
    return _masked("/" + "/".join(parts))


_TOKENS = frozenset({"{token}", "{text}"})


def _beside(parts: list[str], at: int) -> str:
    """A segment, hidden where it could belong to a token beside it that has slashes in it (base64)."""
    near = {*parts[max(at - 1, 0) : at], *parts[at + 1 : at + 2]}
    part = parts[at]
    return "{token}" if near & _TOKENS and not part.islower() and part and not _PLACED.fullmatch(part) else part


_QUERY_NAME = re.compile(r"(?:^|[&;])([^&;=]{0,64})=")


def query_names(query: str) -> tuple[str, ...]:
    """The names of a query string's parameters, where they are plain words. A part without ``=`` is a value."""
    return names(tuple(_QUERY_NAME.findall(query)))


@lru_cache(4096)
def names(given: tuple[str, ...]) -> tuple[str, ...]:
    """Parameter names: plain words only, sorted, each once."""
    return tuple(sorted({masked(name) for name in given[:_NAMES] if plain(name)}))


@lru_cache(1024)
def method(text: str) -> str:
    """A method of the registry, as it is written there; else ``{other}``."""
    return text if text in METHODS or text == "" else OTHER


_LABEL = re.compile(r"[A-Za-z0-9_*](?:[\w-]{0,61}[A-Za-z0-9_])?")


@lru_cache(4096)
def hostname(text: str) -> str:
    """A host's or a domain's name, its labels without what looks like a token; nothing where it is none."""
    if text in {"", "."} or _IPV6.fullmatch(text):
        return text
    if len(text) > 255:
        return OTHER
    labels = [_label(one) for one in text.split(".")]
    if "{token}" in labels or "{text}" in labels:  # a token with dots in it is several labels
        labels = [one if placed(one) or _PLACED.fullmatch(one) or one == "" else "{token}" for one in labels]
    return masked(".".join(labels).lower())


_IPV6 = re.compile(r"\[[0-9a-fA-F:.]{2,45}\]")


def _label(text: str) -> str:
    if _PLACED.fullmatch(text) or text == "":
        return text
    if not _LABEL.fullmatch(text):
        return "{text}"
    if re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        return "{id}"
    return text if label(text) else "{token}"


@lru_cache(4096)
def authority(text: str) -> str:
    """``host`` or ``host:port``; userinfo dropped."""
    text = text.rpartition("@")[2]
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) <= 5 and (":" not in host or host.startswith("[")):
        return f"{hostname(host)}:{port}"
    return hostname(text)


_TYPE = re.compile(r"(application|audio|font|image|message|model|multipart|text|video)/([A-Za-z][\w.+-]{0,60})")


@lru_cache(1024)
def content_type(text: str) -> str:
    """``type/subtype`` in lower case, without parameters; nothing where it is none."""
    kind = _TYPE.fullmatch(text.partition(";")[0].strip().lower())
    if not kind:
        return ""
    return masked(kind[0]) if not tokenish(kind[2]) else f"{kind[1]}/{OTHER}"


@lru_cache(4096)
def dotted(text: str) -> str:
    """A name of a service or a method of gRPC: ``shop.v1.Cart``."""
    if text in {"", OTHER}:
        return text
    named = len(text) <= 120 and all(map(spoken, text.split(".")))
    return masked(text) if named else OTHER


@lru_cache(256)
def word(text: str) -> str:
    """One of our own words or a code: letters, digits, ``_`` and ``-``, 32 at most and no token."""
    return text if re.fullmatch(r"[\w. -]{0,32}", text, re.ASCII) and not tokenish(text) else OTHER


@lru_cache(64)
def sqlstate(text: str) -> str:
    """Five capital letters or digits; else nothing."""
    return text if re.fullmatch(r"[0-9A-Z]{5}", text) else ""


@lru_cache(4096)
def address(text: str) -> str:
    """An IP address; else nothing."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


@lru_cache(4096)
def sql(text: str, dialect: str = POSTGRES, *, cut: bool = False) -> str:
    """A statement without literals and comments (:mod:`ebpf.parsers.sqltext`). ``cut``: the text goes on unseen."""
    return _masked(scrubbed(text, dialect, cut=cut))


_masked = lru_cache(4096)(masked)
"""Of texts that repeat though what they were made of does not, at any length."""


def statement(text: str) -> str:
    """The same of what a parser scrubbed by its dialect before; this changes nothing there."""
    return sql(text)


@lru_cache(256)
def reasons(given: tuple[str, ...]) -> tuple[str, ...]:
    """Why something is unknown: our own words only."""
    return tuple(dict.fromkeys(one for one in given if re.fullmatch(r"[a-z_0-9]{1,32}", one)))

