"""Which value a question asks about, settled together with the records it is about.

"the longest notification time out" may ask for a field called so, or for the one number in messages that speak of
notifications timing out. Every field that the noun may name is weighed against the messages that the other words
choose: by its name, by the words beside it in those messages, and by the sort of value asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.offline.fields import NUMERIC, rated, suits
from agent.offline.followup import SEPARATOR
from agent.offline.target import Target
from agent.offline.target_terms import STOP, WEAK
from agent.offline.understanding import Kind, Reading
from agent.offline.words import likeness, pieces, tokens
from telemetry.models import Catalog, FieldInfo, Filter, Template

Resolve = Callable[[str, str | None], Target | None]
_CARRIED, _FOREIGN = 0.5, -1.0
_LOST = 0.35
"""What a word that nothing answers to costs."""
_DROPPED = 0.8
"""What a word costs that some messages answer to, but not those that carry the field."""
_ANYWHERE = 0.4
_OF_ITS_KIND = 0.15
"""What speaks for a value in messages that name what is asked about."""
_KEPT = 0.12
"""What it costs to leave the noun among the words that choose records."""
_SURE = 1.35
"""What settles the field without trying the noun among the words that choose records."""
_LEAST = 0.25
@dataclass(frozen=True, slots=True)
class Settled:
    """The reading with its field settled, and the records it is about. ``lost``: no field answers to the noun."""

    reading: Reading
    target: Target | None
    lost: bool = False


def settle(reading: Reading, catalog: Catalog, resolve: Resolve) -> Settled:
    """Choose the field and the target of a reading together."""
    if not reading.kind or (reading.operation == "share" and not reading.noun and reading.field is None):
        return Settled(reading, resolve(reading.target, _carried(reading)))
    best: tuple[float, FieldInfo, str, Target | None] | None = None
    for words, cost in _variants(reading, resolve):
        if best is not None and cost == _KEPT and best[0] >= _SURE:
            break
        known = set(resolve(words, None).unmatched if words and resolve(words, None) else ())  # type: ignore[union-attr]
        for held in (None, *_likely(reading, catalog)):
            target = resolve(words, held) if words else None
            lost = target.unmatched if target else ()
            for info, score in _weighed(reading, catalog, target):
                total = score - cost - sum(_LOST if word in known else _DROPPED for word in lost)
                if best is None or total > best[0] + 1e-9:
                    best = (total, info, words, target)
    if best is None or best[0] < _LEAST - 0.5:
        return Settled(reading, resolve(reading.target, reading.field), lost=reading.field is None)
    _, info, words, target = best
    if _unrelated(reading, info, catalog):
        return Settled(reading, target, lost=True)
    changed = replace(reading, field=info.ref, target=words, order_by=info.ref if reading.order_by else None,
                      statements=(*reading.statements, *_said(reading, info)))
    return Settled(changed, target)


def _unrelated(reading: Reading, info: FieldInfo, catalog: Catalog) -> bool:
    """Whether a number was taken for what it sorts as alone, while nothing in the logs knows the noun: "elephant weight"."""
    words = [w for w in re.findall(r"[a-z]{3,}", reading.noun.lower()) if w not in STOP and w not in WEAK]
    if reading.kind == "any" or not words or rated(reading.noun, catalog, numeric=True).get(info.ref, 0.0) > 0:
        return False
    known = {token.word for template in catalog.templates for token in tokens(template.pattern)}
    known |= {piece for f in catalog.fields for piece in pieces(f.ref.removeprefix("param:"))}
    return not any(likeness(w, other) >= 0.6 for w in words for other in known)


def _carried(reading: Reading) -> str | None:
    """A parameter that the records must have: the one asked about, compared, or grouped by."""
    held = [reading.field, *(item.field for item in reading.filters if item.op in {"gt", "ge", "lt", "le", "exists"}), *reading.group_by]
    return next((ref for ref in held if ref and ref.startswith("param:")), None)


def _likely(reading: Reading, catalog: Catalog) -> list[str]:
    """The fields most likely meant by name and kind; messages that carry one of them are tried by themselves."""
    by_name = rated(reading.noun, catalog, numeric=reading.kind != "any") if reading.noun else {}
    scores = {info.ref: max(by_name.get(info.ref, 0.0), suits(reading.kind, info)) for info in catalog.fields if info.templates}
    return [ref for ref, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:2] if score >= 0.5]


def _variants(reading: Reading, resolve: Resolve) -> list[tuple[str, float]]:
    """Words that choose the records: without the noun, with what qualifies it ("statement duration"), and with all of it."""
    found = [(reading.target, 0.0)]
    words = reading.noun.split()
    if len(words) > 1:
        told = resolve(" ".join(words[:-1]), None)
        telling = told is not None and bool(_only(told, "template")) and not told.unmatched and not told.by_meaning
        found.append((f"{' '.join(words[:-1])} {reading.target}".strip(), -0.02))
        found[0] = (reading.target, 0.5 if telling else 0.06)
    if reading.noun:
        found.append((f"{reading.noun} {reading.target}".strip(), _KEPT))
    return found


def _said(reading: Reading, info: FieldInfo) -> tuple[str, ...]:
    name = info.ref.removeprefix("param:")
    plain = re.sub(r"s$", "", reading.noun.lower().replace(" ", "_"))
    return () if not reading.noun or plain == name.lower() else (f'"{reading.noun}" was read as the field {name}',)


def _weighed(reading: Reading, catalog: Catalog, target: Target | None) -> list[tuple[FieldInfo, float]]:
    """Fields that may be meant, with how much speaks for each."""
    numeric = reading.kind != "any"
    if numeric and (sort := _sort(reading.noun)):
        reading = replace(reading, kind=sort)
    chosen = _templates(target, catalog)
    by_name = rated(reading.noun, catalog, numeric=numeric) if reading.noun else {}
    words = [w for w in re.findall(r"[a-z]+", reading.noun.lower()) if w not in STOP]
    found = []
    by_id = {template.id: template for template in catalog.templates}
    held = {template.id for template in chosen} if chosen is not None else set()
    for info in _fields(catalog, by_name):
        if numeric and info.type not in NUMERIC:
            continue
        carriers = [by_id[id_] for id_ in info.templates if id_ in held] if chosen is not None and info.templates else None
        fit = suits(reading.kind, info)
        beside = _beside(words, info, carriers or _owners(info, by_id))
        score = max(by_name.get(info.ref, 0.0), beside, fit, _in_gap(reading, info, carriers or _owners(info, by_id)))
        if score <= 0 and not numeric and carriers and info.type != "number":
            score = 0.5 * _beside(re.findall(r"[a-z]+", reading.target.lower()), info, carriers)
        score += min(0.0, fit)
        if numeric and reading.kind in {"duration", "size"} and fit < 0.5 and beside < 1.0:
            score *= 0.6
        if score <= 0:
            continue
        if carriers is not None:
            score += _CARRIED * sum(t.count for t in carriers) / max(1, sum(t.count for t in chosen or ())) if carriers else _FOREIGN
        else:
            score += _ANYWHERE
        if numeric and _tells(f"{reading.noun} {reading.target}", carriers or _owners(info, by_id)):
            score += _OF_ITS_KIND
        found.append((info, score))
    return found


def _tells(asked: str, templates: list[Template]) -> bool:
    """Whether messages that carry a value are of what is named: "order placed", for the slowest order."""
    said = {token.word for template in templates for token in tokens(template.pattern)}
    return any(likeness(word, other) >= 0.9 for word in re.findall(r"[a-z]{4,}", asked.lower()) for other in said)


def _sort(noun: str) -> Kind:
    """The sort of number that a noun names by itself: "render time" is a duration."""
    if re.search(r"\b(?:time|times|duration|latency|runtime|delay|elapsed|lag|wait)\b", noun, re.I):
        return "duration"
    return "size" if re.search(r"\b(?:size|sizes|bytes|length|volume)\b", noun, re.I) else ""


def _fields(catalog: Catalog, by_name: dict[str, float]) -> list[FieldInfo]:
    known = {info.ref for info in catalog.fields}
    extra = [FieldInfo(ref, "word", 0, ()) for ref in ("pid", "thread", "trace_id", "source", "template") if ref in by_name and ref not in known]
    return [*catalog.fields, *extra]


def _templates(target: Target | None, catalog: Catalog) -> list[Template] | None:
    """The templates a target is held to; None when any will do."""
    if target is None:
        return None
    ids: set[str] | None = None
    for item in target.filters:
        if item.field == "template":
            listed = set(item.value) if isinstance(item.value, tuple) else {str(item.value)}
            ids = listed if ids is None else ids & listed
    if ids is None and target.templates and len(target.templates) < len(catalog.templates):
        ids = {id_ for id_, _ in target.templates}
    if ids is None:
        return None
    return [template for template in catalog.templates if template.id in ids]


def _owners(info: FieldInfo, by_id: Mapping[str, Template]) -> list[Template]:
    return [by_id[id_] for id_ in info.templates[:50] if id_ in by_id]


def _beside(words: list[str], info: FieldInfo, templates: list[Template]) -> float:
    """How many of the noun's words stand right before or after the value in messages, 0 to 0.9."""
    telling = [w for w in words if w not in WEAK] or words
    whole = 1.25 if len(words) > 1 else 0.9
    if not telling or not info.ref.startswith("param:"):
        return 0.0
    name = re.escape(info.ref.removeprefix("param:"))
    best = 0.0
    for template in templates:
        for match in re.finditer(rf"<{name}>", template.display):
            keyed = re.search(r"[\w)]\s*[:=]\s*[\"'\[(]?$", template.display[: match.start()])
            left = re.findall(r"[a-z]+", re.sub(r"<[^<>]*>", " ", template.display[: match.start()]).lower())[-4:]
            right = re.findall(r"[a-z]+", re.sub(r"<[^<>]*>", " ", template.display[match.end():]).lower())[:3]
            sides = [sum(any(likeness(w, o) >= 0.9 for o in side) for w in telling) for side in (left, right)]
            near = max(sides[0], sides[1] * (0.5 if keyed else 1.0))
            best = max(best, 0.9 * near / len(telling))
            if len(words) > 1 and all(any(likeness(w, o) >= 0.9 for o in left) for w in words) and not keyed:
                best = max(best, whole)
    return best


_GAP = re.compile(r"[\"']([^\"']*?)\s*(?:(?<![\w.])[NXYZ](?![\w.])|\.\.\.|<\*>)")


def _in_gap(reading: Reading, info: FieldInfo, templates: list[Template]) -> float:
    """Whether the value stands where a quoted phrase leaves a gap: 'Already tried N time(s)'."""
    gap = _GAP.search(reading.target)
    name = info.ref.removeprefix("param:")
    if not gap or len(gap[1]) < 3:
        return 0.0
    return 1.5 if any(f"{gap[1]} <{name}>" in t.display or f"{gap[1]}<{name}>" in t.display for t in templates) else 0.0


def merged(text: str, resolve: Resolve) -> str:
    """The target of a follow-up: new words narrow the old ones, or take their place when both cannot hold."""
    if SEPARATOR not in text:
        return text
    before, _, extra = text.rpartition(SEPARATOR)
    before = merged(before, resolve)
    old, new = resolve(before, None), resolve(extra, None)
    if old is None or new is None:
        return extra if old is None else before
    ours, theirs = _only(old, "template"), _only(new, "template")
    if ours and theirs and not ours & theirs:
        both = resolve(f"{before} {extra}", None)
        joint = _only(both, "template") if both else set()
        return f"{before} {extra}" if joint and joint <= ours else extra
    if _levels_alone(new) and any(map(_level, old.filters)):
        kept = [word for word in before.split() if not ((alone := resolve(word, None)) is not None and _levels_alone(alone))]
        return " ".join([*kept, extra])
    for item in new.filters:
        for other in old.filters:
            value = str(other.value)
            if _exclusive(item, other) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", before, re.I):
                return re.sub(rf"(?i)(?<!\w){re.escape(value)}(?!\w)", str(item.value).replace("\\", r"\\"), before, count=1)
    return f"{before} {extra}"


def _exclusive(item: Filter, other: Filter) -> bool:
    """Whether two conditions name different values of one thing: two users, or two addresses looked for as words."""
    if (item.field, item.op) != (other.field, other.op) or item.field == "template" or item.value == other.value:
        return False
    one, two = (re.sub(r"\d+", "0", str(each.value)) for each in (item, other))
    return item.op == "eq" or item.op == "word" and one == two and "0" in one


def _only(target: Target, field: str) -> set[str]:
    for item in target.filters:
        if item.field == field:
            return set(item.value) if isinstance(item.value, tuple) else {str(item.value)}
    return set()


def _levels_alone(target: Target) -> bool:
    return bool(target.filters) and all(_level(item) for item in target.filters)


def _level(item: Filter) -> bool:
    return item.field == "level"
