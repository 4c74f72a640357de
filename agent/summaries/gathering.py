"""Gathers the facts of a period. Every group that cannot be had is named with its reason; none stops the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.summaries import budgets, counting
from agent.summaries.configured import objectives, services_of
from agent.summaries.facts import Change, Chart, Facts, Group, Period
from agent.summaries.sources import Sources, approvals_in, incident_of, outcomes_in, spending
from telemetry.errors import OnCalmError, UsageError
from telemetry.models import Window
from tools.observing import micros

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader

_LOGS, _SPANS, _CHANGES = "log records of the store", "spans of the store", "changes on record"
_STATE, _WATCHES = "approvals of the state database", "verifications of this home"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a summary is of: a period, and services (none: all) or a team's."""

    period: Period
    services: tuple[str, ...] = ()
    team: str = ""

    def resolved(self, sources: Sources) -> tuple[str, ...]:
        """The services, with the team's. Raises UsageError for a team nobody knows, and for a period that is none."""
        if self.period.start >= self.period.end:
            raise UsageError("the period ends before it begins", where="summary", remedy="give --from before --to")
        return tuple(dict.fromkeys((*self.services, *(services_of(self.team, sources.teams_path) if self.team else ()))))


def gather(scope: Scope, sources: Sources, now: datetime) -> Facts:
    """All facts. Raises UsageError for an unknown team or a wrong file; what cannot be read otherwise is told as not assessed."""
    only, period = scope.resolved(sources), scope.period
    targets = objectives(sources.slo_path)
    with ExitStack() as stack:
        store = _opened(stack, sources)
        told = _telemetry(store, period, only) if not isinstance(store, str) else _none(store)
        budget = _budgets(targets, store, period, only)
    service = _tried(_STATE, lambda: [sources.approvals()])
    approvals, outcomes = _acted(service, period, only)
    return Facts(
        period=period, gathered=now, team=scope.team, services=only, budgets=budget, approvals=approvals, outcomes=outcomes,
        incidents=_tried("incidents of this home", lambda: _incidents(sources, period, only)),
        watches=_tried(_WATCHES, sources.watches) if sources.watches else _unknown(_WATCHES, "no action was ever verified here"),
        spend=_spent(sources, period), **told)


def _opened(stack: ExitStack, sources: Sources) -> tuple[Reader, RecordReader] | str:
    """The store's readers, or why there are none."""
    from telemetry.store import version
    from telemetry.store.beyond import RecordReader
    from telemetry.store.guard import reading
    from telemetry.store.reader import Reader

    if not (sources.home / "manifest.db").exists():
        return "no records were ever read into this home"
    try:
        version.check(sources.home)
        stack.enter_context(reading(sources.home))
        return stack.enter_context(closing(Reader(sources.home))), stack.enter_context(RecordReader(sources.home))
    except (OnCalmError, OSError) as error:
        return f"the store could not be read: {error}"


def _none(why: str) -> dict[str, Any]:
    return {name: _unknown(source, why) for name, source in (("records", _LOGS), ("templates", _LOGS), ("gaps", _LOGS), ("changes", _CHANGES))}


def _unknown(source: str, why: str) -> Group:
    return Group(source=source, missing=why)


def _tried(source: str, get: Callable[[], Sequence[Any]]) -> Group:
    """The facts that ``get`` gives, or why it gave none."""
    try:
        return Group(source=source, items=tuple(get()))
    except OnCalmError as error:
        return _unknown(source, f"{error.what}{f' ({error.remedy})' if error.remedy else ''}")
    except Exception as error:  # noqa: BLE001 - one source that is broken must not cost the summary its others
        return _unknown(source, f"it could not be read ({type(error).__name__})")


def _telemetry(store: tuple[Reader, RecordReader], period: Period, only: tuple[str, ...]) -> dict[str, Any]:
    reader, records = store
    chart: list[Chart] = []
    read: list[counting.Logs | None] = []
    first, last = reader.catalog.first, reader.catalog.last
    logs = _tried(_LOGS, lambda: read.append(counting.read(reader, period, only)) or [])  # type: ignore[func-returns-value] # appending is its purpose
    held = read[0] if read else None
    if logs.missing:
        return {**_none(logs.missing), "changes": _changes(records, period, only)}
    if held is not None:
        chart.append(counting.chart(held, period))
    nothing = _unknown(_LOGS, f"no log records are kept of {'these services in ' if only else ''}this period and the one before")
    fresh = _unknown(_LOGS, "the store's records begin within the period: everything in them would be new")
    known = first is not None and first < period.start
    counted = _tried(f"{_LOGS}, {_SPANS}", lambda: counting.services(held, _spans(records, period), only))
    return {
        "records": counted if counted.items or counted.missing else nothing,
        "templates": nothing if held is None else _tried(_LOGS, lambda: counting.templates(reader, held, period)) if known else fresh,
        "gaps": nothing if held is None else _tried(_LOGS, lambda: counting.gaps(held, period, last)),
        "changes": _changes(records, period, only), "chart": chart[0] if chart else None}


def _spans(records: RecordReader, period: Period) -> tuple[Any, int, bool]:
    """The spans of both periods, the start of the second, and whether the first is on record."""
    extent, start = records.extent("spans"), micros(period.start)
    if extent is None:
        return None, start, False
    columns = records.span_columns(Window(start=period.before.start, end=period.end))
    whole = extent[0] <= micros(period.before.start) + (micros(period.end) - start) // 20
    return columns if len(columns) else None, start, whole


def _changes(records: RecordReader, period: Period, only: tuple[str, ...]) -> Group:
    if records.extent("changes") is None:
        return _unknown(_CHANGES, "no deploy, setting or flag was ever sent here; there may have been some")

    def told() -> list[Change]:
        from agent.summaries.sources import moment

        found = records.changes(Window(start=period.start, end=period.end))
        return [Change(at=moment(one.time), kind=one.kind, title=one.title, service=one.service, actor=one.actor, version=one.version, source=one.source)
                for one in found if not only or not one.service or one.service in only]

    return _tried(_CHANGES, told)


def _budgets(targets: Sequence[Any], store: tuple[Reader, RecordReader] | str, period: Period, only: tuple[str, ...]) -> Group:
    source = "slo.yaml, with spans and log records of the store"
    mine = [one for one in targets if not only or one.service in only]
    if not targets or isinstance(store, str):
        return _unknown(source, store if targets and isinstance(store, str) else "no objectives are written down (slo.yaml)")
    reader, records = store
    extent = records.extent("spans")
    from agent.summaries.sources import moment

    ways = {"requests": (budgets.of_requests(records), moment(extent[0]) if extent else None),
            "records": (budgets.of_records(reader), reader.catalog.first)}
    return _tried(source, lambda: [budgets.budget(one, period, *ways[one.of]) for one in mine])


def _incidents(sources: Sources, period: Period, only: tuple[str, ...]) -> list[Any]:
    found = [incident_of(one) for one in sources.incidents.touching(period.start, period.end)]
    return [one for one in found if not only or not one.services or set(one.services) & set(only)]


def _acted(service: Group, period: Period, only: tuple[str, ...]) -> tuple[Group, Group]:
    if service.missing or service.items[0] is None:
        gone = _unknown(_STATE, service.missing or "no action was ever proposed here")
        return gone, gone
    book = service.items[0]

    def mine(found: Sequence[Any]) -> list[Any]:
        return [one for one in found if not only or concerns(one.target, only)]

    return _tried(_STATE, lambda: mine(approvals_in(book, period))), _tried(_STATE, lambda: mine(outcomes_in(book, period)))


def concerns(target: str, services: Sequence[str]) -> bool:
    """Whether a target (``Deployment/cart-v2 in shop``) is one of these services': it is named so, or so and more."""
    words = re.split(r"[^\w.-]+", target)
    return any(word == one or word.startswith(f"{one}-") for word in words for one in services)


def _spent(sources: Sources, period: Period) -> Group:
    source = "the ledger of model calls"
    if sources.ledger is None or not sources.ledger.path.exists():
        return _unknown(source, "no model was ever asked from this home")
    ledger = sources.ledger
    return _tried(source, lambda: [one for one in (spending(ledger, period),) if one is not None])
