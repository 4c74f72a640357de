"""``python -m evals.bench alerts [--alerts 1000] [--groups 25] [--clients 16] [--json]``: webhooks taken, over real HTTP.

A server in a process of its own, with a home of its own on SQLite, takes one alert a request from several connections, and
investigates beside it (an investigation that takes no time: what is left is ours). Told are the rate, what each request
waited, how many were lost and how many incidents were made. Beside it, the same run: as many commits of one row to an
SQLite file with the same settings, one after the other, for the disk is most of it.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from agent.approvals.people import Person

GOAL_SECONDS = 10.0
"""For a thousand."""


def run(alerts: int, groups: int, clients: int) -> dict[str, object]:
    """Rates, waits in milliseconds, what was lost, and how many incidents there are."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        spawning = multiprocessing.get_context("spawn")
        ours, theirs = spawning.Pipe()
        server = spawning.Process(target=_serve, args=(str(home), theirs), daemon=True)
        server.start()
        try:
            port = int(ours.recv())
            seconds, waits, codes = _posted(port, alerts, groups, clients)
        finally:
            ours.send("end")
            server.join(30)
        kept, made, done = _counted(home)
        bare = _bare(home / "bare.db", alerts)
    waits.sort()
    return {
        "bench": "alerts", "alerts": alerts, "groups": groups, "clients": clients, "seconds": round(seconds, 2), "per_second": round(alerts / seconds),
        "median_ms": round(waits[len(waits) // 2], 1), "p99_ms": round(waits[int(len(waits) * 0.99)], 1), "accepted": codes.get(202, 0),
        "lost": codes.get(202, 0) - kept, "incidents": made, "investigated_beside": done, "bare_commits_seconds": round(bare, 2),
        "ratio_to_bare_commits": round(seconds / bare, 2), "goal_met": kept == alerts and made == groups and seconds * 1_000 / alerts < GOAL_SECONDS,
    }


def table(report: Mapping[str, object]) -> str:
    """The report, a line each."""
    return "\n".join(f"{name}: {value}" for name, value in report.items())


def _serve(home: str, told: Connection) -> None:
    import threading

    import uvicorn
    from fastapi import FastAPI

    from agent.incidents.settings import AlertSettings
    from api.incidents.alerting import Alerting, opened
    from api.serving import listen

    alerting = Alerting(opened(Path(home), AlertSettings()), _nothing)
    app = FastAPI()
    for router in alerting.routers():
        app.include_router(router)
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(_Door(app), log_level="error", lifespan="off"))
    alerting.start()
    told.send(listening.getsockname()[1])

    def leave() -> None:
        told.recv()
        server.should_exit = True

    threading.Thread(target=leave, daemon=True).start()
    server.run(sockets=[listening])
    alerting.stop()


class _Door:
    """Lets everybody in as a responder: what is measured is behind it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["person"] = Person("bench", "responder")
        await self._app(scope, receive, send)


def _nothing(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
    return {"answer": f"{incident}: {symptom} at {at}", "suspects": []}


def _posted(port: int, alerts: int, groups: int, clients: int) -> tuple[float, list[float], dict[int, int]]:
    """Seconds of all, milliseconds of each, and how often which status came."""
    since = datetime.now(UTC).isoformat()
    waits: list[float] = []
    codes: dict[int, int] = {}

    def post(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(client, alerts, clients):
            body = json.dumps(_body(number, groups, since))
            began = time.perf_counter()
            connection.request("POST", "/v1/alerts/alertmanager", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            waits.append((time.perf_counter() - began) * 1_000)
            codes[answer.status] = codes.get(answer.status, 0) + 1

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(post, range(clients)))
    return time.perf_counter() - began, waits, codes


def _body(number: int, groups: int, since: str) -> dict[str, Any]:
    labels = {"alertname": "HighErrorRate", "service": f"service-{number % groups}", "pod": f"pod-{number}", "severity": "warning", "namespace": "shop"}
    return {"version": "4", "status": "firing", "alerts": [{
        "status": "firing", "labels": labels, "annotations": {"summary": f"5xx of {labels['pod']} above 5% for 10m", "runbook_url": "https://runbooks.example/5xx"},
        "startsAt": since, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example/graph", "fingerprint": f"{number:016x}"}]}


def _counted(home: Path) -> tuple[int, int, int]:
    """Alerts, incidents and finished investigations on disk."""
    db = sqlite3.connect(home / "state.db")
    try:
        kept, made, done = (int(db.execute(f"SELECT count(*) FROM {asked}").fetchone()[0])
                            for asked in ("incident_alerts", "incidents", "incident_investigations WHERE state = 'done'"))
        return kept, made, done
    finally:
        db.close()


def _bare(path: Path, commits: int) -> float:
    """Seconds of as many commits of a row, one after the other."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, document TEXT)")
    document, began = "x" * 800, time.perf_counter()
    for number in range(commits):
        db.execute("INSERT INTO rows VALUES (?, ?)", (number, document))
    seconds = time.perf_counter() - began
    db.close()
    return seconds
