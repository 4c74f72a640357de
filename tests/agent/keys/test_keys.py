"""API keys: what is kept, who may make them, and when they open nothing."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import pytest

from agent.approvals.people import Person, Role
from agent.keys.keys import Keys, MayNotError, NoSuchKeyError
from agent.keys.secrets import digest, new_key
from agent.keys.sessions import Sessions
from telemetry.errors import UsageError
from tests.agent.desk import ANN, BOB, NOON, ROOT, VIC, Clock, Desk


def test_a_key_is_found_by_its_secret_only(either: Desk) -> None:
    keys = Keys(either.journal)
    key, secret = keys.create("ann", "responder", ROOT, scopes=["otlp", "chat"], expires=NOON + timedelta(days=1))

    assert keys.find(secret) == key
    assert [keys.find(one) for one in (secret[:-1], secret + "x", new_key(), "", key.id, digest(secret))] == [None] * 6
    assert (key.role, key.scopes, key.person) == ("responder", {"otlp", "chat"}, ANN)


def test_the_secret_is_kept_nowhere(desk: Desk) -> None:
    _, secret = Keys(desk.journal).create("ann", "viewer", ROOT)
    cookie, _ = Sessions(desk.journal).open(ANN)

    kept = b"".join(path.read_bytes() for path in desk.home.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    assert cookie.encode() not in kept
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in kept


def test_secrets_have_256_bits_and_never_repeat() -> None:
    made = {new_key() for _ in range(1000)}

    assert len(made) == 1000
    assert all(one.startswith("ock_") and len(one) == 4 + 43 for one in made)


def test_an_expired_key_opens_nothing(either: Desk) -> None:
    keys, clock = Keys(either.journal), either.clock
    assert isinstance(clock, Clock)
    _, secret = keys.create("ann", "viewer", ROOT, expires=NOON + timedelta(hours=1))
    clock.turn(minutes=59)
    before = keys.find(secret)
    clock.turn(minutes=1)

    assert before is not None
    assert keys.find(secret) is None
    assert keys.ever()
    assert not keys.usable()


def test_a_revoked_key_opens_nothing_and_is_audited(either: Desk) -> None:
    keys = Keys(either.journal)
    key, secret = keys.create("ann", "viewer", ROOT)
    keys.revoke("ann", ROOT)
    keys.revoke(key.id, ROOT)

    with either.journal.database.reading() as connection:
        noted = [(entry.event, entry.subject, entry.actor) for entry in either.journal.entries(connection)]
    assert keys.find(secret) is None
    assert noted == [("key_created", key.id, "root"), ("key_revoked", key.id, "root")]


def test_another_process_sees_the_revocation_at_once(either: Desk) -> None:
    other = either.again()
    key, secret = Keys(either.journal).create("ann", "viewer", ROOT)
    seen = Keys(other.journal).find(secret)
    Keys(either.journal).revoke(key.id, ROOT)

    assert seen is not None
    assert Keys(other.journal).find(secret) is None
    other.close()


def test_racing_revocations_are_one(either: Desk) -> None:
    key, _ = Keys(either.journal).create("ann", "viewer", ROOT)
    threads = [threading.Thread(target=Keys(either.journal).revoke, args=(key.id, ROOT)) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    with either.journal.database.reading() as connection:
        assert [entry.event for entry in either.journal.entries(connection)].count("key_revoked") == 1


@pytest.mark.parametrize(("by", "role"), [(BOB, "approver"), (BOB, "admin"), (ANN, "approver"), (VIC, "viewer")])
def test_nobody_makes_a_key_that_reaches_too_far(desk: Desk, by: Person, role: Role) -> None:
    with pytest.raises(MayNotError, match=by.name):
        Keys(desk.journal).create("second-me", role, by)

    assert not Keys(desk.journal).ever()


def test_responders_make_keys_that_approve_nothing(desk: Desk) -> None:
    assert Keys(desk.journal).create("grafana", "responder", ANN)[0].created_by == "ann"


@pytest.mark.parametrize("bad", [{"name": "policy"}, {"name": ""}, {"role": "god"}, {"scopes": ["all"]}, {"expires": NOON}])
def test_what_is_no_key_is_refused(desk: Desk, bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Keys(desk.journal).create(**{"name": "ann", "role": "viewer", "by": ROOT, **bad})  # type: ignore[arg-type]


def test_a_name_that_two_keys_have_is_not_guessed(desk: Desk) -> None:
    keys = Keys(desk.journal)
    first, second = (keys.create("ann", "viewer", ROOT)[0].id for _ in range(2))

    with pytest.raises(UsageError, match="2 keys"):
        keys.revoke("ann", ROOT)
    with pytest.raises(NoSuchKeyError):
        keys.revoke("nobody", ROOT)
    assert {one.id for one in keys.list() if one.revoked is None} == {first, second}


def test_the_last_use_is_coarse(either: Desk) -> None:
    keys, clock = Keys(either.journal), either.clock
    assert isinstance(clock, Clock)
    key, _ = keys.create("ann", "viewer", ROOT)
    clock.turn(minutes=3, seconds=7)
    keys.note_use(key)
    used = keys.named("ann")
    clock.turn(minutes=5)
    keys.note_use(used)

    assert used.used == NOON == keys.named("ann").used
