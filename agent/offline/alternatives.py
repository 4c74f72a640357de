"""Two or more values of one thing: "failed logins for root or admin" are those of either. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.offline.target import Target
from telemetry.models import Filter

MOST = 6
_VALUE = r"[\w.@:/+-]*\w"
_PREPOSITION = r"(?:(?:for|from|by|of|on|in|at|to|with)\s+)?"
_LIST = re.compile(
    rf"(?P<first>(?<![\w.@:/+-]){_VALUE})(?P<more>(?:\s*,\s*{_PREPOSITION}{_VALUE})*)\s*,?\s+(?P<joint>or|and)\s+{_PREPOSITION}(?P<last>{_VALUE})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Side:
    """The words with one of the values only. ``exclusive``: they were joined by "or"."""

    words: str
    exclusive: bool


def alternatives(words: str) -> tuple[Side, ...]:
    """The words once for each value of a list in them; none where there is no list."""
    match = _LIST.search(words)
    if match is None or re.search(r"[\"'`]", words):
        return ()
    more = re.findall(_VALUE, re.sub(rf"(?:^|,)\s*{_PREPOSITION}", " ", match["more"], flags=re.IGNORECASE))
    values = [match["first"], *more, match["last"]]
    if len(values) > MOST:
        return ()
    return tuple(Side(f"{words[: match.start()]}{value}{words[match.end():]}", match["joint"].lower() == "or") for value in values)


def joined(targets: Sequence[Target]) -> Target | None:
    """One target for all of them, which differ in one value of one field; None when they differ otherwise or say nothing."""
    if any(target.unmatched for target in targets):
        return None
    common = [item for item in targets[0].filters if all(item in other.filters for other in targets[1:])]
    own = [[item for item in target.filters if item not in common] for target in targets]
    if any(len(one) != 1 for one in own):
        return None
    values = [one[0] for one in own]
    either = _either(values)
    if either is None:
        return None
    said = " or ".join(str(item.value) for item in values)
    reading = targets[0].reading
    told = reading.replace(str(values[0].value), said, 1) if str(values[0].value) in reading else f"{reading}, of {said}"
    return replace(targets[0], filters=(*common, either), reading=told, identifiers=tuple(dict.fromkeys(name for target in targets for name in target.identifiers)))


def _either(values: Sequence[Filter]) -> Filter | None:
    texts = [item.value for item in values]
    if len({(item.field, item.op) for item in values}) != 1 or not all(isinstance(text, str) for text in texts) or values[0].field in {"template", "level"}:
        return None
    named = tuple(str(text) for text in texts)
    if values[0].op == "eq":
        return Filter(field=values[0].field, op="in", value=named)
    if values[0].op == "word":
        return Filter(field=values[0].field, op="regex", value=rf"(?i)(?:^|\W)(?:{'|'.join(map(re.escape, named))})(?:\W|$)")
    return None
