"""Which fields of an index pattern hold what, and a query's conditions over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telemetry.sources.answers import Gathering, Trouble, mapping, sequence, words
from telemetry.sources.config import Elastic
from telemetry.sources.naming import FIELDS, spellings
from telemetry.sources.protocols import LogLine, LogQuery
from telemetry.sources.web import Web

_DATES = frozenset({"date", "date_nanos"})
_EXACT = frozenset({"keyword", "constant_keyword", "wildcard", "flattened", "ip", "version", "boolean", "long", "integer", "short", "byte"})
_WORDS = frozenset({"text", "match_only_text", "search_as_you_type", "annotated_text"})
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$")
_MOST, _DEEP = 200, 8


@dataclass(frozen=True, slots=True)
class Mapped:
    """The fields of a pattern by role, best first; ``types`` are those a field has in some index."""

    roles: Mapping[str, tuple[str, ...]]
    types: Mapping[str, frozenset[str]]

    def of(self, role: str) -> str:
        """The best field of a role, empty without one."""
        return next(iter(self.roles.get(role, ())), "")

    def names(self, role: str) -> tuple[str, ...]:
        """The fields as documents have them: ``app.keyword`` is ``app`` there."""
        return tuple(dict.fromkeys(n.removesuffix(".keyword").removesuffix(".raw") for n in self.roles.get(role, ())))

    def messages(self) -> tuple[str, ...]:
        return self.names("message")

    def exact(self, role: str) -> str:
        """The best field of a role that holds whole values."""
        return next((name for name in self.roles.get(role, ()) if self.types.get(name, frozenset()) & _EXACT), "")

    def window(self, start: int, end: int) -> dict[str, Any]:
        """``start <= time < end``."""
        return {"range": {self.of("time"): {"gte": _iso(start), "lt": _iso(end), "format": "strict_date_optional_time_nanos"}}}

    def time_of(self, hit: Mapping[str, Any]) -> int:
        """Microseconds since 1970. Raises Trouble for a hit without a readable time."""
        name = self.of("time")
        found = sequence(mapping(hit.get("fields") or {}, "fields").get(name), name)
        value = found[0] if found else flattened(mapping(hit.get("_source") or {}, "_source")).get(name)
        time = micros(value)
        if time is None:
            raise Trouble(f"a line's {name} is no time")
        return time


def micros(value: object) -> int | None:
    """A time as these servers write it: ISO 8601 (nanoseconds are cut), or milliseconds since 1970."""
    text = words(value)
    if re.fullmatch(r"\d{10,16}(?:\.\d+)?", text):
        return int(float(text) * 1000)
    match = _ISO.fullmatch(text)
    if not match:
        return None
    try:
        zone = "+00:00" if match[8] in {None, "Z"} else match[8]
        whole = datetime.fromisoformat(f"{text[:19]}{zone}").astimezone(UTC)
    except ValueError:
        return None
    return int(whole.timestamp()) * 1_000_000 + int((match[7] or "0").ljust(9, "0")[:6])


def discover(web: Web, g: Gathering[Any], index: str, entry: Elastic) -> Mapped:
    """Ask for the types of all usual fields. Raises Trouble, not assessed, when nothing matches or has a time."""
    usual = {role: ((entry.fields[role],) if role in entry.fields else names) for role, names in FIELDS.items()}
    asked = sorted({form for names in usual.values() for name in names for form in (name, f"{name}.keyword", f"{name}.raw")})
    params = {"fields": ",".join(asked), "ignore_unavailable": "true", "allow_no_indices": "true"}
    document = mapping(web.json(g, f"/{index}/_field_caps", params), "the answer")
    found = {str(name): frozenset(map(str, mapping(kinds, name))) - {"unmapped"} for name, kinds in mapping(document.get("fields", {}), "fields").items()}
    if not document.get("indices") and not found:
        raise Trouble(f"no index matches {entry.index}", status="not_assessed", remedy="correct index in the configuration, or the permissions")
    roles = {role: tuple(f for name in names for f in (name, f"{name}.keyword", f"{name}.raw") if _fits(role, found.get(f))) for role, names in usual.items()}
    if not roles["time"]:
        raise Trouble(f"no field of {entry.index} is known as its time", status="not_assessed", remedy="name it as fields.time in the configuration")
    g.note("; ".join(f"{role} is {names[0]}" for role, names in roles.items() if names))
    return Mapped(roles, found)


def _fits(role: str, types: frozenset[str] | None) -> bool:
    if not types:
        return False
    return bool(types & _DATES) if role == "time" else bool(types & (_EXACT | _WORDS))


def conditions(g: Gathering[Any], fields: Mapped, query: LogQuery) -> list[Any]:
    """The filters of a search. Raises Trouble, not assessed, for a role that no field has."""
    found: list[Any] = []
    for role, value in (("service", query.service), ("namespace", query.namespace), ("pod", query.pod)):
        if value:
            found.append(_equal(fields, role, [value]))
    if query.levels:
        found.append(_equal(fields, "level", [form for word in spellings(query.levels) for form in (word, word.upper(), word.title())]))
    if query.trace_id:
        either = [_match(fields, name, query.trace_id) for name in (*fields.roles["trace_id"], *fields.roles["message"])]
        found.append(_either(either))
    for text in query.contains:
        if not fields.roles["message"]:
            raise Trouble("no field is known as the text of a line", status="not_assessed", remedy="name it as fields.message in the configuration")
        if any(fields.types[name] & _WORDS for name in fields.roles["message"]):
            g.note(f"{fields.of('message')} is searched by whole words: a part of a word is not found")
        found.append(_either([_match(fields, name, text) for name in fields.roles["message"]]))
    found += [_either([{"term": {form: value}} for form in (name, f"{name}.keyword")]) for name, value in sorted(query.fields.items())]
    return found


def _equal(fields: Mapped, role: str, values: Sequence[str]) -> dict[str, Any]:
    """A value in any field of a role: whole where a field keeps whole values, else as a phrase."""
    names = fields.roles.get(role, ())
    if not names:
        raise Trouble(f"no field is known that holds the {role}", status="not_assessed", remedy=f"name it as fields.{role} in the configuration")
    either: list[dict[str, Any]] = [{"terms": {name: list(values)}} for name in names if fields.types[name] & _EXACT]
    either += [{"match_phrase": {name: value}} for name in names if fields.types[name] & _WORDS for value in dict.fromkeys(v.lower() for v in values)]
    return _either(either)


def _match(fields: Mapped, name: str, text: str) -> dict[str, Any]:
    if fields.types[name] & _WORDS:
        return {"match_phrase": {name: text}}
    escaped = re.sub(r"([*?\\])", r"\\\1", text)
    return {"wildcard": {name: {"value": f"*{escaped}*", "case_insensitive": True}}}


def _either(found: list[Any]) -> dict[str, Any]:
    return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}


def holds(line: LogLine, query: LogQuery) -> bool:
    """Whether a hit is what was meant: phrases of analysed fields match more than the text itself."""
    text = line.text.casefold()
    known = {line.service, *line.fields.values()}
    return all(one.casefold() in text for one in query.contains) and (not query.service or query.service in known)


def flattened(value: Mapping[str, Any], prefix: str = "", deep: int = 0) -> dict[str, str]:
    """The scalars of a document by dotted names, bounded; lists of scalars joined by commas."""
    found: dict[str, str] = {}
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, dict):
            found |= flattened(one, f"{name}.", deep + 1) if deep < _DEEP else {}
        elif isinstance(one, list):
            found[name] = ", ".join(words(item) for item in one if not isinstance(item, dict | list))
        elif one is not None:
            found[name] = words(one)
        if len(found) >= _MOST:
            break
    return found


def _iso(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{time % 1_000_000:06}Z"
