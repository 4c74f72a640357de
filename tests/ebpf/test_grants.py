"""A grant is good for exactly one probe, on one node, until a deadline, once."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ebpf.daemon.used import Used
from ebpf.errors import GrantError, SpecError
from ebpf.grants import Grant, grant, private_key, public_keys, public_text, sign, verified
from ebpf.spec import spec_from

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
SPEC = spec_from({"name": "http", "target": {"pid": 7, "started": 99}, "seconds": 30})


def made(**changed: object) -> Grant:
    from dataclasses import replace

    return replace(grant(SPEC, "node-1", "ap-1", ("ann",), NOW), **changed)  # type: ignore[arg-type] # any field


def test_what_was_signed_is_what_is_granted() -> None:
    one = made()

    assert verified(sign(one, KEY), [Ed25519PrivateKey.generate().public_key(), KEY.public_key()], "node-1", NOW) == one


@pytest.mark.parametrize(("node", "later", "told"), [
    ("node-2", timedelta(0), "it is for node node-1, and this is node-2"),
    ("node-1", timedelta(minutes=2), "it ended at"),
    ("node-1", timedelta(minutes=-1), "it was made at"),
])
def test_another_node_or_time_is_refused(node: str, later: timedelta, told: str) -> None:
    with pytest.raises(GrantError, match=told):
        verified(sign(made(), KEY), [KEY.public_key()], node, NOW + later)


def test_without_an_approver_it_is_refused() -> None:
    with pytest.raises(GrantError, match="nobody approved it"):
        verified(sign(made(approvers=()), KEY), [KEY.public_key()], "node-1", NOW)


def test_an_edited_approval_is_refused() -> None:
    signed = sign(made(), KEY)
    told = json.loads(base64.b64decode(signed["content"]))
    told["spec"]["seconds"] = 600
    signed["content"] = base64.b64encode(json.dumps(told).encode()).decode()

    with pytest.raises(GrantError, match="no key that this node trusts signed this"):
        verified(signed, [KEY.public_key()], "node-1", NOW)


@pytest.mark.parametrize("signed", [{}, {"content": "x", "signature": "y"}, {"content": 1, "signature": None}, {"content": "", "signature": ""}])
def test_garbage_is_refused(signed: dict[str, object]) -> None:
    with pytest.raises(GrantError):
        verified(signed, [KEY.public_key()], "node-1", NOW)


def test_another_use_of_the_same_key_is_no_grant() -> None:
    content = base64.b64decode(sign(made(), KEY)["content"])
    signed = {"content": base64.b64encode(content).decode(), "signature": base64.b64encode(KEY.sign(content)).decode()}

    with pytest.raises(GrantError):
        verified(signed, [KEY.public_key()], "node-1", NOW)


def test_a_node_without_keys_trusts_nobody(tmp_path: Path) -> None:
    with pytest.raises(GrantError, match="this node trusts no key"):
        verified(sign(made(), KEY), public_keys(tmp_path), "node-1", NOW)


def test_a_grant_is_used_once_also_in_a_race_and_after_a_restart(tmp_path: Path) -> None:
    one, won, lost = made(), [], []

    def take() -> None:
        try:
            Used(tmp_path / "used").take(one, NOW)
            won.append(1)
        except GrantError:
            lost.append(1)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(lost)) == (1, 19)
    with pytest.raises(GrantError, match="used before"):
        Used(tmp_path / "used").take(one, NOW)


def test_old_grants_are_forgotten_and_new_ones_are_not(tmp_path: Path) -> None:
    used = Used(tmp_path / "used")
    for _ in range(1001):
        used.take(made(ident=f"{_:032x}", deadline=NOW - timedelta(hours=1)), NOW)
    used.take(kept := made(), NOW)

    assert len((tmp_path / "used").read_text().splitlines()) < 10
    with pytest.raises(GrantError):
        used.take(kept, NOW)


def test_a_home_makes_its_key_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    keys = {public_text(private_key(tmp_path / "key")) for _ in range(3)}

    assert len(keys) == 1
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(GrantError, match="others can read it"):
        private_key(tmp_path / "key")


@pytest.mark.parametrize(("document", "told"), [
    ({"name": "kprobe", "target": {"port": 80}}, "there is no probe 'kprobe'"),
    ({"name": "http", "target": {}}, "a target needs"),
    ({"name": "http", "target": {"pid": 1, "container": "a" * 12}}, "only one of"),
    ({"name": "http", "target": {"port": 80}, "seconds": 601}, "seconds"),
    ({"name": "http", "target": {"port": 80}, "code": "int x;"}, "code"),
    ({"name": "http", "target": {"cgroup": "/../etc"}}, "without .."),
    ({"name": "http", "target": {"container": "web; rm"}}, "hex digits"),
    ({"name": "http", "target": {"port": 80}, "options": {"depth": 1}}, "no option"),
    ({"name": "http", "target": {"port": 80}, "options": {"queue_wait": 7}}, "0 to 1"),
    ({"name": "http", "target": {"port": 80}, "budget": 10**6}, "budget"),
])
def test_what_the_catalogue_does_not_know_is_refused_by_name(document: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        spec_from(document)
