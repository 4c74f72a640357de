"""Spans as arrays, with each span's parent found among them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from telemetry.columns import Flags, Ints, Spans

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("trace_id", "span_id", "parent_id", "service", "operation", "pod", "start", "duration", "status", "kind", "attributes")
PEERS = ("peer.service", "db.namespace", "db.name", "messaging.destination.name", "rpc.service", "server.address", "net.peer.name", "db.system.name", "db.system")
"""Attributes by which a calling span names whom it calls, the most telling first (OpenTelemetry's semantic conventions)."""
HOSTS = ("server.address", "net.peer.name")
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""An odd constant (2^64 / golden ratio): what is multiplied by it can be told apart again."""


def span_columns(frame: pl.DataFrame, low: int | None, high: int | None, *, ids: bool, selves: Collection[str] = ()) -> Spans:
    """Columns of the spans with ``low <= start < high``; the frame may hold more, so that parents outside are known.

    A span that is there twice counts once; a span that names itself as its parent has none. Spans and parents are
    matched by 64-bit hashes drawn anew for each call: among a million spans two fall together once in 37 million calls.
    Of the names by which a calling span tells whom it calls, one of ``selves``, who tell of themselves, is taken before others.
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
    return _columns(whole, numbers, found, above[chosen] < 0, ids=ids, selves=frozenset(selves))


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


def _columns(frame: pl.DataFrame, trace: Ints, parent: Ints, orphan: Flags, *, ids: bool, selves: frozenset[str]) -> Spans:
    import polars as pl

    service, services = _coded(frame["service"])
    operation, operations = _coded(frame["operation"])
    pod, pods = _coded(frame["pod"])
    if "" in pods:
        none = pods.index("")
        pod = np.where(pod == none, -1, pod - (pod > none))
        pods = tuple(p for p in pods if p)
    named = frame.select(pl.concat_str("trace_id", "span_id", separator="/")).to_series().to_list() if ids else []
    found = Spans(
        trace, parent, frame["start"].cast(pl.Int64).to_numpy(), frame["duration"].to_numpy(), service, operation, pod,
        (frame["status"] == "error").to_numpy(), services, operations, pods, orphan, tuple(named))
    return _with_peers(found, *_peers(frame, parent, selves | set(services)))


def _peers(frame: pl.DataFrame, parent: Ints, selves: frozenset[str]) -> tuple[Ints, list[str]]:
    """Rows of calling spans below which nothing was recorded, and whom they name."""
    import polars as pl

    alone = np.ones(len(frame), dtype=np.bool_)
    alone[parent[parent >= 0]] = False
    calling = frame.select(pl.col("kind").is_in(["client", "producer"])).to_series().to_numpy()
    rows = np.flatnonzero(alone & calling)
    if not len(rows):
        return rows, []
    texts = frame["attributes"].gather(rows)
    distinct = texts.unique().to_list()  # attributes differ in little: each text is read once
    told = {text: _peer(text, selves) for text in distinct}
    names = [told[text] for text in texts.to_list()]
    held = [bool(name) for name in names]
    return rows[np.array(held)], [name for name in names if name]


def _peer(attributes: str | None, selves: frozenset[str]) -> str:
    """Whom a calling span names: first by a name that somebody else goes by, whole or as a host (``db`` of ``db.shop.svc``)."""
    found = json.loads(attributes) if attributes else {}
    names = [str(found[name]) for name in PEERS if found.get(name)]
    hosts = [str(found[name]).split(".")[0] for name in HOSTS if found.get(name)]
    return next((name for name in (*names, *hosts) if name in selves), names[0] if names else "")


def _with_peers(columns: Spans, rows: Ints, names: list[str]) -> Spans:
    if not len(rows):
        return columns
    fresh = sorted(set(names) - set(columns.services))
    services = (*columns.services, *fresh)
    place = {name: number for number, name in enumerate(services)}

    def longer(values: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([values, more])

    return Spans(
        longer(columns.trace, columns.trace[rows]), longer(columns.parent, rows), longer(columns.start, columns.start[rows]),
        longer(columns.duration, columns.duration[rows]), longer(columns.service, np.array([place[name] for name in names], np.int64)),
        longer(columns.operation, columns.operation[rows]), longer(columns.pod, np.full(len(rows), -1, np.int64)),
        longer(columns.error, columns.error[rows]), services, columns.operations, columns.pods,
        longer(columns.orphan, np.zeros(len(rows), np.bool_)) if columns.orphan is not None else None,
        (*columns.ids, *(f"{columns.ids[row]}:peer" for row in rows)) if columns.ids else ())


def _coded(texts: pl.Series) -> tuple[Ints, tuple[str, ...]]:
    """Each text's place among the distinct ones, which are sorted."""
    import polars as pl

    distinct = texts.unique().sort()
    codes = texts.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
    return codes, tuple(distinct.to_list())
