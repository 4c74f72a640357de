"""A query in words, as a reader of a result sees it: what was run, nothing guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_OPS = {
    "eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of", "gt": "above", "ge": "at least", "lt": "below",
    "le": "at most", "contains": "contains", "not_contains": "does not contain", "icontains": "contains", "word": "has the word",
    "not_word": "lacks the word", "regex": "matches", "not_regex": "does not match", "exists": "exists",
}
_SUBJECTS = {
    "count": "count of records", "distinct": "number of distinct values of {field}", "top": "commonest values of {field}",
    "share": "share", "stats": "statistics of {field}", "first": "first lines", "last": "last lines", "trend": "records over time",
    "gaps": "longest silences", "compare": "templates against a baseline", "lines": "lines", "templates": "templates",
    "cooccur": "templates that occur together", "summary": "templates by severity",
}


def words(query: Mapping[str, Any]) -> str:
    """One line. What is no query of log records is told as its fields."""
    operation = query.get("operation")
    if operation not in _SUBJECTS or not isinstance(query.get("filters", []), list | tuple):
        return "; ".join(f"{key}={_plain(value)}" for key, value in query.items() if value not in (None, [], ""))
    subject = _SUBJECTS[operation].format(field=_name(query.get("field") or "template"))
    if query.get("words"):
        subject += f" nearest to {_plain(query['words'])}"
    parts = [subject, _where(query.get("filters") or ())]
    if query.get("base_filters"):
        parts.append("out of those" + _where(query["base_filters"]))
    if query.get("stats"):
        parts.append("(" + ", ".join(map(str, query["stats"])) + ")")
    if query.get("group_by"):
        parts.append("by " + ", ".join(map(_name, query["group_by"])))
    if query.get("bucket"):
        parts.append(f"per {query['bucket']} s")
    if query.get("order_by"):
        parts.append(f"by {_name(query['order_by'])} {query.get('order')}")
    if query.get("baseline"):
        parts.append(f"(baseline {span(query['baseline'])})")
    return " ".join(part for part in parts if part)


def span(window: Any) -> str:
    """A window in words; ``window`` is one as JSON."""
    start, end = (window.get("start"), window.get("end")) if isinstance(window, Mapping) else (None, None)
    if not start and not end:
        return "all time"
    return f"{start or 'the beginning'} to {end or 'the end'}"


def _where(filters: Sequence[Any]) -> str:
    told = [
        f"{_name(f.get('field'))} {_OPS.get(str(f.get('op')), f.get('op'))}" + (f" {_plain(f['value'])}" if f.get("value") is not None else "")
        for f in filters if isinstance(f, Mapping)
    ]
    return "where " + " and ".join(told) if told else ""


def _name(ref: Any) -> str:
    return str(ref).removeprefix("param:")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return json.dumps(value, ensure_ascii=False, default=str)
