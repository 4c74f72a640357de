"""One question to a cluster: what was read, what could not be, and the outcome that says both."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from signals.kube.clock import micros
from signals.kube.state import Object, at
from telemetry.errors import QueryError, SourceError
from telemetry.models import Found, Result, Window
from telemetry.sources.answers import Gathering, Trouble, clean
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.kubernetes.resources import RESOURCES, Resource, resource
from tools.result import NotAssessed, Outcome

T = TypeVar("T")
SIDE_BY_SIDE = 8
"""Requests at once."""
_SECOND = 1_000_000


class Asking:
    """What one tool call reads. ``now`` is a clock in µs since 1970 (UTC)."""

    def __init__(self, cluster: Cluster, now: Callable[[], int]) -> None:
        self.cluster = cluster
        self.now = now()
        self.g: Gathering[Any] = Gathering("cluster")
        self.missing: dict[str, Trouble] = {}
        """What could not be read at all, by resource."""
        self.searched = 0
        self.notes: list[str] = []

    def need(self, kind: str | Resource, namespace: str = "", **more: Any) -> list[Object]:
        """A list without which the question has no answer. Raises NotAssessed or SourceError."""
        try:
            found = self.cluster.objects(self.g, kind, namespace, **more)
        except Trouble as trouble:
            raise raised(trouble) from trouble
        self.searched += len(found)
        return list(found)

    def want(self, kind: str | Resource, namespace: str = "", **more: Any) -> list[Object]:
        """A list that makes the answer better; what cannot be read is told in the notes."""
        return self._tried(kind, namespace, **more) or []

    def all(self, kinds: Sequence[str], namespace: str = "") -> dict[str, list[Object]]:
        """Several lists, asked side by side; what cannot be read is told and is no key."""
        lists = side_by_side([partial(self._tried, kind, namespace) for kind in kinds])
        return {kind: found for kind, found in zip(kinds, lists, strict=True) if found is not None}

    def _tried(self, kind: str | Resource, namespace: str, **more: Any) -> list[Object] | None:
        try:
            return list(self.cluster.objects(self.g, kind, namespace, **more))
        except Trouble as trouble:
            self.lacks((RESOURCES[kind] if isinstance(kind, str) else kind).full, trouble)
            return None

    def knows(self, kind: str) -> bool:
        """Whether a list that was asked for could be read."""
        return RESOURCES[kind].full not in self.missing

    def lacks(self, full: str, trouble: Trouble) -> None:
        """Note that something could not be read."""
        self.missing.setdefault(full, trouble)

    def one(self, kind: Resource, name: str, namespace: str | None) -> Object:
        """One object by name; without a namespace it is looked for in all. Raises QueryError when it is not there, or not unique."""
        try:
            if not kind.namespaced or namespace:
                found = self.cluster.object(self.g, kind, name, namespace or "")
                several = [found] if found is not None else []
            else:
                several = self.cluster.objects(self.g, kind, fields=f"metadata.name={name}")
        except Trouble as trouble:
            raise raised(trouble) from trouble
        self.searched += 1
        if len(several) == 1:
            return several[0]
        if several:
            spaces = ", ".join(str(at(each, "metadata", "namespace")) for each in several)
            raise QueryError(f"there are {len(several)} {kind.plural} named {clean(name, 100)}", where="namespace", remedy=f"name one of {spaces}")
        raise AbsentError(self._absent(kind, name, namespace), where="cluster", remedy=f"cluster.get kind={kind.plural} lists those there are")

    def _absent(self, kind: Resource, name: str, namespace: str | None) -> str:
        where = f" in {namespace}" if kind.namespaced and namespace else ""
        return f"there is no {kind.kind} {clean(name, 100)}{where}" + (self.no_namespace(namespace) if kind.namespaced and namespace else "")

    def no_namespace(self, namespace: str) -> str:
        """Says so when a namespace does not exist: its lists are empty, not refused."""
        try:
            found = self.cluster.object(self.g, "namespaces", namespace)
        except Trouble:
            return ""
        return "" if found is not None else f": there is no namespace {clean(namespace, 63)}"

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], query: Mapping[str, Any], *, total: int | None = None, why: str = "",
    ) -> Outcome:
        """Rows as an outcome. Raises NotAssessed when there are none but not all could be read."""
        count = len(rows) if total is None else total
        short = self.short()
        if not count and short:
            raise NotAssessed(f"nothing was found in what could be read, and not all could be: {'; '.join(short)}", where="cluster")
        result = Result(kind="table", columns=list(columns), rows=[list(row) for row in rows]) if rows else Result(kind="none")
        found = Found(result=result, total=count, searched=max(self.searched, count), window=Window(), excerpt=[])
        return Outcome(found, query=self.said(query), notes=(*short, *self.notes, *self.g.notes), reason=None if count else why or "there are none")

    def said(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with what was asked for them."""
        return {**{key: value for key, value in query.items() if value not in (None, "", ())}, "asked": self.g.asked[:12]}

    def short(self) -> list[str]:
        """What the answer lacks."""
        return [f"not assessed: {trouble.what}" + (f" — {trouble.remedy}" if trouble.remedy else "") for trouble in self.missing.values()] + [
            f"not complete: {gap}" for gap in self.g.gaps]

    def age(self, stamp: object) -> str:
        """How long ago a time of the API is, as kubectl says it."""
        when = micros(stamp)
        return span((self.now - when) // _SECOND) if when is not None else ""


class AbsentError(QueryError):
    """An object that was asked for by name does not exist."""


def raised(trouble: Trouble) -> NotAssessed | SourceError:
    """A trouble as the error that gives a result its status."""
    kind = NotAssessed if trouble.status == "not_assessed" else SourceError
    return kind(trouble.what, where="cluster", remedy=trouble.remedy)


def kind_of(word: str) -> Resource:
    """The resource a kind means. Raises QueryError with the nearest."""
    found = resource(word)
    if found is None:
        import difflib

        near = difflib.get_close_matches(word.lower(), RESOURCES, 3, 0.5)
        raise QueryError(f"there is no kind {clean(word, 60)!r}", where="kind", remedy=f"use {', '.join(near or ['pods', 'deployments', 'services'])} …")
    return found


def side_by_side(work: Sequence[Callable[[], T]]) -> list[T]:
    """The results of calls that run at once, in their order, each under the caller's interrupt."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="cluster") as pool:
        jobs = [pool.submit(contextvars.copy_context().run, one) for one in work]
        return [job.result() for job in jobs]


def span(seconds: int) -> str:
    """``5m``, ``3h12m``, ``4d``: apimachinery's HumanDuration, shortened."""
    if seconds < 0:
        return "0s"
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m"
    if seconds < 172_800:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours}h{minutes}m" if hours < 10 and minutes else f"{hours}h"
    return f"{seconds // 86_400}d"


def clock() -> int:
    """The time, in µs since 1970."""
    return int(datetime.now(UTC).timestamp() * _SECOND)
