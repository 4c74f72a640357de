"""The surface of a question: what is quoted or names something is kept whole, the rest is made regular."""

from __future__ import annotations

import re
from dataclasses import dataclass

OPEN, CLOSE = "\ue000", "\ue001"
"""Around the number of a kept piece; neither is a word character, so patterns stop at them."""
_PIECE = re.compile(rf"{OPEN}(\d+){CLOSE}")
_QUOTED = r"(?<![\w'])'[^']+'(?!\w)|\"[^\"]+\"|`[^`]+`|“[^”]+”|‘[^’]+’"
_NAMED = (
    r"[a-z]+://\S+"  # url
    r"|(?<![\w.])/[\w.{}*$%@~+:-]+(?:/[\w.{}*$%@~+:=?&-]*)*(?<![.,:])"  # path
    r"|(?<!\w)[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # mail address
    r"|(?<![\w.])\d+(?:\.\d+){3}(?::\d+)?(?:/\d+)?(?![\w.]*\w)"  # IPv4
    r"|(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])"  # IPv6
    r"|(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"  # UUID
    r"|(?<!\S)[A-Za-z][\w.-]*=[^\s?!,;]+"  # key=value
    r"|(?<![\w./@-])(?:[a-z_][\w-]*\.){2,}[A-Za-z_][\w-]*(?![\w.]*\w)"  # dotted name
    r"|(?<![\w.])[A-Za-z]\w*\(\d+\)"  # GC(445)
    r"|(?<![\w.-])(?=[\w-]*\d)[A-Za-z][A-Za-z]*(?:[_-]+[A-Za-z0-9]+)+(?:[.:][\w.:-]*\w)?(?![\w-])"  # blk_-12, node-9
)
_KEPT = re.compile(f"{_QUOTED}|{_NAMED}", re.IGNORECASE)
_SPELT = re.compile(
    r"\b(?:the )?(?:words?|strings?|terms?|phrases?|substrings?|keywords?) (?!of\b|in\b|for\b|that\b|which\b|count|are\b|is\b|were\b|was\b|by\b|per\b|with\b|and\b|to\b|from\b)"
    r"(?P<what>[\w.@-]*\w)(?!\w)", re.IGNORECASE)
"""``the word timeout`` is as good as quoted."""
_CONTRACTIONS = (
    (r"\b(what|who|where|when|how|that|there|it|here)['’]s\b", r"\1 is"), (r"\b(what|who|where|when|how)['’]re\b", r"\1 are"),
    (r"\bcan['’]?t\b", "can not"), (r"\bwon['’]t\b", "will not"), (r"n['’]t\b", " not"), (r"\b(i|we|they|you)['’](?:ve|re|ll|d)\b", r"\1"),
    (r"\bi['’]m\b", "i am"), (r"\bwhats\b", "what is"), (r"\bwhos\b", "who is"), (r"\bpls\b|\bplz\b", "please"),
    (r"^what (?:did|does|has|was|is) (?!it\b|this\b|that\b|the\b|we\b|you\b)(\S+) (?:do|doing|done|been doing|been up to|up to)\W*$", r"show lines about \1"),
    (r"\bgimme\b", "give me"), (r"\bhow much\b(?! (?:time|data|bytes|memory|space|disk))", "how many"),
    (r"\bnr\.? of\b|\bno\. of\b|#\s?of\b|\bnum(?:ber)? of\b", "number of"), (r"\bavg\b", "average"), (r"\berrs\b", "errors"),
    (r"\bmsgs\b", "messages"), (r"\breqs\b", "requests"), (r"\bconns\b", "connections"), (r"\bsecs\b", "seconds"),
    (r"\bpct\b|\bper ?cent\b", "percent"), (r"\bvs\b\.?", "versus"), (r"\ba lot\b", " "), (r"(?<![\w#])#(?=[A-Za-z])", ""),
    (r"\bbreak (?:down )?(?:the |all |our |these )?(\w+)(?: down)? (by|per)\b", r"\1 \2"),
)
_POLITE = re.compile(
    r"^(?:(?:hi|hey|hello|ok|okay|so|well|um+|yo|team|folks|guys|quick question|quick one|question)\b[\s,:!.-]*)+(?=\w+\s)"
    r"|\b(?:please|kindly|thanks|thank you|thx|for me|asap|exactly|actually|roughly|just curious|if any|do you know|any idea)\b[,.]?"
    r"|^(?:can|could|would) (?:you|i|we) (?:please )?(?:tell|show|give|find|list|get)(?: me| us)?\s+(?=how|when|what|which|who|the|if|whether)"
    r"|^(?:i|we) (?:need|want|would like|am trying|are trying)(?: to)? (?:know|see|find(?: out)?|get|understand|figure out)\s+"
    r"|^(?:tell|remind) (?:me|us)\s+(?=how|when|what|which|who|if|whether)|^(?:do|did) (?:you|we) know\s+|^(?:let me know|say|find out|check)\s+(?=how|when|what|which|who|if|whether)",
    re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wording:
    """A question with its kept pieces taken out: ``text`` has numbered marks where they stood."""

    text: str
    kept: tuple[str, ...]

    def restore(self, text: str) -> str:
        """``text`` with the pieces back in."""
        return _PIECE.sub(lambda m: self.kept[int(m[1])], text)


def word(question: str, names: frozenset[str] = frozenset()) -> Wording:
    """Cut a question: quotes and identifiers are kept; contractions and courtesies go. ``names`` are fields."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if match[0].lower() in names:
            return match[0]
        kept.append(f'"{match[0]}"' if match[0].endswith(")") and match[0][0].isalpha() else match[0])
        return f"{OPEN}{len(kept) - 1}{CLOSE}"

    text = re.sub(r"(?i)\bnon-(?=\d)", "non ", re.sub(rf"[\s{OPEN}{CLOSE}]+", " ", question).strip())
    text = _KEPT.sub(keep, _SPELT.sub(r'"\g<what>"', text))
    for pattern, plain in _CONTRACTIONS:
        text = re.sub(pattern, plain, text, flags=re.IGNORECASE)
    text = re.sub(r"\((?:[^()]*,)?[^()]*(?:\.\.\.|…|\betc\b)[^()]*\)", " ", text)  # examples of what is meant
    text = _POLITE.sub(" ", text)
    text = _POLITE.sub(" ", re.sub(r"\s+", " ", text).strip(" ,"))
    return Wording(re.sub(r"\s+", " ", text).strip().strip("?!.,;: ").strip(), tuple(kept))


FILLER = re.compile(
    r"\b(?:the|a|an|of|is|are|was|were|be|been|being|did|do|does|done|has|have|had|there|that|which|who|whom|whose|it|its|they|them|"
    r"their|i|we|us|me|my|our|you|your|can|could|would|should|will|tell|all|any|some|many|much|in|on|at|to|for|from|by|with|and|or|"
    r"but|happen(?:ed|s|ing)?|occur(?:red|s|ring)?|appear(?:ed|s|ing)?|seen|see|saw|(?:logs?|logged|logging)(?! (?:in|on|out|off)\b)|lines?|records?|entries|"
    r"messages?|events?|times?|time|most|often|as|so|far|over|per|each|every|these|those|this|took|take|takes|ever|overall|total|"
    r"in total|number|count|occurrences?|value|values|than|first|last|come|came|say|says|said|like|get|got|go|goes|went|what|how|"
    r"when|where|show|list|give|file|files|data|everything|anything|something|one|ones|here|now|then|only|just|too|also|again|per)\b",
    re.IGNORECASE)


def empty(text: str) -> bool:
    """Whether nothing but words that ask, count or bind is left."""
    return not re.search(rf"\w|{OPEN}", FILLER.sub(" ", text))


def clean(text: str) -> str:
    """Target words without stray punctuation and loose words at the ends; nothing when only filler is left."""
    text = re.sub(r"\s+", " ", re.sub(r"\s*[()]\s*(?=\s|$)|(?:^|(?<=\s))[()]", " ", text)).strip(" ,.;:?-")
    before = None
    while before != text:
        before = text
        text = _HEAD.sub("", text).strip(" ,.;:?-")
        text = _TAIL.sub("", text).strip(" ,.;:?-")
    return "" if empty(text) else text


_LOOSE = (
    r"of|by|for|with|in|were|are|was|is|be|did|do|does|the|has|had|have|made|lines|logs|about|a|an|on|at|between|what|show|there|and|or|"
    r"to|from|during|over|per|but|then|that|which|we|i|it|they|all|any|please|within|where|how|me|us|as|its|their|so|than|out of"
)
_HEAD = re.compile(rf"^(?:{_LOOSE})\s+(?=\S)(?!out\b)(?!off\b)", re.IGNORECASE)
_TAIL = re.compile(rf"(?<!\blog)(?<!\blogs)(?<!logged)(?<!logging)(?<!sign)(?<!signed)\s+(?:{_LOOSE.replace('lines|logs|', '')})$", re.IGNORECASE)
