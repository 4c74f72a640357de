"""Quotes and names in a claim: what must stand in the evidence as it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from agent.offline.words import in_lexicon

QUOTE = re.compile(
    r"```(?:\w+\n)?(?P<fence>.+?)```|`(?P<tick>[^`\n]+)`|\"(?P<double>[^\"\n]+)\"|“(?P<curly>[^”\n]+)”|«(?P<guillemet>[^»\n]+)»"
    r"|(?<![\w’'])'(?P<single>[^'\n]{2,}?)'(?!\w)|(?<![\w’'])‘(?P<mark>[^’\n]{2,}?)’(?!\w)", re.DOTALL)

_SPLIT = re.compile(r"[\s|;=→⇒]+|->|=>|—|–|(?<!\d),|,(?!\d{3})")
_TRIM = "()[]{}<>.,;:!?\"'`*…“”‘’«»"
_UNITS = r"(?:[kKmMxX%]|[nuµμm]?s(?:ec)?|min|hr?|[dw]|bn|mio|[KMGT]i?[bB]|[bB]|ms|fold)"
_NUMERIC = re.compile(rf"[~≈<>≥≤+$€-]*(?:x(?=\d))?\d[\d,.'’]*(?:e[+-]?\d+)?{_UNITS}?(?:[-–/:+](?:\d[\d,.]*)?{_UNITS}?|(?:\d+{_UNITS})+)?(?:/\w+)?")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)|#\d{1,2}", re.IGNORECASE)
_CLASSES = re.compile(r"[1-5]xx", re.IGNORECASE)
GENERAL = re.compile(
    r"(?<![\w./-])(?:https?/\d(?:\.\d)?|k8s|http[123]|ipv[46]|utf-?8|s3|ec2|oauth2|sha256|md5|x509|h2|e2e|i18n|l[47]|24/7|n/a|i/o|tcp/ip|e\.g|i\.e|"
    r"a\.k\.a|u\.s|a\.m|p\.m|iso-8601|oncalm|[kmgt]i?b)(?![\w/-])", re.IGNORECASE)
"""Terms of the field that hold digits or dots and name nothing of one system."""
_LEVELS = frozenset("ERROR WARN WARNING INFO DEBUG TRACE FATAL CRITICAL NOTICE ALERT EMERGENCY SEVERE UNKNOWN".split())
_CAPS = frozenset("BEFORE AFTER ONLY NEVER ALWAYS SUMMARY ANSWER CAUSE IMPACT".split())
_PARTS = frozenset(
    "non re pre post self well long short high low half full read write cross multi single double one two three four five ten first second third "
    "so all no not per root end early late sub co de un mid near inter intra by at as follow log error time front back client server user "
    "system network data peer on off in up down out over under same real hard soft top zero auto fail open close max min semi anti ex best worst "
    "much day hour minute week month check retry start restart shut like free style bound facing to of the point party case call range run hand "
    "state minutes hours days seconds weeks known wise term scale effect cause through ahead away wide side level based related specific only".split())
_ENDINGS = ("ed", "ing", "ly", "er", "est", "ward", "wide", "sided")
_PLACES = "service|host|pod|node|deployment|container|server|database|queue|topic|cluster|namespace|job|broker|replica|instance"
_PLACE = re.compile(rf"\b(?:the|our|its|their) (?P<name>[a-z][a-z0-9]{{2,}}) (?:{_PLACES})\b", re.IGNORECASE)
_ORDINARY = frozenset(
    "upstream downstream other same whole first last main primary secondary web mail auth api backend frontend remote local new old entire "
    "target source client database cache queue message production staging test busy busiest slow healthy only next previous third faulty bad "
    "failing remaining missing following existing calling receiving corresponding underlying running responding timing offending "
    "right wrong top log dns http network kernel linux kubernetes individual respective particular single entire physical virtual real".split())


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a claim. ``hard``: it can only come from the evidence; soft ones may be general knowledge."""

    text: str
    hard: bool


def quotes(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Quoted and backticked pieces with where they stand."""
    found = []
    for match in QUOTE.finditer(text):
        inner = match[match.lastgroup or 0].strip()
        if inner:
            found.append((inner, match.span()))
    return found


def names(text: str, labels: frozenset[str] = frozenset()) -> list[tuple[Name, tuple[int, int]]]:
    """Names in ``text``. ``labels`` are known values (services, hosts …) in lower case: words only they make names."""
    found: list[tuple[Name, tuple[int, int]]] = []
    at = 0
    for gap in [*_SPLIT.finditer(text), None]:
        end = gap.start() if gap else len(text)
        _chunk(text, at, end, labels, found)
        at = gap.end() if gap else end
    for match in _PLACE.finditer(text):
        word = match["name"].lower()
        known = any(a <= match.start("name") < b for _, (a, b) in found)
        if not known and word not in _ORDINARY and not word.endswith(("ed", "est")) and not in_lexicon(word):
            found.append((Name(match["name"], hard=False), match.span("name")))
    return found


def _chunk(text: str, start: int, end: int, labels: frozenset[str], found: list[tuple[Name, tuple[int, int]]]) -> None:
    piece, start = _trimmed(text, start, end)
    if not piece:
        return
    end = start + len(piece)
    if piece.count("/") == 1 and not piece.startswith("/") and not re.search(r"[\d._:@-]", piece) and piece.lower() not in labels:
        middle = start + piece.index("/")
        _chunk(text, start, middle, labels, found)
        _chunk(text, middle + 1, end, labels, found)
        return
    if re.fullmatch(r"[A-Za-z]+[.:][A-Z][a-z]*", piece) and not re.search(r"[a-z][A-Z]", piece):  # a missing space
        return
    hard = _hardness(piece, labels, _starts(text, start))
    if hard is not None:
        found.append((Name(piece, hard), (start, end)))


def _trimmed(text: str, start: int, end: int) -> tuple[str, int]:
    """A piece without the punctuation around it, and where it begins now."""
    piece = text[start:end]
    kept = piece.lstrip(_TRIM)
    start += len(piece) - len(kept)
    if start and text[start - 1] == "." and kept[:1].isalpha() and len(kept) > 1 and piece.lstrip(_TRIM.replace(".", "")).startswith("."):
        kept, start = "." + kept, start - 1  # .env
    kept = re.sub(r"(?:['’]s)$", "", kept.rstrip(_TRIM))
    return kept.rstrip(_TRIM), start


def _starts(text: str, start: int) -> bool:
    """Whether a sentence or a heading begins here, so that a capital says nothing."""
    before = text[max(0, start - 20):start]
    return start <= 20 and not before.strip(" \t\"'`(*_-") or bool(re.search(r"[.!?:;\n•–—][\s\"'`(*_-]*$", before))


def _hardness(piece: str, labels: frozenset[str], first: bool) -> bool | None:  # noqa: FBT001 - said by its name
    """True: a name the evidence must hold. False: one that may be general knowledge. None: no name."""
    low = piece.lower()
    if low in labels:
        return True
    if GENERAL.fullmatch(piece) or piece in _LEVELS or not re.search(r"[A-Za-z0-9]", piece):
        return None
    if _address(piece) or re.fullmatch(r"\d+(?:\.\d+){2,}|v\d+(?:\.\d+)*|(?:[0-9a-f]+-){2,}[0-9a-f]+", low):
        return True
    if _NUMERIC.fullmatch(piece) or _ORDINAL.fullmatch(piece) or re.fullmatch(r"\d+(?:-[a-z]+)+", low):
        return None
    if re.search(r"\d", piece) or re.search(r"://|[@_\\]|^~?\.?/.*\w|::|\w\.\w|#\w", piece) or piece.count("/") > 1:
        return True
    if re.fullmatch(r"(?:E[A-Z]{4,}|SIG[A-Z]{3,})", piece) and piece not in _LEVELS or re.search(r"[a-z](?:Exception|Error)$", piece):
        return True
    if "/" in piece and "-" in piece or "$" in piece:
        return True
    if "-" in piece:
        parts = low.split("-")
        compound = any(part in _PARTS or part.endswith(_ENDINGS) for part in parts) or all(map(in_lexicon, parts))
        return None if compound else False
    return _capitals(piece, first=first)


def _capitals(piece: str, *, first: bool) -> bool | None:
    if re.search(r"[a-z][A-Z]", piece) and piece != "OnCalm":
        return False
    if re.fullmatch(r"[A-Z]{6,}", piece):
        return None if piece in _CAPS or in_lexicon(piece.lower()) else False
    if re.fullmatch(r"[A-Z][a-z]{2,}", piece) and not first:
        return None if in_lexicon(piece.lower()) or piece.lower() in _PLAIN_CAPITALS else False
    return None


_PLAIN_CAPITALS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december linux unix windows english java python internet unicode error warning info debug fatal critical "
    "yes the this that these those they there then from with and but for".split())


def _address(piece: str) -> bool:
    """Whether it is an IP address, with a port or a prefix length or without."""
    bare = re.sub(r"(?<=\d)/\d{1,3}$", "", piece)
    for candidate in (bare, re.sub(r":\d{1,5}$", "", bare)):
        try:
            ip_address(candidate)
        except ValueError:
            continue
        return "." in candidate or ":" in candidate
    return False


def is_class(name: str) -> bool:
    """``5xx`` and the like: shown by any status of that hundred."""
    return bool(_CLASSES.fullmatch(name))


def percentile(name: str) -> str:
    """``95th percentile`` and ``P95`` as ``p95``; other names as they are."""
    return name.lower() if re.fullmatch(r"[pP]\d{2}(?:\.\d+)?", name) else name
