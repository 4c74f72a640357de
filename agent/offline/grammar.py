"""What a question asks to be done: patterns of questions, tried in order, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOUN = r"(?P<noun>[a-z][\w.]*(?:\s+(?:id|ids|code|codes|name|names|size|sizes|address|addresses|agent|agents|ips?|time|times|number|numbers|types|type)\b)?)"
_N = r"(?:(?P<n>\d+)\s+|(?P<w>two|three|five|ten|twenty)\s+)?"


@dataclass(frozen=True, slots=True)
class Rule:
    """A question form. ``operation`` names how the reader goes on; groups: noun, n, stat."""

    operation: str
    pattern: re.Pattern[str]


def _rule(operation: str, pattern: str) -> Rule:
    return Rule(operation, re.compile(pattern, re.IGNORECASE))


RULES: tuple[Rule, ...] = (
    _rule("stats_many", r"\b(?P<list>(?:(?:minimum|maximum|min|max|mean|average|avg|median|sum|total|smallest|largest|shortest|longest|lowest|highest|p\d\d)(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*/\s*))+(?:minimum|maximum|min|max|mean|average|avg|median|sum|total|smallest|largest|shortest|longest|lowest|highest|p\d\d))\b(?:\s+of)?(?:\s+the)?\s+" + _NOUN),
    _rule("stats_many", r"\b(?P<list>distribution|statistics|stats|percentiles|spread|range)\s+(?:of|for)(?:\s+the)?\s+" + _NOUN),
    _rule("gaps", r"\b(?:when did (?:it|the \w+|\w+)?\s*stop (?:logging|writing)|stopp?(?:ed)? logging|(?:longest|biggest|largest|any)?\s*(?:silences?|gaps?|pauses?|quiet (?:period|time|spell|stretch)s?|outages? in (?:the )?logs?)(?: in the logs?)?|longest time without(?: any)?(?: logs?| lines?| messages?)?|no logs?)\b"),
    _rule("cooccur", r"\b(?:what else (?:happen(?:s|ed)?|occur(?:s|red)?|goes on|is logged|was logged|shows up|appears)?\s*(?:with|around|near|alongside|together with|at the same time as|when|before|after)?|what (?:usually |typically )?(?:happens|happened|occurs|comes|is logged) (?:together with|alongside|around|with|just before|right before|right after|before|after)|co-?occurs?(?: with)?|correlates?(?: with)?|(?:seen|appears?) together with)\b"),
    _rule("compare", r"\b(?:what(?:'s| is| was)? (?:has |have )?(?:changed|new|different)|anything (?:new|changed|different)|new (?:messages|templates|errors|events)|compare(?:d)?\b|differences?|did (?:the )?(?P<noun>[\w ]+?) (?:increase|decrease|rise|drop|go up|go down|grow|spike))"),
    _rule("distinct", rf"\b(?:(?:how many|number of|count(?: of)?(?: the)?)\s+|^)(?:the\s+)?(?:different|distinct|unique|separate|individual)\s+{_NOUN}"),
    _rule("share", r"\b(?:what (?:is the )?(?:share|percentage|percent|fraction|proportion|ratio|part)(?: of)?|(?:share|percentage|percent|fraction|proportion|ratio) of|how (?:big|large) (?:a|is the) (?:share|part)(?: of)?|what % of|(?P<rate>(?:error|failure|success|warning|fail) rate)(?: of| for)?)\s*(?:the |all )?"),
    _rule("stats", r"\b(?:(?:what (?:is|was|were|are) )?(?:the )?(?P<stat>p\d{2}|\d{2}(?:th|st|nd|rd) percentile|percentiles?|median|average|mean|avg|max(?:imum)?|min(?:imum)?|longest|shortest|slowest|fastest|largest|biggest|smallest|highest|lowest|sum|total)(?: of)?(?: the)?(?: value of)?)\s+(?!(?:number|count|amount|time) of|silence|gap|\d)" + _NOUN),
    _rule("howlong", r"\bhow (?P<adj>long|big|large|slow|fast|much time)\b(?:\s+(?:did|does|do|is|are|was|were|it takes?|has|have)\b)?"),
    _rule("stats_tail", _NOUN + r"\s+(?P<stat>p\d{2}|percentiles?|median|average|mean|statistics|stats|distribution|min and max|max|min)\b"),
    _rule("peak", r"\b(?:(?:when|at (?:what|which) time)\b(?=.*\b(?:peak|spike|busiest|at (?:its|their) (?:highest|worst|most)))(?: (?:did|was|were|is|do|does))?(?: the)?|when (?:was|is|did)(?: the)? (?:peak|most|busiest|spike)|peak (?:minute|hour|time|day|of)|busiest (?P<unit1>minute|hour|day|time)|which (?P<unit2>minute|hour|day) (?:had|has|saw|was)(?: the)? (?:most|busiest))\b"),
    _rule("firstlast", rf"\b(?:when (?:did|was|were|is|does|has|have)(?: the| it)?(?=.*\b(?:first|last|start|begin|latest|earliest|happen|occur|end|recent)))|\b(?:when (?:did|was|were|has|have))\b|\b(?:(?:first|last|earliest|latest|most recent|newest|oldest) (?:time|occurrence|occurence|seen|instance|appearance)(?: of)?)|^(?:(?:show|give|list|get|what (?:is|was|were|are)|print)(?: me)? )?(?:the )?(?:first|last|earliest|latest|most recent|newest|oldest) {_N}"),
    _rule("which_template", r"\b(?:which|what) (?:log )?(?:template|pattern|message type|kind of message|event type)s?\b|\b(?:list|show)(?: me)?(?: all)?(?: the)? (?:templates|patterns|message types|kinds of (?:messages|events|errors))\b"),
    _rule("top", rf"\b(?:top|first) {_N}(?:most (?:common|frequent|active) )?{_NOUN}|\b(?:most|least) (?:common|frequent|often seen|active|frequently seen|[a-z]+ed) {_NOUN}|\b(?:rarest|commonest|busiest|noisiest|chattiest|loudest) {_N}{_NOUN}".replace("(?P<noun>", "(?P<noun1>", 1).replace("(?P<n>", "(?P<n1>", 1).replace("(?P<w>", "(?P<w1>", 1).replace("(?P<noun>", "(?P<noun2>", 1)),
    _rule("which_most", rf"\b(?:which|what|whose) {_N}{_NOUN}\b(?=.*\b(?:the most|most|least|more than any|highest number|most often|fewest|busiest|noisiest|chattiest|loudest|rarest)\b)|\b(?P<who>who)\b(?=.*\b(?:most|least)\b)|\b(?P<noun3>[a-z]\w*) with (?:the )?(?:most|highest number of|fewest|least)\b"),
    _rule("trend", r"\b(?:(?:per|by|every|each) (?P<unit>second|minute|hour|day|week)|(?:minute|hour|dai?)ly|over time|trend|timeline|histogram|time series|how (?:did|has|do) .* (?:develop|evolve|change over))\b"),
    _rule("count", r"\b(?:how many(?: times)?|how often|how frequently|count(?: of)?(?: the| all)?|(?:total )?number of|total (?:number|count) of|amount of)\b"),
    _rule("summary", r"\b(?:what(?:'s| is| was)? (?:going on|happening|wrong|up|broken)|summar(?:y|ise|ize)(?: of)?|overview(?: of)?|any (?:problems?|issues?|trouble|errors?|anomal\w+)|what (?:happened|went wrong|kinds? of errors)(?!\s+(?:to|with)\b)|is (?:everything|anything|it) (?:ok|okay|wrong|broken|fine)|tl;?dr|give me the gist|health(?:y)?\??$)"),
    _rule("yes_no", r"^(?:did|was|were|is|are|has|have|had|does|do|any)\b(?:\s+there)?(?:\s+(?:been|any|ever|a|an|some))*|\bwas there\b|\bhave there been\b"),
    _rule("value", rf"^(?:and )?(?:what(?:'s| is| was| are| were)|tell me|give me|show me|find)\s+the\s+{_NOUN}\s+(?:of|for|used by|used for|used|in|with|from|that|at|on)\b"),
    _rule("which", rf"\b(?:from |on |to |in |at |by |for )?(?:which|what|whose)\s+{_NOUN}|\b(?P<who>who)\b|\b(?:list|show|name|give me|print)(?: me)?(?: all)?(?: of)?(?: the)? (?:different |distinct |unique )?(?P<noun4>users?|ips?|ip addresses|addresses|hosts?|services?|loggers?|components?|levels?|ports?|usernames?|accounts?|nodes?|machines?|paths?|urls?|endpoints?|clients?)\b(?! (?:of|lines|logs))|^(?P<where>where)\b"),
    _rule("lines", r"\b(?:show(?: me)?|list|find|grep(?: for)?|display|print|search(?: for)?|look(?: up| for)|get(?: me)?|give me|see|fetch|pull up|tell me about|what happened (?:to|with)|what do we know about|everything about|anything about)\b(?: (?:all|the|any|every|me))*(?: (?:log )?(?:lines?|logs?|messages?|records?|entries|events?))?(?: (?:about|with|of|for|from|containing|mentioning|that (?:mention|contain)))?"),
)
GROUP = re.compile(r"\b(?:per|by|for each|for every|grouped by|broken down by|split by|in each|on each|across)\s+(?:the\s+)?(?P<noun>[a-z]\w*(?:\s+(?:id|code|name|address))?)\b", re.I)
COMPARISON = re.compile(
    r"\b(?P<noun>[a-z]\w*)?\s*(?:(?:is|was|are|were|of|took|taking)\s+)?(?P<op>greater than|larger than|bigger than|more than|above|over|exceeding|longer than|slower than|higher than|at least|less than|smaller than|below|under|shorter than|faster than|lower than|at most|>=|<=|>|<)\s*(?P<value>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>ns|us|ms|milliseconds?|secs?|seconds?|s|minutes?|mins?|hours?|kb|mb|gb|kib|mib|gib|bytes?)?\b", re.I)
FOLLOW = re.compile(r"^(?:and|but|ok|okay|now|also|so|then)\b[\s,]*|^(?:what|how) about\b\s*|^(?:same|the same)(?: (?:for|but|with|thing|question))*\s*|^only\b\s*|^just\b\s*|^(?:without|excluding|except|not)\b", re.I)
BARE_LINES = re.compile(
    r"(?:(?:show|give|list|print|see|get)(?: me)?\s+)?(?:the\s+|those\s+|these\s+)?(?:(?:first |last )?(?P<n>\d+)\s+)?"
    r"(?:(?:matching |actual |raw )?(?:lines|logs|records|messages|evidence|them|examples?))(?:\s+please)?|show (?:me|them)", re.I)
BARE_FOLLOW = re.compile(
    rf"(?:{BARE_LINES.pattern})|(?:the )?top \d+(?: (?:only|instead|then|please))+|top \d+|(?:for|from|on|in|by|at|per|with|since|before|after|between|"
    r"during|yesterday|today)\b(?:\s+\S+){0,6}|who|(?:and )?(?:which|what) \w+|(?:.*\s)?instead", re.I)
NEGATED = re.compile(r"\b(?:without|excluding|except(?: for)?|ignoring|not counting|other than|but not|not (?:from|for|by|on|in|with|about|at))\s+(?:(?:the )?(?:user|host|ip|address|service|port|for|from|by)\s+)?(?P<what>[\w.:/@-]+)", re.I)
COMMAND = re.compile(r"^(?:please\s+)?(?:can you\s+|could you\s+)?(?:delete|remove|restart|kill|scale|deploy|drop|rollback|roll back|reboot|shut ?down|patch|apply|create|edit|fix|stop|start|run|execute|install|write|send|email|page)\b(?!.*\b(?:log|logs|lines)\b)|^(?:please )?(?:delete|drop|truncate|remove|erase|wipe|rm)\b", re.I)
INJECTION = re.compile(r"ignore (?:all |any )?(?:previous|prior|above) (?:instructions|prompts)|system prompt|you are now|disregard (?:all|the|any)", re.I)
OFF_TOPIC = re.compile(
    r"\b(?:weather|poem|joke|haiku|recipe|song|translate|capital of|meaning of life|stock price|president|"
    r"who (?:are|made|built) you|what are you|how are you|your name|write (?:me )?(?:a|an|some) )\b"
    r"|^(?:hi|hello|hey|thanks|thank you|yo|good (?:morning|evening))[\s!.,]*$", re.I)
WHY = re.compile(r"^(?:why\b|what (?:is|was) the (?:root )?cause|what caused|root cause)", re.I)
