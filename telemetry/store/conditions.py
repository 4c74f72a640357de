"""Filters become SQL conditions. What a key alone decides (template, constant words) is decided here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath

from telemetry.errors import QueryError
from telemetry.models import LEVELS, Filter, Window
from telemetry.store.bindings import Binding, bind, in_keys, numeric_sql, places, quote, values_sql
from telemetry.store.manifest import KeyRow, SourceRow

CONSTANTS = frozenset({"level", "service", "host", "logger", "pid", "thread", "trace_id"})
_COMPARE = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


class Conditions:
    """Compiles filters against one snapshot of keys and sources; ``width`` is the number of p columns."""

    def __init__(self, keys: Mapping[int, KeyRow], sources: Sequence[SourceRow], width: int) -> None:
        self.keys = keys
        self.sources = sources
        self.width = width

    def where(self, window: Window, filters: Sequence[Filter]) -> str:
        """One SQL condition for the window and all filters together, the cheapest tests first."""
        parts = [self.window(window), *(self.one(f) for f in sorted(filters, key=_cost))]
        return " AND ".join(f"({p})" for p in parts if p) or "true"

    def window(self, window: Window) -> str:
        parts = []
        if window.start:
            parts.append(f"ts >= {timestamp(window.start)}")
        if window.end:
            parts.append(f"ts < {timestamp(window.end)}")
        return " AND ".join(parts)

    def binding(self, name: str) -> Binding:
        return bind(self.keys.values(), name)

    def values(self, ref: str) -> list[str]:
        """SQL expressions for the values of a field reference (several when a record can hold several)."""
        if ref in CONSTANTS:
            return [f"CAST({ref} AS VARCHAR)"]
        if ref == "source":
            cases = " ".join(f"WHEN {s.id} THEN {quote(s.path)}" for s in self.sources)
            return [f"CASE source {cases} END"] if cases else ["NULL"]
        if ref == "template":
            return ["coalesce(template, 'unknown')"]
        if ref.startswith("param:"):
            return values_sql(self.binding(ref.removeprefix("param:")), self.width) or ["NULL"]
        raise QueryError(
            f"unknown field {ref!r}", where="query",
            remedy="use level, service, host, logger, source, template, pid, thread, trace_id or param:NAME",
        )

    def one(self, item: Filter) -> str:
        """Compile one filter."""
        if item.field in {"text", "message"}:
            return _text("line", item)
        if item.field == "template":
            wanted = set(_values(item))
            chosen = [k.id for k in self.keys.values() if k.template in wanted]
            return _signed(in_keys(chosen), negative=item.op in {"ne", "not_in"})
        if item.field == "source":
            wanted = set(_values(item))
            ids = [s.id for s in self.sources if s.path in wanted or PurePath(s.path).name in wanted]
            listed = f"source IN ({','.join(map(str, ids))})" if ids else "false"
            return _signed(listed, negative=item.op in {"ne", "not_in"})
        if item.field == "level" and item.op in _COMPARE:
            return self._level(item)
        if item.field.startswith("param:"):
            return self._param(item)
        return self._each(item, self.values(item.field))

    def _level(self, item: Filter) -> str:
        at = next((i for i, name in enumerate(LEVELS) if name == item.value), len(LEVELS))
        tests: dict[str, Callable[[int], bool]] = {
            "gt": lambda i: i > at, "ge": lambda i: i >= at, "lt": lambda i: i < at, "le": lambda i: i <= at,
        }
        names = ",".join(quote(name) for i, name in enumerate(LEVELS) if tests[item.op](i))
        return f"level IN ({names})" if names else "false"

    def _param(self, item: Filter) -> str:
        """Keys whose words settle it cost nothing; the rest is one comparison per column."""
        binding = self.binding(item.field.removeprefix("param:"))
        if item.op in {"ne", "not_in", "not_contains", "not_regex", "not_word"}:
            return _signed(self._param(_positive(item)), negative=True)
        if item.op == "exists":
            return in_keys(binding.keys)
        tests = [f"({in_keys(keys)} AND {_compare(value, item)})" for value, keys in places(binding, self.width)]
        return " OR ".join(tests) or "false"

    def _each(self, item: Filter, values: Sequence[str]) -> str:
        if item.op in {"ne", "not_in", "not_contains", "not_regex", "not_word"}:
            return _signed(self._each(_positive(item), values), negative=True)
        return " OR ".join(f"({_compare(v, item)})" for v in values) or "false"


def _cost(item: Filter) -> int:
    """Numbers and short columns before parameters, those before the whole line, patterns last."""
    if item.field in {"text", "message"}:
        return 4 if item.op.endswith(("word", "regex")) else 3
    if item.field.startswith("param:"):
        return 2
    return 0 if item.field in {"template", "source"} else 1


def timestamp(when: datetime) -> str:
    return f"TIMESTAMPTZ '{when:%Y-%m-%d %H:%M:%S.%f}+00'"


def _positive(item: Filter) -> Filter:
    flipped = {"ne": "eq", "not_in": "in"}.get(item.op, item.op.removeprefix("not_"))
    return item.model_copy(update={"op": flipped})


def _signed(condition: str, *, negative: bool) -> str:
    return f"NOT coalesce(({condition}), false)" if negative else condition


def _values(item: Filter) -> list[str]:
    if isinstance(item.value, tuple):
        return [str(v) for v in item.value]
    return [_plain(item.value)]


def _plain(value: str | float | tuple[str, ...] | None) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _compare(value: str, item: Filter) -> str:
    if item.op == "exists":
        return f"{value} IS NOT NULL"
    if item.op in _COMPARE:
        try:
            number = float(_plain(item.value))
        except ValueError as error:
            raise QueryError(f"{item.value!r} is not a number", where=item.field,
                             remedy="compare with a number") from error
        return f"{numeric_sql(value)} {_COMPARE[item.op]} {number!r}"
    if item.op in {"eq", "in"}:
        wanted = _values(item)
        folded = ",".join(quote(w.lower()) for w in wanted)
        return f"lower({value}) IN ({folded})"
    return _text(value, item)


def _text(column: str, item: Filter) -> str:
    if item.op.startswith("not_"):
        return _signed(_text(column, _positive(item)), negative=True)
    value = _plain(item.value)
    match item.op:
        case "contains" | "eq":
            return f"contains({column}, {quote(value)})"
        case "icontains":
            return _within(column, value)
        case "word":
            plain = f"{_within(column, value)} AND regexp_matches({column}, {quote(word_pattern(value))})"
            if value.isascii():
                return plain
            spelt = json.dumps(value)[1:-1]
            return f"(({plain}) OR regexp_matches({column}, {quote(word_pattern(spelt))}))"
        case "regex":
            try:
                re.compile(value)
            except re.error as error:
                raise QueryError(f"{value!r} is not a regular expression: {error}", where=item.field,
                                 remedy="check its brackets and escapes") from error
            return f"regexp_matches({column}, {quote(value)})"
        case "in":
            return "(" + " OR ".join(f"contains({column}, {quote(v)})" for v in _values(item)) + ")"
        case "ne":
            return f"NOT contains({column}, {quote(value)})"
        case _:
            raise QueryError(f"operator {item.op!r} does not apply to text", where=item.field,
                             remedy="use contains, icontains, word or regex")


def _within(column: str, value: str) -> str:
    """Case-insensitive containment. Lowering every line costs more than looking for a part without letters first."""
    folded = f"contains(lower({column}), {quote(value.lower())})"
    if value.isascii() and not re.search(r"[A-Za-z]", value):
        return f"contains({column}, {quote(value)})"
    part = max(re.findall(r"[!-@\[-`{-~]{3,}", value), key=len, default="") if value.isascii() else ""
    return f"contains({column}, {quote(part)}) AND {folded}" if part else folded


def word_pattern(value: str) -> str:
    """A case-insensitive RE2 pattern that matches ``value`` as a whole token.

    JSON writes a line break as ``\\n``: a word after it starts there all the same.
    """
    escaped = re.sub(r"([!-/:-@\[-^`{-~])", r"\\\1", value)
    left = r"(?:^|[^0-9A-Za-z_]|\\[nrt])" if value[:1].isalnum() or value[:1] == "_" else ""
    right = r"(?:$|[^0-9A-Za-z_])" if value[-1:].isalnum() or value[-1:] == "_" else ""
    return f"(?i){left}{escaped}{right}"
