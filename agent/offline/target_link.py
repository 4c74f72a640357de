"""Values named in a question, linked to the fields of the logs that hold them: exact filters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.offline.everyday import EVERYDAY
from agent.offline.target_terms import STOP, WEAK, Term
from agent.offline.target_vocabulary import ALIASES, Vocabulary, bare_name
from agent.offline.words import in_lexicon, pieces, singular
from telemetry.models import LEVELS, FieldInfo, Filter

_LEVEL_WORDS = {
    "error": ("error", "fatal"), "err": ("error", "fatal"), "warning": ("warn",), "warn": ("warn",),
    "critical": ("fatal",), "fatal": ("fatal",), "info": ("info",), "debug": ("debug",),
    "notice": ("notice",), "trace": ("trace",),
}  # fmt: skip
_GENERIC = frozenset({"error", "err", "warning", "problem", "issue"})
_LINES = frozenset({"message", "messages", "line", "lines", "log", "logs", "entries", "records", "events"})
_JOINING = frozenset(
    {"of", "is", "was", "=", "code", "number", "address", "named", "called", "id", "equals", "the"}
)
_COMPARING = frozenset({"than", "least", "most", "over", "under", "above", "below", "top", "last", "first"})
"""A number after these bounds an answer; it stands in no line."""
_FILE = re.compile(r"[\w-]+\.(?:log|txt|json|jsonl|out|err|gz)", re.I)
_COMPOUND = re.compile(r"[A-Za-z0-9][_.-][A-Za-z0-9]|[a-z][A-Z]|^[A-Z]{5,}$")
_OWNING = ("user", "username", "account", "service", "host", "hostname")
"""Names after which even a word the logs never hold is a value."""
_COLUMNS = ("service", "host", "logger", "level", "source")


@dataclass
class Links:
    """What linking found: exact filters, and the words that stay to be matched by meaning."""

    filters: list[Filter] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Words that look like names of someone or something: ``for alice``, ``os-volumes``, ``EIOError``."""
    said: list[str] = field(default_factory=list)
    """One phrase per filter, for the reading."""
    identifiers: list[str] = field(default_factory=list)
    """The values themselves, for ranking lines."""
    quoted: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    """Levels asked for (``errors``), as the first column of ``_LEVEL_WORDS`` or a generic word."""
    level_words: list[str] = field(default_factory=list)
    """The words that asked for them."""
    exact: bool = False
    """Levels were named as the logs write them (``ERROR``): that level alone."""


def link(terms: list[Term], vocabulary: Vocabulary) -> Links:
    """Turn values, named or known, into exact filters; what remains are words to match by meaning."""
    links = Links()
    taken: set[int] = set()
    for at, term in enumerate(terms):
        if at in taken:
            continue
        name, used = _name_near(terms, at, vocabulary)
        if term.kind == "quoted":
            if _quoted(term, name, links, vocabulary):
                _consume(links, terms, at, used)
                taken |= used
        elif term.kind == "path":
            links.identifiers.append(term.text)
            _add(links, _path(term.text), f"the text {term.text}")
        elif term.kind == "pair":
            _pair(term, links, vocabulary)
        elif _FILE.fullmatch(term.text) and not vocabulary.holders(term.text):
            names, _ = vocabulary.services(term.text.rsplit(".", 1)[0])
            _add(links, Filter(field="service", op="in", value=tuple(names)) if names else Filter(field="source", op="eq", value=term.text), f"file {term.text}")
        elif _is_value(term, name, terms, at, vocabulary):
            _value(term, name, links, vocabulary)
            _consume(links, terms, at, used)
            taken |= used
        elif not _source(term, terms, at, links, vocabulary):
            links.words.append(term.text)
            owner = term.after in ("for", "by", "from", "user") and _ends(terms, at) and _nameable(term.low)
            if owner or _COMPOUND.search(term.text):
                links.names.append(term.low)
    return _levels(links, vocabulary)


def _name_near(terms: list[Term], at: int, vocabulary: Vocabulary) -> tuple[str, set[int]]:
    """The field name beside a value: ``status code 503``, ``503 status code``, ``root user``."""
    back, name, used = at - 1, "", set[int]()
    while back >= 0 and at - back <= 3 and terms[back].kind == "word":
        word = terms[back].low
        if _is_name(word, vocabulary) or (terms[at].kind == "value" and _is_name(singular(word), vocabulary)):
            name = singular(word) if terms[at].kind == "value" else word
        elif word not in _JOINING or name:
            break
        used.add(back)
        back -= 1
    if name:
        return name, used
    if at + 1 < len(terms) and terms[at + 1].kind == "word" and _is_name(terms[at + 1].low, vocabulary):
        fields = vocabulary.named(terms[at + 1].low)
        known = any(info in fields for info, _ in vocabulary.holders(terms[at].text))
        if known or terms[at].kind == "value":
            return singular(terms[at + 1].low), {at + 1}
    return "", set()


def _is_name(word: str, vocabulary: Vocabulary) -> bool:
    said = any(word in said.split() for said, _ in ALIASES)
    return word not in STOP and (said or bool(vocabulary.named(word)))


def _is_value(term: Term, name: str, terms: list[Term], at: int, vocabulary: Vocabulary) -> bool:
    if term.kind == "value":
        if term.text.isdigit() and term.after in _COMPARING and not name:
            return False
        # ``ssh2`` and the like are words of the logs, unless a name before them says otherwise
        return not (term.low in vocabulary.words and not name and not term.text.isdigit())
    word = term.low
    if word in STOP or len(word) < 2:
        return False
    holders = vocabulary.holders(word)
    named = vocabulary.named(name) if name else []
    said = vocabulary.says(word) or singular(word) in WEAK
    if any(info.ref in ("service", "host") for info, _ in holders) and (not said or _placed(terms, at, name)):
        return True
    phrase = vocabulary.writes(f"{name} {word}")  # "failed password" is text, whatever its siblings say
    if any(info in named for info, _ in holders) and term.after == name and not phrase:
        return True
    if vocabulary.says(word) or word in WEAK:
        exact = term.text.isupper() and any(value == term.text for _, value in holders)
        return exact or (word not in WEAK and not in_lexicon(word) and vocabulary.mostly_value(word))
    owner = term.after == name and name in _OWNING and _ends(terms, at)
    return any(info.ref != "level" for info, _ in holders) or (
        owner and not holders and not _is_name(singular(word), vocabulary)
    )


_PLACES = frozenset({"service", "services", "host", "server", "node", "machine", "daemon", "app", "application", "component", "logs", "log", "process", "lines", "messages", "entries",
                     "records", "events"})


def _placed(terms: list[Term], at: int, name: str) -> bool:
    """Whether words around a service's or host's name say that it is one: ``from checkout``, ``the cart service``."""
    after = terms[at + 1].low if at + 1 < len(terms) else ""
    before = terms[at - 1].low if at else ""
    earlier = terms[at - 2].low if at > 1 else ""
    named = name in {"host", "hostname", "node", "server", "machine", "service", "app", "application", "daemon", "pod"}
    bound = before in {"from", "on", "in", "at", "for", "by"} or (before == "the" and earlier in {"from", "on", "in", "at", "for", "by"})
    return after in _PLACES or before in _PLACES or named or (bound and _ends(terms, at))


def _ends(terms: list[Term], at: int) -> bool:
    return at + 1 >= len(terms) or terms[at + 1].low in STOP


def _consume(links: Links, terms: list[Term], at: int, used: set[int]) -> None:
    """Forget the words before a value that only named it: ``IP address 10.0.0.1``."""
    for back in range(at - 1, -1, -1):
        if back not in used or not links.words or links.words[-1] != terms[back].text:
            break
        links.words.pop()


def _quoted(term: Term, name: str, links: Links, vocabulary: Vocabulary) -> bool:
    """Link quoted text; True when it is a value of a field rather than text of the message."""
    known = vocabulary.holders(term.text)
    one_word = " " not in term.text
    if (name and one_word) or (known and not vocabulary.says(term.low)):
        _value(term, name, links, vocabulary)
        return True
    links.quoted.append(term.text)
    return False


def _value(term: Term, name: str, links: Links, vocabulary: Vocabulary) -> None:
    links.identifiers.append(term.text)
    common = term.low in vocabulary.words and not (name and term.after == name)
    holders = [] if common else vocabulary.holders(term.text)
    named = vocabulary.named(name) if name else []
    fitting = [(info, value) for info, value in holders if info in named] or [
        (info, value) for info, value in holders if info.ref in _COLUMNS[:2]
    ]
    if _IP.fullmatch(term.text) or _spelt(term.text, vocabulary):
        _add(links, Filter(field="text", op="word", value=term.text), f"the word {term.text}")
        return
    params = [(info, value) for info, value in holders if info.ref.startswith("param:")]
    own = [info for info in named if bare_name(info.ref) == name and _open(info)]
    if common and not fitting:
        fitting = [(info, value) for info, value in vocabulary.holders(term.text) if info.ref in _COLUMNS[:2]] if term.kind == "word" else []
    if fitting:
        _exact(links, *fitting[0])
    elif len(params) == 1 and not term.text.isdigit():
        _exact(links, *params[0])
    elif own and term.text.isdigit() and not holders:
        _exact(links, own[0], term.text)
    elif named and not holders and named[0].ref in _COLUMNS and not term.text.isdigit():
        ref = named[0].ref
        _add(links, Filter(field=ref, op="icontains", value=term.text), f"{ref} holds {term.text}")
    elif term.text.isdigit() and _before_slot(term.after, vocabulary):
        pattern = rf"(?i)\b{re.escape(term.after)}\W{{0,3}}{term.text}\b"
        _add(links, Filter(field="text", op="regex", value=pattern), f"the text {term.after} {term.text}")
    else:
        _add(links, Filter(field="text", op="word", value=term.text), f"the word {term.text}")


_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def _spelt(value: str, vocabulary: Vocabulary) -> bool:
    """Whether some message has ``value``, a compound, in its constant text: then the text decides, not one parameter."""
    if not re.search(r"[A-Za-z].*[._/-]", value):
        return False
    return any(value in template.pattern for template in vocabulary.catalog.templates)


def _before_slot(word: str, vocabulary: Vocabulary) -> bool:
    """Whether some template has a variable right after ``word``: ``PAM <*>``."""
    if not word.isalpha():
        return False
    slot = re.compile(rf"(?i)\b{word}\W{{0,3}}<[^<>\s]*>")
    return any(slot.search(template.pattern) for template in vocabulary.catalog.templates)


def _open(info: FieldInfo) -> bool:
    """Whether the catalog leaves out values of the field."""
    return not info.values or info.distinct > len(info.values)


def _exact(links: Links, info: FieldInfo, value: str) -> None:
    _add(links, Filter(field=info.ref, op="eq", value=value), f"{bare_name(info.ref)} = {value}")


def _source(term: Term, terms: list[Term], at: int, links: Links, vocabulary: Vocabulary) -> bool:
    """A word that no message holds but names of services do: those services; nothing when they are all there are."""
    if term.low in STOP or term.low in EVERYDAY:
        return False
    after = terms[at + 1].low if at + 1 < len(terms) else ""
    names, everything = vocabulary.services(term.low)
    of_log = after in {"log", "logfile", "logs"} and terms[at - 1 if at else 0].low in {"the", "in", "our", "this", "of"}
    if everything or (of_log and not names and singular(term.low) not in _LEVEL_WORDS and after != "logs"):
        return True
    if vocabulary.holders(term.low) or not of_log and vocabulary.says(term.low):
        return False
    if names and not everything:
        _add(links, Filter(field="service", op="in", value=tuple(names)), f"service {' or '.join(names)}")
    return bool(names)


def _pair(term: Term, links: Links, vocabulary: Vocabulary) -> None:
    links.identifiers.append(term.text)
    fields = [info for info in vocabulary.named(term.name) if bare_name(info.ref) == term.name.lower()]
    if fields:
        _exact(links, fields[0], term.text)
    else:
        pattern = rf"\b{re.escape(term.name)}\s*[=:]\s*{re.escape(term.text)}\b"
        _add(links, Filter(field="text", op="regex", value=pattern), f"{term.name}={term.text}")


def _path(text: str) -> Filter:
    if not re.search(r"\{[^{}]*\}|\*", text):
        return Filter(field="text", op="contains", value=text)
    parts = [re.escape(part) for part in re.split(r"\{[^{}]*\}|\*+", text)]
    return Filter(field="text", op="regex", value=r"[^/\s]*".join(parts))


def _add(links: Links, condition: Filter, said: str) -> None:
    if condition not in links.filters:
        links.filters.append(condition)
        links.said.append(said)


def _nameable(word: str) -> bool:
    return word not in STOP and word not in WEAK and singular(word) == word and len(word) > 2


def _levels(links: Links, vocabulary: Vocabulary) -> Links:
    """Note words that name levels; whether they filter depends on what else was asked.

    ``level ERROR`` filters at once. ``errors`` and the like are noted, ``fatal`` and the like too when
    they stand alone or with a word for lines.
    """
    low = [word.lower() for word in links.words]
    links.exact = any(word.isupper() and word.lower() in LEVELS for word in links.words)
    rest = [w for w in low if w not in STOP and w not in _LINES and singular(w) not in _GENERIC]
    only_levels = bool(rest) and all(singular(w) in _LEVEL_WORDS for w in rest)
    for at, word in enumerate(low):
        name = singular(word)
        if name == "trace" and not links.words[at].isupper() and links.identifiers:
            continue
        beside = {*low[max(0, at - 1) : at], *low[at + 1 : at + 2]}
        if name in _LEVEL_WORDS and beside & {"level", "severity", "levels"} and "level" in vocabulary.fields:
            values = (name,) if name in LEVELS else _LEVEL_WORDS[name]
            _add(links, Filter(field="level", op="in", value=values), f"level {' or '.join(values)}")
            links.words = [w for w in links.words if w.lower() not in (word, "level", "severity", "levels")]
        elif name in _GENERIC or (only_levels and name in _LEVEL_WORDS):
            links.levels.append(name)
            links.level_words.append(word)
    if only_levels:
        both = "and" in low or "or" in low
        links.levels = [name for name in links.levels if name in rest or f"{name}s" in rest or (both and name in (*LEVELS, "warning"))]
    return links


def level_values(words: list[str], vocabulary: Vocabulary, exact: bool = False) -> tuple[str, ...]:  # noqa: FBT001, FBT002
    """The levels of these logs that ``errors`` or ``warnings`` mean; () when lines carry no levels."""
    info = vocabulary.fields.get("level")
    if info is None:
        return ()
    wanted = {v for word in words for v in ((word,) if exact and word in LEVELS else _LEVEL_WORDS.get(word, ("error", "fatal")))}
    return tuple(level for level in LEVELS if level in wanted)


def content(words: list[str]) -> list[str]:
    """Words that can choose templates, lower case, in order, once each."""
    low = (word.lower() for word in words)
    return list(dict.fromkeys(w for w in low if w not in STOP and pieces(w)))
