"""A question being read: what is settled so far, the text still to be read, and the ways to take words out of it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from agent.numerals import NUMERALS
from agent.offline.fields import TAILS, TEMPLATE_NOUNS, Linked, field_word, link
from agent.offline.understanding import Kind
from agent.offline.wording import CLOSE, OPEN, empty
from agent.offline.words import likeness
from telemetry.models import Catalog, Filter, Operation, Stat
from telemetry.units import SECONDS

ALL = 1000
COUNTS = NUMERALS | {"dozen": 12, "couple of": 2}
NUMBER = rf"(?:\d+|{'|'.join(COUNTS)})"
_BREAK = frozenset("""
    of for in on at by with from to that which who whose where when while is are was were be been has have had having do did
    does per and or but since before after between during within because as if than then most least often seen found through
    the this these those me us it its they them not without except log logs logged write writes wrote produce produces produced
    generate generates generated emit emits cause causes caused fail fails failed failing get gets got send sends sent receive
    receives received report reports reported make makes made show shows shown see throw throws threw return returns returned
    take takes took taken use uses used using try tries tried visit visited hit hits request requested requests come came comes
    appear appears appeared happen happens happened occur occurs occurred can could will would need needs needed go goes went
    there we i you more less over under above below into against across each every last first today yesterday only also
    belong belongs have end ended ends start started starts respond responds responded ask asked
""".split())
_HEADS = frozenset("request requests log logs".split())
"""Words that bind inside a phrase and still may begin one: "request time"."""
_SKIP = frozenset("the a an all different distinct unique separate individual single various total possible actual "
                  "top most common frequent active known our your their".split())
_WORD = re.compile(rf"\s*(?:(?P<word>[A-Za-z_][\w.-]*)|(?P<kept>{OPEN}\d+{CLOSE}))")
_BARE_NAMES = frozenset("to from in on at by with for and or of is was the a an all that this not no as it its".split())


EVENTS = frozenset("""request session connection block instance error message query event job task order transaction call attempt packet
login password mail line record entry log warning failure exception statement response operation job build test deploy retry timeout
command file row byte time occurrence item step stage run process thread""".split())
"""Things that happen: "how many requests" counts records even where a field is called so."""


@dataclass(slots=True)
class Draft:
    """What is settled of one question; ``text`` is what is left to read."""

    catalog: Catalog
    text: str
    operation: Operation = "lines"
    field: str | None = None
    noun: str = ""
    kind: Kind = ""
    stats: tuple[Stat, ...] = ()
    group_by: list[str] = dataclasses.field(default_factory=list)
    bucket: int | None = None
    limit: int = 10
    order: str = "desc"
    order_by: str | None = None
    filters: list[Filter] = dataclasses.field(default_factory=list)
    statements: list[str] = dataclasses.field(default_factory=list)
    ambiguities: list[str] = dataclasses.field(default_factory=list)
    excluded: list[str] = dataclasses.field(default_factory=list)
    hint: str | None = None
    """A field named outright."""
    base: str = ""
    yes_no: bool = False
    unusual: bool = False
    newest: bool = False
    """Where no time is said the newest records are meant, not half of them all."""
    guessed: bool = False

    def cut(self, start: int, end: int, instead: str = "") -> None:
        """Replace a stretch of the text."""
        self.text = re.sub(r"\s+", " ", f"{self.text[:start]} {instead} {self.text[end:]}").strip()

    def drop(self, pattern: str) -> bool:
        """Take out what matches; returns whether something did."""
        text, found = re.subn(pattern, " ", self.text, flags=re.IGNORECASE)
        self.text = re.sub(r"\s+", " ", text).strip()
        return bool(found)

    def choose(self, linked: Linked, noun: str) -> None:
        """Note the field that ``noun`` names."""
        self.field, self.noun = linked.ref, noun
        name = linked.ref.removeprefix("param:")
        if linked.others:
            others = ", ".join(o.removeprefix("param:") for o in linked.others)
            self.ambiguities.append(f'"{noun}" was read as {name}; it could be {others}')

    def about(self, without: str) -> frozenset[str]:
        """Templates whose words the text uses beside ``without``: they tell which of two fields of one name is meant. None where nothing is left out."""
        return self.mentioned(self.text.replace(without, " ")) if without else frozenset()

    def mentioned(self, text: str) -> frozenset[str]:
        """Templates that share a word with ``text``."""
        words = {field_word(w) for w in re.findall(r"[a-z]{3,}", text.lower())}
        return frozenset(
            template.id for template in self.catalog.templates
            if words & {field_word(w) for w in re.findall(r"[a-z]{3,}", template.pattern.lower())}
        )

    @property
    def bare(self) -> bool:
        """Whether nothing is left that could name records."""
        return empty(self.text)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that may name a field: the words, and where each ends in the draft's text."""

    words: tuple[str, ...]
    ends: tuple[int, ...]
    start: int


def phrase(text: str, at: int, most: int = 4, catalog: Catalog | None = None) -> Phrase:
    """The noun phrase that starts at ``at``: up to ``most`` words, articles skipped, until a word that binds.

    A word that is a field's whole name (``took``, ``total``) belongs to it all the same.
    """
    names = {f.ref.removeprefix("param:").lower() for f in catalog.fields} - _BARE_NAMES if catalog is not None else set()
    words: list[str] = []
    ends: list[int] = []
    begin = at
    while len(words) < most:
        match = _WORD.match(text, at)
        if not match or not match["word"]:
            break
        low = match["word"].lower().rstrip(".-")
        if not words and low in _SKIP and low not in names:
            at = match.end()
            continue
        if low in _BREAK and low not in names and not (low in _HEADS and not words):
            break
        if not words:
            begin = match.start("word")
        words.append(match["word"].rstrip(".-"))
        ends.append(match.start("word") + len(words[-1]))
        at = ends[-1]
        if re.match(r"\s*[,;:?!]", text[at:]):
            break
    return Phrase(tuple(words), tuple(ends), begin)


def named(found: Phrase, catalog: Catalog, *, numeric: bool = False, owners: frozenset[str] = frozenset(),
          ) -> tuple[Linked, int] | None:
    """The field that the start of a phrase names, and how many of its words that takes."""
    best: tuple[Linked, int] | None = None
    for size in range(1, len(found.words) + 1):
        linked = link(" ".join(found.words[:size]), catalog, numeric=numeric, owners=owners)
        if linked is None:
            continue
        takes = best is None or linked.score > best[0].score + (0.0 if linked.ref == best[0].ref else 0.04)
        tail = best is not None and linked.ref == best[0].ref and field_word(found.words[size - 1]) in TAILS and size - 1 == best[1]
        heads = best is not None and linked.score >= 0.8 and (linked.ref != "template" or field_word(found.words[size - 1].lower()) in {"template", "pattern"}) and size - 1 == best[1]
        if takes or tail or heads:
            best = (linked, size)
    return best


def take(draft: Draft, at: int, *, numeric: bool = False, least: float = 0.5, without: str = "") -> bool:
    """Read the noun phrase at ``at`` as the field asked about and cut it out."""
    found = phrase(draft.text, at, catalog=draft.catalog)
    hit = named(found, draft.catalog, numeric=numeric, owners=draft.about(without or draft.text[:at]))
    if hit is None or hit[0].score < least:
        return False
    linked, size = hit
    draft.choose(linked, " ".join(found.words[:size]))
    draft.cut(found.start, found.ends[size - 1])
    return True


GROUP = re.compile(
    r"\b(?:per|by|for each|for every|grouped by|group by|broken down by|broken down per|split by|in each|on each|from each|"
    r"across(?: all)?(?: the)?|each|every|(?:with|as) a breakdown by|breakdown (?:by|per))\s+", re.IGNORECASE)
BUCKET = re.compile(
    rf"\b(?:(?:per|by|every|each|in|for (?:each|every)|over|grouped by|for)\s+)?(?:the\s+)?(?P<n>{NUMBER})[- ]?(?P<u>seconds?|minutes?|mins?|hours?|days?)"
    r"[- ](?:buckets?|bins?|intervals?|windows?|steps?|slots?|resolution)\b"
    rf"|\b(?:per|by|every|each)\s+(?:the\s+)?(?:(?P<n2>{NUMBER})[- ]?)?(?P<u2>seconds?|secs?|minutes?|mins?|hours?|days?|weeks?)\b"
    r"|\b(?P<u3>second|minute|hour|day)[- ](?:by|for)[- ](?:second|minute|hour|day)\b|\b(?P<u4>minute|hour|dai|week)ly\b"
    r"|\b(?:for|in|on)\s+(?:each|every)\s+(?P<u5>second|minute|hour|day|week)\b|/\s?(?P<u6>s|sec|min|minute|h|hour|day)\b", re.IGNORECASE)


def buckets(draft: Draft) -> bool:
    """Take "per minute", "every 5 minutes", "hourly", "in 10 minute buckets" out of the text."""
    match = BUCKET.search(draft.text)
    if not match:
        return False
    unit = next(match[g] for g in ("u", "u2", "u3", "u4", "u5", "u6") if match[g]).lower()
    seconds = SECONDS["day" if unit == "dai" else unit]
    draft.bucket = number(match["n"] or match["n2"] or "1") * int(seconds)
    draft.cut(*match.span())
    return True


def groups(draft: Draft, least: float = 0.5) -> None:
    """Take "per host", "by level", "per hour" out of the text as group keys."""
    if "time" not in draft.group_by and buckets(draft):
        draft.group_by.append("time")
    at = 0
    while match := GROUP.search(draft.text, at):
        at = match.end()
        found = phrase(draft.text, match.end(), catalog=draft.catalog)
        hit = named(found, draft.catalog, owners=draft.about(draft.text[match.start():]))
        whole = " ".join(found.words).lower()
        if whole in {"file", "source", "log file", "logfile"} and empty(re.sub(r"(?i)\bhow many\b", " ", draft.text[: match.start()])):
            hit = (Linked("source", "word", 1.0), len(found.words))  # lines per file: where they were read from
        if hit is None or hit[0].score < least or hit[0].ref in draft.group_by:
            continue
        rest = draft.text[found.ends[hit[1] - 1]:]
        if match[0].lower().strip() in {"by", "each", "every"} and _valued(rest):
            continue
        if field_word(found.words[hit[1] - 1].lower()) in TEMPLATE_NOUNS - {"template", "message", "pattern", "kind"} and hit[0].ref == "template":
            continue
        draft.group_by.append(hit[0].ref)
        draft.cut(match.start(), found.ends[hit[1] - 1])
        at = match.start()
        also = re.match(r"\s*(?:and|,)\s+(?:by\s+|per\s+)?", draft.text[at:], re.IGNORECASE)
        if also:
            more = phrase(draft.text, at + also.end(), catalog=draft.catalog)
            second = named(more, draft.catalog)
            if second is not None and second[0].score >= 0.84 and second[0].ref not in draft.group_by:
                draft.group_by.append(second[0].ref)
                draft.cut(at, more.ends[second[1] - 1])


def _valued(rest: str) -> bool:
    """Whether what follows a noun is its value: "run by user mallory"."""
    match = re.match(rf"\s+(?:(?P<word>[A-Za-z][\w-]*)|{OPEN})", rest)
    if not match:
        return False
    word = match["word"]
    word = word.lower() if word else None
    return word is None or (word not in _BREAK and word not in _AFTER_GROUP and not word.endswith(("ed", "ing")))


_AFTER_GROUP = frozenset("top please then only sorted ordered descending desc asc how what which when most least over overall too also last first limit with".split())


def number(text: str) -> int:
    """``five`` or ``12`` as a number, at least 1."""
    low = text.strip().lower()
    return max(1, COUNTS.get(low) or int(low))


_LIMITS = (
    re.compile(rf"\b(?:the\s+)?(?:top|bottom|first|last|latest|worst|biggest|largest|slowest|longest|busiest|noisiest|newest|oldest|most recent|fastest|smallest|highest|lowest|shortest)[- ](?P<n>{NUMBER})\b", re.I),
    re.compile(rf"\b(?P<n>{NUMBER})\s+(?=(?:most|least|top|biggest|largest|slowest|longest|latest|newest|oldest|busiest|noisiest|worst|highest|smallest|fastest|shortest|lowest|commonest|rarest|examples?|sample)\b)", re.I),
    re.compile(rf"\b(?:limit(?:ed)?(?: to)?|only|just|at most|up to|max(?:imum)?(?: of)?)\s+(?P<n>\d+)\b(?!\s*(?:[kmg]?b|ms|s|sec|min|h|%|am|pm)\w*\b)(?=\s*$|\s+(?:of|lines|rows|results|examples)\b)", re.I),
)


def limit(draft: Draft) -> int:
    """Take "top 5", "the 3 most", "last ten" out of the text; 0 when no number was said. The adjective stays."""
    for pattern in _LIMITS:
        match = pattern.search(draft.text)
        if match:
            draft.cut(match.start("n"), match.end("n"))
            return min(number(match["n"]), ALL)
    return 0


def written(draft: Draft, word: str) -> bool:
    """Whether some template writes ``word`` or a form of it."""
    return any(likeness(word.lower(), other) >= 0.95
               for template in draft.catalog.templates for other in re.findall(r"[a-z]{3,}", template.pattern.lower()))


__all__ = ["ALL", "COUNTS", "EVENTS", "NUMBER", "Draft", "Phrase", "buckets", "groups", "limit", "named", "number", "phrase", "take",
           "written"]
