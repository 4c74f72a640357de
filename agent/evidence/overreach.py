"""Claims that go further than reading can: that something was done or approved, or that all are as a few that were shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.evidence.names import QUOTE
from agent.offline.words import stem
from tools.registry import ToolResult

_DOING = (
    r"approv|authoris|authoriz|restart|reboot|redeploy|deploy|delet|remov|scal|roll(?:ed|ing)? back|revert|undo|undid|drain|cordon|patch|kill|terminat|"
    r"silenc|acknowledg|grant|fix|resolv|mitigat|repair|restor|notif|inform|page|escalat|execut|appl|chang|updat|increas|reduc|disabl|enabl|block|creat|open|clos|ran|run|start|stop"
)
_FIRST_PERSON = re.compile(
    rf"\b(?:I|we|OnCalm|the assistant)(?:['’](?:ve|ll|m|re)| have| has| had| will| am| did)?(?: (?:just|now|already|also|successfully|then|manually|been)){{0,2}}"
    rf" (?:{_DOING})(?:\w*)(?= (?:the|this|that|your|it|all|them|on|an?|kubectl|helm|\w+[-.\w]*)\b|[.,;]|$)", re.IGNORECASE)
_READING = re.compile(r"\b(?:ran|run|running|execut\w+|appl\w+|start\w*|open\w*|chang\w+|clos\w+|remov\w+|block\w*|stop\w*) (?:\w+ ){0,3}?(?:quer\w+|search\w*|filters?|counts?|look|with|duplicates)\b", re.IGNORECASE)
_PASSIVE = re.compile(
    r"\b(?:was|were|is|are|has been|have been|had been|been|got)(?: now| already| just| also| successfully| manually| since| fully)* "
    r"(?P<verb>approved|authori[sz]ed|restarted|rebooted|redeployed|rolled back|reverted|drained|cordoned|patched|granted|acknowledged|"
    r"silenced|resolved|mitigated|remediated|fixed|repaired|signed off|green-?lit|cleared for \w+)\b"
    r"|\b(?P<noun>approval|authori[sz]ation|permission|sign-?off|consent)(?: \w+){0,3} (?:was|were|is|has been|have been|had been) (?:\w+ )?(?:given|granted|obtained|received|recorded)\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not|never|no|nobody|nothing|unless|until|if|should|must|could|would|can|may|might|whether|to be|needs?)\b|n['’]t\b", re.IGNORECASE)
_ALL = re.compile(
    r"(?<!\bin )(?<!\bat )(?<!\bafter )(?<!\babove )(?<!\bof )\b(?:all|every|each|everything|everyone|always|invariably|without exception|100 ?%)\b(?! (?:in all|over|along|clear|day|time|few|other|\d+|minute|hour|second|day|week|\w+ (?:minutes|hours|seconds|days))\b)"
    r"|\b(?:none of|exclusively|nothing but)\b", re.IGNORECASE)
_SHOWN = re.compile(r"\b(?:shown|listed|displayed|sampled?|seen here|excerpts?|examples?|above|read here|cited|quoted|retrieved)\b|\b(?:these|those|the) (?:\w+ )?(?:lines|records|examples|ones)\b", re.IGNORECASE)
_TRIVIAL = re.compile(r"\ball (?:the )?(?:same|but|right|together|told|this|that)\b|\bafter all\b|\babove all\b|\bfirst of all\b|\ball \d", re.IGNORECASE)


def acted(text: str, haystack: Sequence[str]) -> str | None:
    """Why a claim that something was done or approved does not stand: this run only reads, and a record must say it."""
    plain = QUOTE.sub(" ", text)
    if (own := _FIRST_PERSON.search(plain)) and not _READING.search(plain, own.start()):
        return f'nothing was done by this run: "{own[0].strip()[:60]}"'
    for match in _PASSIVE.finditer(plain):
        clause = re.split(r"[;.\n]", plain[: match.start()])[-1]
        word = (match["verb"] or match["noun"]).lower()
        if not _NEGATED.search(clause) and not _told(word, haystack):
            return f'no cited result tells that something was {word}' if match["verb"] else f"no cited result tells of an {word}"
    return None


def _told(word: str, haystack: Sequence[str]) -> bool:
    root = {"rolled back": r"roll\w*[\s_-]?back", "signed off": r"sign\w*[\s_-]?off", "sign-off": r"sign\w*[\s_-]?off"}.get(word)
    root = root or re.escape(stem(word.split(maxsplit=1)[0])[:7]).rstrip("e")
    return any(re.search(rf"(?<![a-z]){root}|_{root}", item) for item in haystack)


def generalised(text: str, results: Sequence[ToolResult]) -> str | None:
    """Why a claim about all does not stand: the cited results show some of the records only."""
    plain = QUOTE.sub(" ", text)
    if not _ALL.search(plain) or _SHOWN.search(plain) or _TRIVIAL.search(plain):
        return None
    found = [result for result in results if result.status == "found"]
    if not found or not all(map(_partly, found)):
        return None
    return "the cited evidence shows some of the records, not all"


def _partly(result: ToolResult) -> bool:
    """Whether a result lists lines, and not all there are."""
    if result.found is None:
        return False
    given = result.found.result
    return given.kind == "lines" and result.total > len(given.lines or ())
