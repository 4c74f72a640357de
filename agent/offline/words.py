"""Words of questions and of templates: cutting them up, their stems, and which mean the same.

Everything here is about operations English, nothing about any one product's logs. Matching has
grades, so that the log's own word always beats a synonym:

===== =============================================================
1.00  the same word, or its plural
0.97  another form of the same verb (failed, failing)
0.95  the same stem (authentication, authenticate), or a part the word starts with
0.90  a piece of a compound name (block of addStoredBlock)
0.80  a synonym (login, password), a typing error
0.60  a related word (crash, killed)
===== =============================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from agent.offline.target_lexicon import IRREGULAR, NEGATIONS, OUTCOMES, RELATED, SAME

SAME_WORD, SAME_VERB, SAME_STEM, PIECE, SYNONYM, KIN = 1.0, 0.97, 0.95, 0.9, 0.8, 0.6

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RUN = re.compile(r"[A-Za-z][A-Za-z0-9]*|[0-9]+")
_COMPOUND = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.$][A-Za-z0-9]+)+")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+){2,}|[a-z0-9-]+\.(?:com|net|org|io|local|internal|example|test|lan)")
"""A host name: what it is made of ("mail" of mail.example.com) says nothing about the message."""
_SLOT = re.compile(r"<[^<>\s]*>")
_VOWEL = re.compile(r"[aeiouy]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a template's constant text: lower case, its place, and whether a "not" rules it."""

    word: str
    place: int
    negated: bool
    part: bool = False
    """A piece of a compound name: ``block`` of ``addStoredBlock``."""


def pieces(text: str) -> list[str]:
    """``addStoredBlock`` → addstoredblock, add, stored, block: a name and the words it is made of."""
    parts = [part.lower() for run in _RUN.findall(text) for part in _CAMEL.split(run)]
    return parts if len(parts) <= 1 else ["".join(parts), *parts]


@lru_cache(maxsize=65536)
def tokens(pattern: str) -> tuple[Token, ...]:
    """The words of a template in order; parts of a compound share its place; slots are gaps."""
    found: list[Token] = []
    place, negated_until = 0, -1
    for chunk in _SLOT.sub(" \x00 ", pattern).replace("n't", "n not").split():
        if chunk == "\x00":
            continue
        for run in re.findall(r"[A-Za-z0-9_$.\-]+", chunk):
            words = pieces(run)
            if not words:
                continue
            place += 1
            if words[-1] in NEGATIONS:
                negated_until = place + 2
            whole = not run.isalnum() or len(words) > 1
            if _HOST.fullmatch(run):
                words = words[:1]
            found.extend(
                Token(word, place, place <= negated_until, part=whole and at > 0)
                for at, word in enumerate(dict.fromkeys(words))
            )
    return tuple(found)


@lru_cache(maxsize=65536)
def lemma(word: str) -> str:
    """The dictionary form, by spelling rules: failed → fail, retries → retry, took → take."""
    single = singular(word)
    irregular = _irregular().get(word) or _irregular().get(single)
    if irregular:
        return irregular
    for ending in ("ing", "ed"):
        base = single.removesuffix(ending)
        if base != single and len(base) >= 3 and _VOWEL.search(base):
            if base[-1] == base[-2] and base[-1] not in "lsz":
                return base[:-1]
            return base.removesuffix("e") if len(base) > 3 else base
    return single.removesuffix("e") if len(single) > 4 else single


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """The word without a plural or third-person s."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")) and word not in {"cpus", "gpus"}:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "tuses")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The root shared by noun, verb and adjective: authentication, authenticate → authent."""
    base = lemma(word)
    for ending in _ENDINGS:
        if base.endswith(ending) and len(base) - len(ending) >= (5 if ending in ("er", "or") else 4):
            return base[: -len(ending)]
    return base.removesuffix("y") if len(base) > 5 else base


_ENDINGS = (
    "ification", "ization", "ation", "ition", "ment", "ure", "ional", "ion", "fully", "ful", "ility", "able",
    "ibl", "abl", "ively", "ive", "or", "er", "ance", "anc", "enc", "ately", "ate", "at", "ity", "ly", "al",
    "ur",
)  # fmt: skip


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[int]]:
    """Stem → the numbers of the synonym groups it is in."""
    groups: dict[str, set[int]] = {}
    for number, entry in enumerate(SAME):
        for word in entry.split():
            groups.setdefault(stem(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


@lru_cache(maxsize=1)
def _related() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Stem of a question's word → phrases, as stems, that tell of it."""
    related: dict[str, tuple[tuple[str, ...], ...]] = {}
    for entry in RELATED:
        heads, _, phrases = entry.partition(": ")
        kin = tuple(tuple(stem(word) for word in phrase.split()) for phrase in phrases.split("; "))
        for head in heads.split():
            related[stem(head)] = related.get(stem(head), ()) + kin
    return related


@lru_cache(maxsize=1)
def _irregular() -> dict[str, str]:
    pairs = (entry.split(": ") for entry in IRREGULAR)
    return {word: base for base, words in pairs for word in words.split()}


@lru_cache(maxsize=262144)
def likeness(asked: str, written: str) -> float:
    """How surely the question's word ``asked`` and the log's word ``written`` mean the same, 0 to 1."""
    if asked == written or singular(asked) == singular(written):
        return SAME_WORD
    if lemma(asked) == lemma(written):
        return SAME_VERB
    ours, theirs = stem(asked), stem(written)
    if ours == theirs:  # "login failures" and "failed logins" ask the same
        return SAME_WORD if ours in OUTCOMES else SAME_STEM
    short, long = sorted((singular(asked), singular(written)), key=len)
    if len(short) >= 6 and long.startswith(short) and long.isalpha():
        return SAME_STEM
    groups = _groups()
    if groups.get(ours, frozenset()) & groups.get(theirs, frozenset()):
        return SYNONYM
    return 0.0


def in_lexicon(word: str) -> bool:
    """Whether ``word`` is of operations English rather than a name."""
    return stem(word) in _groups() or stem(word) in _related()


def related_phrases(asked: str) -> tuple[tuple[str, ...], ...]:
    """Phrases, as stems, that tell of what ``asked`` names without using the word."""
    return _related().get(stem(asked), ())


@lru_cache(maxsize=65536)
def match(asked: str, pattern: str) -> tuple[float, str]:
    """How well a template's constant text bears out one word, and by which word of its own (lemma).

    A phrase that only tells of the same thing gives ``KIN`` and no word.
    """
    written = tokens(pattern)
    best, by = 0.0, ""
    for token in written:
        grade = likeness(asked, token.word)
        grade = min(grade, PIECE) if token.part else grade
        grade *= 0.7 if token.negated and token.word not in NEGATIONS else 1.0
        if grade > best:
            best, by = grade, lemma(token.word)
    if best < KIN and any(_told(phrase, written) for phrase in related_phrases(asked)):
        return KIN, ""
    return best, by


def _told(phrase: tuple[str, ...], written: tuple[Token, ...]) -> bool:
    stems = {stem(token.word) for token in written}
    return all(part in stems for part in phrase)


def typing_error(asked: str, vocabulary: frozenset[str]) -> str | None:
    """The word of ``vocabulary`` that ``asked`` seems a misspelling of, if exactly one is near."""
    if len(asked) < 5:
        return None
    near = [
        (ratio, word)
        for word in vocabulary
        if abs(len(word) - len(asked)) <= 2
        and word[0] == asked[0]
        and (ratio := SequenceMatcher(None, asked, word).ratio()) >= 0.84
    ]
    near.sort(reverse=True)
    return near[0][1] if near and (len(near) == 1 or near[0][0] > near[1][0]) else None
