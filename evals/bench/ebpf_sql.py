"""Statements of a real PostgreSQL and a real MariaDB: what the probes tell, beside what the clients and the servers' own logs say.

Every statement's operation, rows and error code are known before it is sent (:mod:`evals.bench.sql_work`). A connection tells its number first; from
there on what was told of it and what its client noted are compared in order, one by one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from evals.bench import sql_servers
from evals.bench.ebpf import control_group, free_port
from evals.bench.ebpf_telling import Telling, near, share
from evals.bench.sql_clients import Noted, prepare_server, work
from evals.bench.sql_work import PLANTED

PROCESSES, LINKS = 4, 8
"""Clients, and connections of each."""
_MARK = re.compile(r"AS link_(\d+)")
_MESSAGE = re.compile(r"(\S+) (?:LOG:  duration: ([\d.]+) ms  (statement|parse|bind|execute)(?: ([^:]+))?:|(ERROR):)")
_THREAD, _TIME = re.compile(r"# Thread_id: (\d+)"), re.compile(r"# Query_time: ([\d.]+)")
Served = dict[str, list[int | None]]
"""By a connection's name at the server: ns that each exchange took there, None where the log does not say."""
Call = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Both:
    """One exchange as it was told, noted by the client, and logged by the server."""

    told: Call
    noted: Noted
    served: int | None

    @property
    def result_right(self) -> bool:
        """Rows, or the error's code."""
        return self.told.get("rows") == self.noted.rows and self.told.get("code" if self.told["system"] == "mysql" else "error") == self.noted.error


def run(name: str, statements: int) -> dict[str, Any]:
    """So many statements of ``postgres`` or ``mysql``. Raises ValueError where it cannot be started, or no probe be attached."""
    start, read = _SERVERS[name]
    port, links = free_port(), PROCESSES * LINKS
    with control_group() as group, start(group, port) as database:
        prepare_server(name, port, links)
        probe = Telling(name, group, port, PLANTED)
        notes: dict[int, tuple[str, list[Noted]]] = {}
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            every = [pool.submit(work, name, port, range(first, first + LINKS), -(-statements // links)) for first in range(0, links, LINKS)]
            for one in every:
                notes |= one.result()
        probe.finish()
        served = read(database.log)
    return _compared(notes, _by_link(probe.calls), served, probe)


def _by_link(calls: list[Call]) -> dict[int, list[Call]]:
    """The calls of each connection, from where it told its number."""
    found: dict[int, list[Call]] = defaultdict(list)
    links: dict[int, int] = {}
    for call in calls:
        if call["sql_kind"] not in {"query", "execute", "prepare"}:
            continue
        if mark := _MARK.search(call.get("query", "")):
            links[call["connection"]] = int(mark[1])
        if call["connection"] in links:
            found[links[call["connection"]]].append(call)
    return found


def _compared(notes: dict[int, tuple[str, list[Noted]]], told: dict[int, list[Call]], served: Served, probe: Telling) -> dict[str, Any]:
    both = [one for link, (server, noted) in notes.items() for one in _joined(noted, told.get(link, []), served.get(server, []))]
    counts = probe.result["summary"]["counts"]
    answered = [one for one in both if one.noted.kind != "prepare"]
    rows, failed = [one for one in answered if one.noted.error is None], [one for one in answered if one.noted.error is not None]
    counted = [one for one in rows if "rows" not in one.told.get("unknown", ())]
    logged = [(one.told["duration"] - (one.told.get("queued") or 0), one.served) for one in both if one.served is not None]
    return {
        "statements": len(answered), "exchanges": sum(len(noted) for _, noted in notes.values()), "told": sum(map(len, told.values())), "joined": len(both),
        "lost": counts["lost"], "gaps": counts["gaps"], "identity": counts["identity_holds"], "everything_told": counts["seen"] == len(probe.calls),
        "operation_right": share([one.told.get("operation") == one.noted.operation and one.told["sql_kind"] == one.noted.kind for one in both]),
        "rows_told": round(len(counted) / max(len(rows), 1), 6), "rows_right": share([one.result_right for one in counted]),
        "code_right": share([one.result_right for one in failed]), "latency_near_log": share([near(*one) for one in logged]), "logged": len(logged),
        "not_shorter_than_log": share([told >= took - 1_000 for told, took in logged]),  # which rounds to µs
        "latency_near_client": share([near(one.told["duration"], one.noted.took) for one in both]),
        "not_longer_than_client": share([one.told["duration"] <= one.noted.took for one in both]), "lines_with_planted": probe.leaks,
        "wrong": [f"{one.told} instead of {one.noted}" for one in counted + failed if not one.result_right][:3]}


def _joined(noted: list[Noted], told: list[Call], served: list[int | None]) -> Iterator[_Both]:
    """One connection's, in order; nothing where a number of exchanges differs: then no order can be relied on."""
    if len(noted) == len(told):
        yield from map(_Both, told, noted, _spread(noted, served))


def _spread(noted: list[Noted], served: list[int | None]) -> list[int | None]:
    """The log's times, one for each exchange; MariaDB does not log what is prepared."""
    asked = [one.kind != "prepare" for one in noted]
    if len(served) == len(noted):
        return served
    times = iter(served if len(served) == sum(asked) else [None] * len(noted))
    return [next(times) if logged else None for logged in asked]


def _postgres_log(log: Path) -> Served:
    """A message of the extended protocol is logged in up to three parts; one that failed has no duration."""
    found: Served = defaultdict(list)
    parts: dict[str, float] = defaultdict(float)
    for line in log.read_text(errors="replace").splitlines():
        if not (read := _MESSAGE.match(line)):
            continue
        name, ms, what, of, error = read.groups()
        parts[name] += float(ms or 0)
        if _MARK.search(line):
            found[name] = []
        if error:
            found[name].append(None)
        elif what in {"statement", "execute"} or (what == "parse" and of != "<unnamed>"):
            found[name].append(round(parts[name] * 1e6))
        else:
            continue
        parts[name] = 0.0
    return found


def _slow_log(log: Path) -> Served:
    found: Served = defaultdict(list)
    name = ""
    for line in log.read_text(errors="replace").splitlines():
        if read := _THREAD.match(line):
            name = read[1]
        elif read := _TIME.match(line):
            found[name].append(round(float(read[1]) * 1e9))
        elif _MARK.search(line):
            found[name] = found[name][-1:]
    return found


_SERVERS: dict[str, tuple[Callable[[Path, int], AbstractContextManager[sql_servers.Database]], Callable[[Path], Served]]] = {
    "postgres": (sql_servers.postgresql, _postgres_log), "mysql": (sql_servers.mariadb, _slow_log)}
