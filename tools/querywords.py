"""A query in words, as a reader of a result sees it: what was run, nothing guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from telemetry.models import Filter, Query, Window

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
    """One line. What is no query of log records (a failed call's arguments may be anything) is told as its fields."""
    try:
        read = Query.model_validate(query)
    except ValidationError:
        return "; ".join(f"{key}={_plain(value)}" for key, value in query.items() if value not in (None, [], ""))
    subject = _SUBJECTS[read.operation].format(field=_name(read.field or "template"))
    parts = [
        subject, f"nearest to {_plain(query['words'])}" if query.get("words") else "", _where(read.filters),
        f"out of those {_where(read.base_filters) or 'of any kind'}" if read.base_filters or read.operation == "share" and not read.field else "",
        f"({', '.join(read.stats)})" if read.stats else "",
        f"by {', '.join(map(_name, read.group_by))}" if read.group_by else "",
        f"per {read.bucket} s" if read.bucket else "",
        f"by {_name(read.order_by)}, {'smallest' if read.order == 'asc' else 'largest'} first" if read.order_by else "",
        f"(baseline {span(read.baseline)})" if read.baseline else "",
    ]
    return " ".join(part for part in parts if part)


def span(window: Window) -> str:
    """A window in words."""
    if not window.start and not window.end:
        return "all time"
    return f"{_moment(window.start) or 'the beginning'} to {_moment(window.end) or 'the end'}"


def _moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z".replace(".000000Z", "Z") if when else ""


def _where(filters: Sequence[Filter]) -> str:
    told = [f"{_name(f.field)} {_OPS[f.op]}" + (f" {_plain(f.value)}" if f.value is not None else "") for f in filters]
    return "where " + " and ".join(told) if told else ""


def _name(ref: str) -> str:
    return ref.removeprefix("param:")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return json.dumps(value, ensure_ascii=False, default=str)
