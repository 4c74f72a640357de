"""Questions that ask for records or values as they are: summaries, yes or no, which, lines."""

from __future__ import annotations

import re

from agent.offline.draft import (
    ALL,
    EVENTS,
    NUMBER,
    Draft,
    groups,
    limit,
    named,
    number,
    phrase,
    take,
)
from agent.offline.fields import NUMERIC, field_word, link
from agent.offline.wording import OPEN

_SUMMARY = re.compile(
    r"\b(?:what (?:is|was|the hell is|on earth is)?\s*(?:going on|happening|wrong|up|broken|going wrong|failing|the (?:status|situation|state|problem|issue|matter))|summar(?:y|ise|ize|ising)(?: of)?|overview(?: of)?|"
    r"any (?:problems?|issues?|trouble|errors?|anomal\w+)$|what (?:happened|went wrong)(?!\s+(?:to|with)\b)|what are (?:all )?(?:the|those|these) (?P<what>\w+(?: \w+)?) about|what (?:kinds? of )?(?P<what2>errors|warnings|problems|issues|exceptions) (?:are|were|do|did|have|happened|occurred)(?: there| we)?|"
    r"(?:is |was )?(?:there )?(?:anything|something) (?:wrong|broken|failing|amiss)|"
    r"is (?:everything|anything|it|the system|all) (?:ok|okay|wrong|broken|fine|healthy|good|well)|tl;?dr|(?:give me |what is )?the gist|health(?:y)?$|how (?:is|are) (?:it|things|everything|the system|we) (?:going|doing|looking)|"
    r"(?:give me |tell me )?the big picture|recap|digest(?: of)?|walk me through|brief me|fill me in|catch me up)\b", re.I)


def summary(draft: Draft) -> bool:
    """"what is going on", "summarise the errors", "what are the warnings about"."""
    match = _SUMMARY.search(draft.text)
    if not match:
        return False
    draft.newest = re.search(r"\b(?:right now|now|at the moment|currently)\b", draft.text, re.I) is not None
    trouble = re.search(r"error|problem|issue|wrong|broken|trouble|fail(?:ing|ure)", draft.text, re.I)
    what = match["what"] or match["what2"] or ""
    draft.cut(*match.span(), what)
    draft.drop(r"\b(?:problems?|issues?|wrong|broken|trouble|right now|now|here|on|going|happening|system|situation|status|main|me|us|give|quick|short|brief|everything|today|about|related|so far|at the moment|currently|with|in|the|of|a|an|for|logs?|happened|this|incident)\b"
               if not re.search(rf"\bof (?:the )?\w+|\bfor (?:the )?\w+|\bin (?:the )?\w+|\babout\b|{OPEN}", draft.text, re.I) else
               r"\b(?:problems?|issues?|wrong|broken|trouble|right now|now|here|main|quick|short|brief)\b")
    draft.operation, draft.limit = "summary", limit(draft) or 15
    if trouble and not re.search(r"error|fail", draft.text, re.I):
        draft.text += " errors"
    return True


_YES_NO = re.compile(
    r"^(?:and )?(?:did|was|were|is|are|has|have|had|does|do|any)\b(?:\s+(?:there|we|anyone|anybody|someone|somebody|it|the system))?(?:\s+(?:been|any|ever|a|an|some|see|seen|get|have|had|got)\b)*|\bwas there\b|\bhave there been\b|^(?:check )?(?:if|whether)\b(?: there)?(?: (?:was|were|is|are|any)\b)*", re.I)


def yes_no(draft: Draft) -> bool:
    """"did root log in?", "any timeouts?"."""
    match = _YES_NO.search(draft.text)
    if not match:
        return False
    draft.cut(*match.span())
    draft.drop(r"^(?:any|a|an|some)\b|\bat all$|\bever\b")
    groups(draft)
    draft.operation, draft.yes_no, draft.limit = "count", True, ALL
    if draft.drop(r"\bstill\b") and draft.catalog.last is not None:  # the last one tells, beside how far the records go
        draft.operation, draft.yes_no, draft.limit = "last", False, 1
        draft.statements.append(f"The newest record of all is of {draft.catalog.last:%Y-%m-%d %H:%M:%S} UTC")
    return not draft.bare


_LINES = re.compile(
    r"\b(?:show(?: me)?|list|find|grep(?: for)?|display|print|search(?: for)?|look(?: up| for)|get(?: me)?|give me|see|fetch|pull up|tell me(?: everything| all)?(?: about)?|what happened (?:to|with)|what (?:do|did) we (?:know|have) (?:about|on)|(?:everything|anything|all|stuff)(?: (?:about|on|from|for|with))|history of|trace|track|follow)\b"
    r"(?: (?:all|the|any|every|me|of)\b)*(?: (?:log )?(?:lines?|logs?|messages?|records?|entries|events?))?(?: (?:about|with|of|for|from|containing|mentioning|that (?:mention|contain)|related to|concerning|regarding))?", re.I)


def lines(draft: Draft) -> bool:
    """"show me lines about X", "what happened to job 7"."""
    match = _LINES.search(draft.text)
    if not match:
        return False
    draft.drop(r"\b(?:stack ?traces?|tracebacks?|backtraces?)\b(?= (?:of|for|from|behind)\b)")  # each record comes with its own
    n = limit(draft)
    match = _LINES.search(draft.text) or match
    shown = re.search(rf"\b(?P<n>{NUMBER})\s+(?:example |sample )?(?:lines|logs|records|messages|entries|examples|samples)\b", draft.text, re.I)
    draft.cut(*match.span())
    if shown and not n:
        n = number(shown["n"])
        draft.text = re.sub(rf"\b{re.escape(shown['n'])}\b", " ", draft.text, count=1)
    draft.drop(r"^\W*(?:lines?|logs?|examples? of)\b|\ball its (?:log )?lines\b|\bits lines\b|\bexamples?\b")
    draft.operation, draft.limit = "lines", n or 50
    return True


def which(draft: Draft) -> bool:
    """"which users failed", "from where", "who", "what was the size of blk_1"."""
    value = re.search(r"^(?:and )?(?:what (?:is|was|are|were)|tell me|give me|show me|find|get)\s+the\s+(?=[a-z_])", draft.text, re.I)
    if value:
        found = phrase(draft.text, value.end(), catalog=draft.catalog)
        bound = found.words and re.match(r"\s+(?:of|for|used by|used for|used|in|with|from|that|at|on)\b", draft.text[found.ends[-1]:], re.I)
        if bound and take(draft, value.end(), least=0.5):
            draft.cut(0, value.end())
            draft.operation, draft.limit, draft.kind = "top", 100, "any"
            return draft.field != "template" or _kinds(draft)
    n = limit(draft)
    if n:
        draft.drop(r"\btop$|\btop(?=\s*[,;])|\bonly$")
    asked = re.search(r"\b(?:from |on |to |in |at |by |for )?(?P<wh>which|what|whose)\s+(?=[a-z_])|\b(?P<who>who)\b|^(?P<where>where)\b|^(?:list|show|name|give me|print|get)(?: me)?(?: all)?(?: of)?(?: the)?(?: (?:different|distinct|unique))?\s+(?P<verb>)(?=[a-z_])", draft.text, re.I)
    if not asked:
        return False
    if asked["who"] or asked["where"]:
        linked = link("who" if asked["who"] else "path", draft.catalog, owners=draft.about(asked[0]))
        if linked is None or linked.score < 0.4:
            return False
        draft.cut(*asked.span())
        draft.choose(linked, asked[0])
    else:
        found = phrase(draft.text, asked.end(), catalog=draft.catalog)
        hit = named(found, draft.catalog, owners=draft.about(draft.text[: asked.end()]))
        listed = asked["verb"] is not None
        if hit is None or hit[0].score < (0.84 if listed else 0.4):
            return False
        if hit[0].type in NUMERIC and hit[0].score < 0.8 and field_word(found.words[hit[1] - 1].lower()) in EVENTS:
            return False  # "which requests": the records, not the request time
        if listed and re.search(r"\b(?:lines?|logs?|records?|messages?|entries|events?)$", " ".join(found.words[: hit[1]]), re.I):
            return False
        if listed and (hit[0].ref == "template" or not found.words[hit[1] - 1].lower().endswith("s")
                       or re.match(r"\s*(?:lines|logs|records|messages)\b", draft.text[found.ends[hit[1] - 1]:], re.I)):
            return False
        draft.choose(hit[0], " ".join(found.words[: hit[1]]))
        draft.cut(asked.start(), found.ends[hit[1] - 1])
    draft.operation, draft.limit, draft.kind = "top", n or 100, "any"
    return draft.field != "template" or _kinds(draft)


def _kinds(draft: Draft) -> bool:
    draft.operation, draft.limit, draft.field, draft.kind = "templates", 20, None, ""
    head = field_word(draft.noun.split(maxsplit=1)[0])
    draft.text += f" {head}s" if head in {"error", "warning", "failure", "exception"} else ""
    return True
