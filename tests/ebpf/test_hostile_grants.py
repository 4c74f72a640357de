"""A grant is used once, whatever becomes of the disk, the clock and the folders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ebpf.daemon.node import Node
from ebpf.daemon.settings import DaemonSettings
from ebpf.daemon.used import Used
from ebpf.errors import GrantError, SessionError
from ebpf.grants import Grant, grant, public_keys, public_text
from ebpf.spec import spec_from

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SPEC = spec_from({"name": "http", "target": {"port": 80}})


def made(at: datetime = NOW) -> Grant:
    return grant(SPEC, "node-1", "ap", ("ann",), at)


@pytest.mark.parametrize("cut", [1, 10, 33, 40])
def test_a_line_that_was_cut_spoils_no_other(tmp_path: Path, cut: int) -> None:
    first, second, third = made(), made(), made()
    Used(tmp_path / "used").take(first, NOW)
    with (tmp_path / "used").open("r+") as file:
        file.truncate((tmp_path / "used").stat().st_size - cut)
    Used(tmp_path / "used").take(second, NOW)
    Used(tmp_path / "used").take(third, NOW)

    for one in (second, third):
        with pytest.raises(GrantError, match="used before"):
            Used(tmp_path / "used").take(one, NOW)


def test_a_clock_that_is_set_back_makes_nothing_unused(tmp_path: Path) -> None:
    first = made()
    used = Used(tmp_path / "used")
    used.take(first, NOW)
    later = NOW + timedelta(days=1)
    for _ in range(1001):
        used.take(made(later), later)
    assert first.ident not in (tmp_path / "used").read_text()

    with pytest.raises(GrantError):
        Used(tmp_path / "used").take(first, NOW)


def test_a_crash_while_it_is_tidied_forgets_nothing(tmp_path: Path) -> None:
    used, later = Used(tmp_path / "used"), NOW + timedelta(days=1)
    for _ in range(1001):
        used.take(made(), NOW)
    used.take(kept := made(later), later)
    (tmp_path / "used.new").write_text("half of wh")

    with pytest.raises(GrantError, match="used before"):
        Used(tmp_path / "used").take(kept, later)
    Used(tmp_path / "used").take(made(later), later)


def test_without_room_for_its_line_a_grant_is_refused_and_not_used(tmp_path: Path) -> None:
    (tmp_path / "used").symlink_to("/dev/full")

    with pytest.raises(GrantError, match="cannot be kept"):
        Used(tmp_path / "used").take(made(), NOW)
    (tmp_path / "used").unlink()
    (tmp_path / "used").mkdir()
    with pytest.raises(GrantError, match="cannot be kept"):
        Used(tmp_path / "used").take(made(), NOW)


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine\n")
    (tmp_path / "used").symlink_to(other)

    with pytest.raises(GrantError, match="cannot be kept"):
        Used(tmp_path / "used").take(made(), NOW)
    assert other.read_text() == "mine\n"


def test_a_file_that_is_taken_away_makes_nothing_unused_while_the_daemon_runs(tmp_path: Path) -> None:
    used, one = Used(tmp_path / "used"), made()
    used.take(one, NOW)
    (tmp_path / "used").unlink()

    with pytest.raises(GrantError, match="used before"):
        used.take(one, NOW)


def test_keys_that_others_could_have_put_there_are_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "home.pem").write_text(public_text(Ed25519PrivateKey.generate()))
    assert len(public_keys(folder)) == 1

    folder.chmod(0o777)
    with pytest.raises(GrantError, match="others can write"):
        public_keys(folder)
    folder.chmod(0o755)
    (folder / "home.pem").chmod(0o664)
    with pytest.raises(GrantError, match="others can write"):
        public_keys(folder)


def test_a_state_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)

    with pytest.raises(SessionError, match="others can write"):
        Node(DaemonSettings("here", tmp_path / "state", tmp_path), lambda: NOW)
