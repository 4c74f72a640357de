"""A question's target words cut into terms: quoted text, values with or without a name, plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agent.offline.target_lexicon import PHRASES
from telemetry.secret_kinds import MARK

Kind = Literal["quoted", "value", "path", "pair", "word"]


STOP: frozenset[str] = frozenset("""
    a an the this that these those there here it its itself they them their he she his her we us our i me
    my you your is are was were be been being am do does did doing done has have had having will would can
    could shall should may might must of in on at by for from to into onto with within during after before
    since until between among across over under about around through per each every all any some most more
    less than least many much few several and or but if then so as also too very just only own same such
    both either neither other another not-only what which who whom whose when where why how going goes
    went come comes coming show list give tell find get display print return fetch me please see saw seen
    look looked looking happen happened happening happens occur occurred occurring occurs appear appeared
    appears encounter encountered encounters experience experienced experiences relate related relating
    regarding concerning involving involve associated along together including include includes included
    containing contain contains mention mentions mentioning reported report reports observed logged-in
    result resulted results resulting whether ever still yet now currently recently often usually able
    unique distinct different various top highest lowest largest smallest average mean median total sum
    maximum minimum max-of common frequent frequently frequency last first recent recently latest earliest
    past previous today yesterday minute minutes hour hours second-by day days week weeks month months ago
    grouped group sorted sort ordered order trend graph chart plot distribution percentile percentage
    percent ratio rate share entire whole exactly approximately specific particular perform performed
    logged logging performs need needs want like let s t re ve ll d m
""".split())
"""Words that ask, count, or bind, but never choose lines."""

WEAK: frozenset[str] = frozenset("""
    event events occurrence occurrences instance-of message messages entry entries record records line
    lines log logs time times number numbers count counts amount attempt attempts attempted status state
    name names type types kind kinds case cases case-of incident incidents activity activities operation
    operations thing things reason reasons information info detail details data phase timestamp timestamps
    value values request requests new process program component system application app server-side source
    issue issues problem problems warning warnings error errors code string message-type id ids identifier
    attacker attackers long take taken trying try tried use used uses using server client
""".split())
"""Words that seldom name what is meant: they break ties, they do not lead."""

_QUOTED = re.compile(r"(?<![\w'])'([^']+)'(?!\w)|\"([^\"]+)\"|`([^`]+)`|“([^”]+)”")
_EDGE = "()[]{}<>,;:?!."
_PATH = re.compile(r"^/[\w.{}*$%@~+-]+(?:/[\w.{}*$%@~+=-]*)*$|^[\w.-]*/[\w./{}*-]+/[\w./{}*-]*$|^[a-z]+://\S+$")
_PAIR = re.compile(r"^([A-Za-z_][\w.-]*)=([^\s=]+)$")
_IDENTIFIER = re.compile(
    r"^(?=.*\d)[\w.:@#%+/$\\-]+$"  # anything with a digit
    r"|^[\w.+-]+@[\w.-]+$"  # mail address
    r"|^(?:[\w-]+\.){2,}[\w-]+$"  # host name or class with packages
)


@dataclass(frozen=True, slots=True)
class Term:
    """One piece of the target as asked: ``text`` keeps its case; ``after`` is the word before it."""

    kind: Kind
    text: str
    after: str = ""
    name: str = ""
    """For a pair, or once linked: the parameter the text is a value of."""

    @property
    def low(self) -> str:
        """Lower-case text."""
        return self.text.lower()


_MASKED = re.compile(rf"{re.escape(MARK)}[\w-]+\][,;:?!.]*$")
"""What stands for a secret ends in a bracket that is no punctuation."""


def cut(words: str) -> list[Term]:
    """Terms in the order asked; stop words are kept as words, since what follows them may be a name."""
    terms: list[Term] = []
    position = 0
    for match in _QUOTED.finditer(words):
        terms.extend(_plain(words[position : match.start()]))
        terms.append(Term("quoted", next(group for group in match.groups() if group).strip()))
        position = match.end()
    terms.extend(_plain(words[position:]))
    return _follow(terms)


def _plain(text: str) -> list[Term]:
    text = re.sub(r"(?i)n['’]t\b", "n not", text)
    for pattern, word in PHRASES:
        text = re.sub(pattern, word, text, flags=re.IGNORECASE)
    terms: list[Term] = []
    for raw in text.split():
        right = ",;:?!." if raw.endswith("}") or _MASKED.search(raw) else _EDGE
        left = ",;:?!" if raw.startswith(MARK) else "([<,;:?!" if "/" in raw else _EDGE
        piece = raw.rstrip(right).lstrip(left)
        piece = re.sub(r"['’]s$|['’]$", "", piece)
        if not piece:
            continue
        pair = _PAIR.match(piece)
        if pair:
            terms.append(Term("pair", pair.group(2), name=pair.group(1)))
        elif _PATH.match(piece):
            terms.append(Term("path", piece))
        elif _IDENTIFIER.match(piece):
            terms.append(Term("value", piece))
        else:
            terms.append(Term("word", piece))
    return terms


def _follow(terms: list[Term]) -> list[Term]:
    out: list[Term] = []
    before = ""
    for term in terms:
        out.append(Term(term.kind, term.text, before, term.name))
        before = term.low
    return out


def spoken(word: str, question: str) -> str:
    """The phrase of ``question`` that was rewritten to ``word``, else the word."""
    for pattern, rewritten in PHRASES:
        found = re.search(pattern, question, re.IGNORECASE) if rewritten == word else None
        if found:
            return found.group().lower()
    return word
