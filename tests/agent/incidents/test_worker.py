"""Investigations are done once: by threads, by four processes, and when a process is killed in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.incidents.errors import WayError
from agent.incidents.service import Incidents
from agent.incidents.settings import AlertSettings
from agent.incidents.tables import investigations
from agent.incidents.worker import Worker
from agent.state_db.database import Database
from telemetry.errors import StoreError
from tests.agent.forks import child, ended
from tests.agent.incidents.making import ANN, NOW, House, alert

QUICK = AlertSettings(lease=timedelta(seconds=1), at_once=2)
FOUND: dict[str, Any] = {"answer": "cart ran out of connections", "suspects": [{"entity": {"kind": "service", "name": "cart"}, "cause": "pool", "score": 0.9}]}


def until(fact: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def states(url: str) -> list[str]:
    database = Database(url)
    with database.reading() as connection:
        found = [row.state for row in connection.execute(investigations.select())]
    database.close()
    return found


def real(url: str, settings: AlertSettings = QUICK) -> Incidents:
    return Incidents(Database(url), lambda: datetime.now(UTC), settings)


def work(url: str, book: Path, seconds: float) -> None:
    """A process that investigates until nothing is left; each one begun is a line of ``book``."""
    def investigate(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
        with book.open("a") as file:
            file.write(f"{incident}\n")
        time.sleep(seconds)
        return FOUND

    worker = Worker(real(url), investigate, poll=0.05)
    worker.start()
    until(lambda: set(states(url)) == {"done"})
    worker.stop()


def test_an_investigation_is_kept_and_told(either: House) -> None:
    asked: list[tuple[str, datetime]] = []
    ident = either.take(alert(annotations={"description": "5xx for the last 10 minutes"})).incidents[0]
    worker = Worker(either.incidents, lambda symptom, at, incident: asked.append((symptom, at)) or FOUND)
    worker.take()
    until(lambda: worker.busy == 0)
    found = either.incidents.show(ident)

    assert [one[1] for one in asked] == [NOW]
    assert asked[0][0].startswith("cart: HighErrorRate")
    assert "10 minutes" not in asked[0][0]
    assert found.investigation is not None
    assert (found.investigation["state"], found.investigation["result"], found.incident.state) == ("done", FOUND, "investigating")
    assert either.kinds(ident) == ["opened", "alert", "investigation_began", "investigating", "investigated"]


def test_what_fails_is_told(house: House) -> None:
    def fail(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
        raise StoreError("the store is away", where="home", remedy="password=hunter2")

    ident = house.take(alert()).incidents[0]
    worker = Worker(house.incidents, fail)
    worker.take()
    until(lambda: worker.busy == 0)
    found = house.incidents.show(ident).investigation

    assert found is not None
    assert (found["state"], "the store is away" in found["why"], "hunter2" in found["why"]) == ("failed", True, False)


def test_the_same_again_is_recalled(house: House) -> None:
    worker = Worker(house.incidents, lambda symptom, at, incident: FOUND)
    first = house.take(alert()).incidents[0]
    worker.take()
    until(lambda: worker.busy == 0)
    house.incidents.resolve(first, ANN, why="raised the pool to 50")
    house.clock.go(hours=1)
    second = house.take(alert("f2")).incidents[0]
    worker.take()
    until(lambda: worker.busy == 0)
    said = house.incidents.show(second).timeline[-1]

    assert (said.kind, said.body["incident"], said.body["why"]) == ("recalled", first, "raised the pool to 50")


def test_one_that_ends_in_order_gives_back(house: House) -> None:
    held = []
    ident = house.take(alert()).incidents[0]
    worker = Worker(house.incidents, lambda symptom, at, incident: held.append(1) or time.sleep(3) or FOUND, poll=0.05)
    worker.start()
    until(lambda: bool(held))
    worker.stop(0.1)
    found = house.incidents.show(ident).investigation

    assert found is not None
    assert (found["state"], found["attempts"]) == ("queued", 0)


def test_a_killed_process_is_followed_once(tmp_path: Path, url: str | None) -> None:
    where, book = url or f"sqlite:///{tmp_path / 'state.db'}", tmp_path / "book"
    incidents = real(where)
    house = House(where, QUICK)
    house.take(*(alert(f"f{n}", service=f"s{n}") for n in range(3)))
    first = child(lambda: work(where, book, 600))
    until(lambda: book.exists() and len(book.read_text().splitlines()) == 2)
    os.kill(first, signal.SIGKILL)
    code = ended(first)
    followers = [child(lambda: work(where, book, 0.1)) for _ in range(2)]
    codes = [ended(pid) for pid in followers]
    begun = book.read_text().splitlines()
    tries = sorted(incidents.show(one.id).investigation["attempts"] for one in incidents.list()[0])  # type: ignore[index] # there is one

    assert (code, codes) == (-signal.SIGKILL, [0, 0])
    assert (len(begun), len(set(begun)), tries) == (5, 3, [1, 2, 2])


def test_a_stopped_process_is_not_taken_for_dead(tmp_path: Path, url: str | None) -> None:
    where, book = url or f"sqlite:///{tmp_path / 'state.db'}", tmp_path / "book"
    House(where, QUICK).take(alert())
    slow = child(lambda: work(where, book, 1.0))
    until(book.exists)
    os.kill(slow, signal.SIGSTOP)
    time.sleep(1.5)  # its lease has run out
    worker = Worker(real(where), lambda symptom, at, incident: FOUND)
    worker.take()
    taken = worker.busy
    os.kill(slow, signal.SIGCONT)

    assert (taken, ended(slow), len(book.read_text().splitlines())) == (0, 0, 1)


def test_four_processes_investigate_each_once(tmp_path: Path, url: str | None) -> None:
    where, book = url or f"sqlite:///{tmp_path / 'state.db'}", tmp_path / "book"
    House(where).take(*(alert(f"f{n}", service=f"s{n}") for n in range(16)))
    codes = [ended(pid) for pid in [child(lambda: work(where, book, 0.02)) for _ in range(4)]]
    begun = book.read_text().splitlines()

    assert codes == [0, 0, 0, 0]
    assert (len(begun), len(set(begun))) == (16, 16)


def test_four_processes_make_one_incident_a_group(tmp_path: Path, url: str | None) -> None:
    where = url or f"sqlite:///{tmp_path / 'state.db'}"
    house = House(where)

    def deliver() -> None:
        own = House(where)
        for n in range(20):
            own.take(alert(f"f{n}", service=f"s{n % 4}"))

    codes = [ended(pid) for pid in [child(deliver) for _ in range(4)]]
    found = house.incidents.list()[0]

    assert codes == [0, 0, 0, 0]
    assert sorted((one.service, one.alerts, one.firing) for one in found) == [(f"s{n}", 5, 5) for n in range(4)]


@pytest.mark.parametrize("attempts", [1, 3])
def test_one_that_kills_its_process_is_given_up(house: House, attempts: int) -> None:
    house.incidents.settings = AlertSettings(attempts=attempts)
    ident = house.take(alert()).incidents[0]
    from agent.incidents import queue

    for _ in range(attempts + 1):
        with house.incidents.writing() as book:
            queue.take(book, ident, "a process that dies", house.incidents.settings)
        house.clock.go(minutes=1)
    found = house.incidents.show(ident).investigation

    assert found is not None
    assert (found["state"], found["attempts"]) == ("failed", attempts)


def test_what_was_investigated_is_investigated_again_when_somebody_asks(either: House) -> None:
    found = iter([FOUND, StoreError("the store is away", where="home"), {**FOUND, "answer": "it was the pool"}])

    def investigate(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
        one = next(found)
        if isinstance(one, Exception):
            raise one
        return one

    def again() -> dict[str, Any]:
        worker.take()
        until(lambda: worker.busy == 0)
        told = either.incidents.show(ident).investigation
        assert told is not None
        return dict(told)

    ident, worker = either.take(alert()).incidents[0], Worker(either.incidents, investigate)
    with pytest.raises(WayError, match="waits or is under way"):
        either.incidents.investigate(ident, ANN)
    again()
    either.incidents.resolve(ident, ANN)
    either.incidents.investigate(ident, ANN, why="new records came")
    failed = again()
    either.incidents.investigate(ident, ANN)
    last = again()

    assert (failed["state"], failed["result"]) == ("failed", FOUND)
    assert (last["state"], last["result"]["answer"], last["attempts"]) == ("done", "it was the pool", 1)
    assert either.incidents.show(ident).incident.state == "resolved"
    assert [one for one in either.kinds(ident) if one.startswith("investigation_asked")] == ["investigation_asked"] * 2


def test_incidents_and_their_queue_are_counted(either: House) -> None:
    either.take(alert(), alert("f2", service="db"))
    either.clock.go(seconds=30)
    standing = either.incidents.standing()

    assert standing.incidents == {("open", "error"): 2}
    assert (standing.investigations["queued"], standing.investigations["failed"], standing.oldest) == (2, 0, 30.0)
