"""LogQL from typed queries: what people and models give only ever stands in string literals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from telemetry.errors import QueryError
from telemetry.sources.naming import LABELS, spellings
from telemetry.sources.protocols import LogQuery
from telemetry.sources.remote import literal, quoted

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def selector(base: str | None, matchers: Sequence[str]) -> str:
    """A stream selector: the configured one with more matchers."""
    inner = [base.strip()[1:-1].strip().rstrip(",")] if base else []
    return "{" + ",".join([*filter(None, inner), *matchers]) + "}"


def matchers(query: LogQuery, given: Mapping[str, str], known: Sequence[str]) -> list[str]:
    """The conditions that labels of streams can decide: namespace, pod, and fields that are labels."""
    found = [f"{name}={quoted(value)}" for role, value in (("namespace", query.namespace), ("pod", query.pod))
             if value and (name := _label(role, given, known))]
    return found + [f"{_checked(name)}={quoted(value)}" for name, value in sorted(query.fields.items()) if name in known]


def build(streams: str, query: LogQuery, given: Mapping[str, str], known: Sequence[str]) -> list[str]:
    """The whole query: a selector, filters on the line, filters on labels and structured metadata.

    Of a trace there are two, which may select the same lines: many name their trace in the text only.
    """
    found = [streams]
    found += [f"|~ {quoted('(?i)' + literal(text))}" for text in query.contains]
    for role, value in (("namespace", query.namespace), ("pod", query.pod)):
        if value and not _label(role, given, known):
            found.append(_any(role, given, "=", value))
    if query.service and not re.search(rf"[{{,]\w+={re.escape(quoted(query.service))}", streams):
        found.append(_any("service", given, "=", query.service))
    if query.levels:
        found.append(_any("level", given, "=~", f"(?i)({'|'.join(spellings(query.levels))})"))
    found += [f"| {_checked(name)}={quoted(value)}" for name, value in sorted(query.fields.items()) if name not in known]
    if not query.trace_id:
        return [" ".join(found)]
    either = (_any("trace_id", given, "=", query.trace_id), f"|~ {quoted('(?i)' + literal(query.trace_id))}")
    return [" ".join([*found, one]) for one in either]


def _label(role: str, given: Mapping[str, str], known: Sequence[str]) -> str:
    """The label of streams that holds a role; empty when none does."""
    names = (given[role],) if role in given else LABELS[role]
    return next((name for name in names if name in known), "")


def _any(role: str, given: Mapping[str, str], sign: str, value: str) -> str:
    names = (given[role],) if role in given else LABELS[role]
    return "| (" + " or ".join(f"{_checked(name)}{sign}{quoted(value)}" for name in names) + ")"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise QueryError(f"{name[:60]!r} cannot be a label", where="fields", remedy="labels are of letters, digits and _")
    return name
