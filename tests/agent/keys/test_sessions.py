"""Browser sessions: who they stand for, and when they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.keys.keys import Keys
from agent.keys.secrets import csrf_of
from agent.keys.sessions import Sessions
from tests.agent.desk import ANN, BOB, NOON, ROOT, Clock, Desk


def test_a_session_is_found_by_its_cookie_only(either: Desk) -> None:
    sessions = Sessions(either.journal)
    cookie, session = sessions.open(BOB, scopes=frozenset({"chat"}))

    assert sessions.find(cookie) == session
    assert [sessions.find(one) for one in ("", cookie[:-1], session.digest, csrf_of(cookie))] == [None] * 4


@pytest.mark.parametrize(("steps", "alive"), [([7.9] * 3, True), ([8.0], False), ([7, 7, 7, 2.9], True), ([7, 7, 7, 3], False)])
def test_it_ends_when_idle_and_after_a_day(desk: Desk, steps: list[float], alive: bool) -> None:
    sessions, clock = Sessions(desk.journal), desk.clock
    assert isinstance(clock, Clock)
    cookie, _ = sessions.open(BOB)
    found = None
    for hours in steps:
        clock.turn(hours=hours)
        found = sessions.find(cookie)
        if found:
            sessions.note_use(found)

    assert (found is not None) is alive


def test_it_ends_with_its_token(desk: Desk) -> None:
    sessions, clock = Sessions(desk.journal), desk.clock
    assert isinstance(clock, Clock)
    cookie, _ = sessions.open(BOB, until=NOON + timedelta(minutes=5))
    clock.turn(minutes=5)

    assert sessions.find(cookie) is None


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_it_ends_with_its_key(either: Desk, end: str) -> None:
    keys, sessions, clock = Keys(either.journal), Sessions(either.journal), either.clock
    assert isinstance(clock, Clock)
    key, _ = keys.create("ann", "responder", ROOT, expires=NOON + timedelta(hours=1))
    cookie, _ = sessions.open(ANN, key=key.id)
    before = sessions.find(cookie)
    if end == "revoked":
        keys.revoke(key.id, ROOT)
    else:
        clock.turn(hours=1)

    assert before is not None
    assert sessions.find(cookie) is None


def test_a_session_opened_while_its_key_is_revoked_is_none(either: Desk) -> None:
    keys, sessions = Keys(either.journal), Sessions(either.journal)
    key, _ = keys.create("ann", "responder", ROOT)
    keys.revoke(key.id, ROOT)
    cookie, _ = sessions.open(ANN, key=key.id)

    assert sessions.find(cookie) is None


def test_signing_out_ends_one_or_all(either: Desk) -> None:
    sessions = Sessions(either.journal)
    cookies = [sessions.open(BOB)[0] for _ in range(3)]
    anns, _ = sessions.open(ANN)
    first = sessions.find(cookies[0])
    assert first is not None
    sessions.end(first)
    one = [sessions.find(cookie) is not None for cookie in cookies]

    assert one == [False, True, True]
    assert sessions.end_all(BOB, ROOT) == 2
    assert [sessions.find(cookie) for cookie in cookies] == [None] * 3
    assert sessions.find(anns) is not None


def test_signing_in_anew_ends_the_old_session(desk: Desk) -> None:
    sessions = Sessions(desk.journal)
    old, session = sessions.open(BOB)
    new, _ = sessions.open(BOB, instead_of=session.digest)

    assert sessions.find(old) is None
    assert sessions.find(new) is not None
