"""Values named in a question, linked to the fields of the logs that hold them: exact filters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.offline.target_terms import STOP, WEAK, Term
from agent.offline.words import lemma, pieces, singular, tokens
from telemetry.models import LEVELS, Catalog, FieldInfo, Filter

ALIASES: tuple[tuple[str, str], ...] = (
    ("user username account login uname", "user username account ruser logname uname name"),
    ("ip address addr source client peer attacker", "ip addr address src source client peer rhost remote host"),
    ("host hostname machine node server", "host hostname node rhost server machine"),
    ("port", "port sport dport"),
    ("status code http error response errno", "status code status_code error errno rc exit"),
    ("size length bytes", "size len length bytes"),
    ("pid process", "pid process"),
    ("thread", "thread tid"),
    ("file path filename", "path file filename"),
    ("block", "block blk block_id id"),
    ("service application app", "service"),
    ("component logger class module", "logger component"),
    ("level severity", "level severity"),
    ("id identifier", "id"),
)
"""(what people call a field, what logs call it)."""

_LEVEL_WORDS = {
    "error": ("error", "fatal"), "err": ("error", "fatal"), "warning": ("warn",), "warn": ("warn",),
    "critical": ("fatal",), "fatal": ("fatal",), "info": ("info",), "debug": ("debug",), "notice": ("notice",),
    "trace": ("trace",),
}  # fmt: skip
_JOINING = frozenset({"of", "is", "was", "=", "code", "number", "address", "named", "called", "id", "equals", "the"})
_OWNERS = frozenset({"for", "by", "from", "user", "to", "of", "with", "on", "in"})
_COLUMNS = ("service", "host", "logger", "level", "source")


@dataclass
class Links:
    """What linking found: exact filters, and the words that stay to be matched by meaning."""

    filters: list[Filter] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """One phrase per filter, for the reading."""
    identifiers: list[str] = field(default_factory=list)
    """The values themselves, for ranking lines."""
    quoted: list[str] = field(default_factory=list)
    level_words: list[str] = field(default_factory=list)


class Vocabulary:
    """What a catalog's logs can say: template words, and values by field."""

    def __init__(self, catalog: Catalog) -> None:
        """Build the lookups once per catalog."""
        self.catalog = catalog
        self.fields = {info.ref: info for info in catalog.fields}
        self.words = frozenset(t.word for template in catalog.templates for t in tokens(template.pattern))
        self.lemmas = frozenset(lemma(word) for word in self.words)
        self._values: dict[str, list[tuple[FieldInfo, str]]] = {}
        for info in catalog.fields:
            for value, _ in info.values:
                self._values.setdefault(value.lower(), []).append((info, value))

    def says(self, word: str) -> bool:
        """Whether some template holds ``word`` in its constant text."""
        return word in self.words or lemma(word) in self.lemmas

    def holders(self, value: str) -> list[tuple[FieldInfo, str]]:
        """Fields with this value (any case), with the value as the logs spell it."""
        return self._values.get(value.lower(), [])

    def named(self, name: str) -> list[FieldInfo]:
        """Fields that people mean by ``name``: the same name first, then its aliases."""
        asked = name.lower()
        exact = [i for ref, i in self.fields.items() if _bare(ref) == asked]
        kin = {log for said, logged in ALIASES if asked in said.split() for log in logged.split()}
        return exact + [i for ref, i in self.fields.items() if _bare(ref) in kin and i not in exact]


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
        elif _is_value(term, name, terms, at, vocabulary):
            _value(term, name, links, vocabulary)
            _consume(links, terms, at, used)
            taken |= used
        else:
            links.words.append(term.text)
    return _levels(links, vocabulary)


def _name_near(terms: list[Term], at: int, vocabulary: Vocabulary) -> tuple[str, set[int]]:
    """The field name beside a value: ``status code 503``, ``503 status code``, ``root user``."""
    back, name, used = at - 1, "", set[int]()
    while back >= 0 and at - back <= 3 and terms[back].kind == "word":
        word = terms[back].low
        if _is_name(word, vocabulary):
            name = word
        elif word not in _JOINING or name:
            break
        used.add(back)
        back -= 1
    if name:
        return name, used
    if at + 1 < len(terms) and terms[at + 1].kind == "word" and _is_name(terms[at + 1].low, vocabulary):
        known = any(info in vocabulary.named(terms[at + 1].low) for info, _ in vocabulary.holders(terms[at].text))
        if known or terms[at].kind == "value":
            return singular(terms[at + 1].low), {at + 1}
    return "", set()


def _is_name(word: str, vocabulary: Vocabulary) -> bool:
    return bool(vocabulary.named(word)) or any(word in said.split() for said, _ in ALIASES)


def _is_value(term: Term, name: str, terms: list[Term], at: int, vocabulary: Vocabulary) -> bool:
    if term.kind == "value":
        # ``ssh2`` and the like are words of the logs, unless a name before them says otherwise
        return not (term.low in vocabulary.words and not name and not term.text.isdigit())
    word = term.low
    if word in STOP:
        return False
    holders = vocabulary.holders(word)
    named = vocabulary.named(name) if name else []
    if any(info in named for info, _ in holders):
        return not vocabulary.says(word) or term.after == name
    if any(info.ref in ("service", "host") for info, _ in holders):
        return True
    if any(value == term.text and info.ref.startswith("param:") for info, value in holders):
        return not vocabulary.says(word) or term.text.isupper()
    if vocabulary.says(word) or word in WEAK or len(word) < 3:
        return bool(holders) and not vocabulary.says(word) and word not in WEAK
    if holders:
        return any(info.ref != "level" for info, _ in holders)
    owned = name in ("user", "username", "account", "service", "host", "hostname") and term.after == name
    return owned and _ends(terms, at)


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
    holders = vocabulary.holders(term.text)
    named = vocabulary.named(name) if name else []
    fitting = [(info, value) for info, value in holders if info in named] or [
        (info, value) for info, value in holders if info.ref in _COLUMNS[:2]
    ]
    params = [(info, value) for info, value in holders if info.ref.startswith("param:")]
    if fitting:
        _exact(links, *fitting[0])
    elif len(params) == 1 and not term.text.isdigit():
        _exact(links, *params[0])
    elif named and term.text.isdigit() and not holders and named[0].distinct > len(named[0].values):
        _exact(links, named[0], term.text)
    elif named and not holders and named[0].ref in _COLUMNS and not term.text.isdigit():
        _add(links, Filter(field=named[0].ref, op="icontains", value=term.text), f"{named[0].ref} holds {term.text}")
    else:
        _add(links, Filter(field="text", op="word", value=term.text), f"the word {term.text}")


def _exact(links: Links, info: FieldInfo, value: str) -> None:
    _add(links, Filter(field=info.ref, op="eq", value=value), f"{_bare(info.ref)} = {value}")


def _pair(term: Term, links: Links, vocabulary: Vocabulary) -> None:
    links.identifiers.append(term.text)
    fields = [info for info in vocabulary.named(term.name) if _bare(info.ref) == term.name.lower()]
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


def _levels(links: Links, vocabulary: Vocabulary) -> Links:
    """Set words that name a level apart: whether they filter depends on what else was asked."""
    kept: list[str] = []
    for at, word in enumerate(links.words):
        level = singular(word.lower())
        beside = {w.lower() for w in links.words[max(0, at - 1) : at + 2]}
        if level in _LEVEL_WORDS and beside & {"level", "severity", "levels"}:
            values = tuple(v for v in _LEVEL_WORDS[level] if v == level or level not in LEVELS)
            if "level" in vocabulary.fields:
                _add(links, Filter(field="level", op="in", value=values), f"level {' or '.join(values)}")
                continue
        if level in ("error", "warning", "problem", "issue") or (word.isupper() and level in _LEVEL_WORDS):
            links.level_words.append(level)
        kept.append(word)
    links.words = [w for w in kept if w.lower() not in ("level", "severity") or not links.filters]
    return links


def level_values(words: list[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """The levels of these logs that ``errors`` or ``warnings`` mean; () when lines carry no levels."""
    info = vocabulary.fields.get("level")
    if info is None:
        return ()
    held = {value for value, _ in info.values}
    wanted = {v for word in words for v in _LEVEL_WORDS.get(word, ("error", "fatal"))}
    return tuple(level for level in LEVELS if level in wanted and held)


def _bare(ref: str) -> str:
    return ref.removeprefix("param:").lower()


def content(words: list[str]) -> list[str]:
    """Words that can choose templates, lower case, in order, once each."""
    low = (word.lower() for word in words)
    return list(dict.fromkeys(w for w in low if w not in STOP and pieces(w)))
