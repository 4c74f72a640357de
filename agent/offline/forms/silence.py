"""Questions about silence: "when did it stop logging", "longest gap between two lines"."""

from __future__ import annotations

import re

from agent.offline.draft import (
    Draft,
    limit,
    written,
)

_LOGGED = r"(?:log(?:ged)? )?(?:lines?|logs?|records?|messages?|entries|entry|output|activity|logging|anything)"
_GAP = re.compile(
    rf"\b(?:silences?|silent(?:ly)?|gaps?|holes?|quiet|pauses?|paused|dead air|lulls?|hiatus|interruptions?|outages? in (?:the )?logs?|"
    rf"stop(?:ped|s)? (?:logging|writing|log)\b|no {_LOGGED}|without (?:any |a |a single )?{_LOGGED}|no (?:new )?logs|"
    rf"nothing (?:was |is |got |at all )?(?:logged|written|recorded|happened|in the logs?)|logs? (?:stop(?:ped)?|went|go|missing|fell)\b|"
    rf"(?:did )?not log(?:ging)?(?! (?:in|on|out|off)\b)(?: anything| a single line)?|logged nothing)", re.I)
_WITHOUT = re.compile(r"\b(?:the )?(?:longest|biggest|largest|long) (?:time|period|stretch|spell|interval|pause|while|wait|phase) (?:without|between(?: two| any two)?|with no|that (?:we )?(?:had|saw|got) no) (?:a |an |any |single )*", re.I)
_GAP_WORD = re.compile(r"silen|gap|hole|quiet|pause|lull|interruption", re.I)
_GAP_REST = (
    r"\b(?:(?:(?:of |for |lasting )?(?:more|longer|greater|bigger|larger) than |(?:of |for |lasting )?(?:over|above|at least) )?\d+(?:\.\d+)? ?(?:seconds?|minutes?|mins?|hours?|days?)|longest|biggest|largest|long|big|period|stretch|spell|time|times|when|where|any|two|between|consecutive|go|goes|went|going|fall|"
    r"fell|become|became|stay|stayed|completely|for|was|is|there|were|did|do|does|happen|happened|start|started|the|it|in|and|how|find|show|"
    r"duration|single|adjacent|successive|lines?|logs?|records?|messages?|one|log|entire|whole|system|everything|all|of|me|what|which|"
    r"are|top|worst|with|a|an|no|has|have|had|been|we|see|data|files?|stream|timeline|at|logging|writing|seconds?|minutes?|hours?)\b")


def silent(text: str) -> bool:
    """Whether a text speaks of silence in the logs."""
    return bool(_GAP.search(text) or _WITHOUT.search(text))


def gaps(draft: Draft) -> bool:
    """"when did it stop logging", "longest silence", "any holes in the log?"."""
    match = _GAP.search(draft.text)
    between = _WITHOUT.search(draft.text)
    if between and not any(each.end() > between.end() for each in _GAP.finditer(draft.text)):
        draft.text = re.sub(r"^(?:what|when|which|how|is|was|the|show|me|find)\b(?: (?:is|was|were|the|long|me))*", " ", f"{draft.text[: between.start()]} {draft.text[between.end():]}".strip(), flags=re.I)
        draft.operation, draft.limit = "gaps", 5
        return True
    if not match:
        return False
    about_logs = re.search(r"\blogs?\b|\blogging\b|\blines?\b|\bmessages\b|\brecords\b|\bentries\b|silen|quiet|\bholes?\b|\btimeline\b", draft.text, re.I)
    if _GAP_WORD.search(match[0]) and written(draft, match[0].split()[0]) and not about_logs:
        return False
    if re.search(r"\bhow many (?!gaps|silences|holes|pauses)", draft.text, re.I):
        return False
    n = limit(draft)
    subject = re.search(r"\b(?:was|did|is|does|has|were|when did) (?:the )?(\w+)(?= (?:ever |go |goes |fall |become |get |been |stop|log|not |silent|quiet))"
                        r"|\b(?:on|of|from|in|for|by) the (firewall|server|system|machine|host|cluster|device|app|application|box|node|service|worker|broker|database|db|phone|appliance|router|switch|proxy)\b", draft.text, re.I)
    if subject and not _serves(draft, subject[1] or subject[2]):
        draft.cut(*subject.span())
    if (named_log := re.search(r"\b(?:the |our )?(\w+)[ -]logs?\b", draft.text, re.I)) and not _serves(draft, named_log[1]):
        draft.cut(*named_log.span())
    draft.drop(_GAP.pattern)
    draft.drop(_GAP_REST)
    draft.operation, draft.limit = "gaps", n or 5
    return True


def _serves(draft: Draft, word: str) -> bool:
    info = next((f for f in draft.catalog.fields if f.ref == "service"), None)
    return info is not None and any(word.lower() in value.lower() for value, _ in info.values)
