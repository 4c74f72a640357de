"""Spans as arrays, with each span's parent found among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
COLUMNS = ("trace_id", "span_id", "parent_id", "service", "operation", "pod", "start", "duration", "status")
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""An odd constant (2^64 / golden ratio): what is multiplied by it can be told apart again."""


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Spans as columns of one length, in no certain order; times and durations in microseconds (UTC)."""

    trace: Ints
    """Traces by number; equal number, same trace."""
    parent: Ints
    """The row of the parent span, -1 for none."""
    start: Ints
    duration: Ints
    service: Ints
    """Index into ``services``."""
    operation: Ints
    """Index into ``operations``."""
    pod: Ints
    """Index into ``pods``, -1 when unknown."""
    error: Flags
    services: tuple[str, ...]
    operations: tuple[str, ...]
    pods: tuple[str, ...]
    orphan: Flags
    """Whose parent is named but is not stored near the window."""
    ids: tuple[str, ...] = ()
    """``trace id/span id`` of each row; empty when they were not asked for."""

    def __len__(self) -> int:
        return len(self.start)


def span_columns(frame: pl.DataFrame, low: int | None, high: int | None, *, ids: bool) -> SpanColumns:
    """Columns of the spans with ``low <= start < high``; the frame may hold more, so that parents outside are known.

    A span that is there twice counts once; a span that names itself as its parent has none. Spans and parents are
    matched by 64-bit hashes drawn anew for each call: among a million spans two fall together once in 37 million calls.
    """
    import polars as pl

    trace, span, parent, named = _hashed(frame)
    order = np.argsort(span, kind="stable")
    known = span[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = known[1:] != known[:-1]
    start = frame["start"].cast(pl.Int64).to_numpy()
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[fresh]] = True
    kept &= start >= low if low is not None else True
    kept &= start < high if high is not None else True
    above = _places(known[fresh], order[fresh], np.where(named, parent, span))  # a root is its own parent here
    chosen = np.flatnonzero(kept)
    row = np.full(len(order) + 1, -1, dtype=np.int64)  # of a parent outside of the window, or not found: none
    row[chosen] = np.arange(len(chosen))
    found = row[above[chosen]]
    found[found == np.arange(len(found))] = -1
    numbers = np.unique(trace[chosen], return_inverse=True)[1].astype(np.int64)
    whole = frame if len(chosen) == len(frame) else frame.filter(pl.Series(kept))
    return _columns(whole, numbers, found, above[chosen] < 0, ids=ids)


def _places(known: NDArray[np.uint64], rows: Ints, wanted: NDArray[np.uint64]) -> Ints:
    """For each wanted hash the row that has it, -1 for none; ``known`` ascends. Looked up in order: the cache likes it."""
    asked = np.argsort(wanted)
    at = np.searchsorted(known, wanted[asked])
    at[at == len(known)] = 0
    found = np.empty(len(wanted), dtype=np.int64)
    found[asked] = np.where(known[at] == wanted[asked], rows[at], -1) if len(known) else -1
    return found


def _hashed(frame: pl.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], Flags]:
    """Traces, spans and parents by hash, and which spans name a parent."""
    seeds = np.random.SeedSequence().generate_state(2).tolist()
    trace = frame["trace_id"].hash(seeds[0]).to_numpy()
    mixed = trace * _MIX
    span, parent = (mixed ^ frame[name].hash(seeds[1]).to_numpy() for name in ("span_id", "parent_id"))
    return trace, span, parent, (frame["parent_id"] != "").to_numpy()


def _columns(frame: pl.DataFrame, trace: Ints, parent: Ints, orphan: Flags, *, ids: bool) -> SpanColumns:
    import polars as pl

    service, services = _coded(frame["service"])
    operation, operations = _coded(frame["operation"])
    pod, pods = _coded(frame["pod"])
    if "" in pods:
        none = pods.index("")
        pod = np.where(pod == none, -1, pod - (pod > none))
        pods = tuple(p for p in pods if p)
    named = frame.select(pl.concat_str("trace_id", "span_id", separator="/")).to_series().to_list() if ids else ()
    return SpanColumns(
        trace, parent, frame["start"].cast(pl.Int64).to_numpy(), frame["duration"].to_numpy(), service, operation, pod,
        (frame["status"] == "error").to_numpy(), services, operations, pods, orphan, tuple(named))


def _coded(texts: pl.Series) -> tuple[Ints, tuple[str, ...]]:
    """Each text's place among the distinct ones, which are sorted."""
    import polars as pl

    distinct = texts.unique().sort()
    codes = texts.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
    return codes, tuple(distinct.to_list())
