"""The inbox keeps what it acknowledged and forgets what it did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.errors import StoreError, WriterBusyError
from telemetry.inbox.batches import Batch, batch_of, read, written
from telemetry.inbox.inbox import Inbox, InboxFullError

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.floats(allow_nan=False), max_size=2)
ROWS = st.lists(st.lists(VALUES, max_size=4), max_size=3).map(tuple)


def batch(number: int, size: int = 10) -> Batch:
    return Batch(f"d{number}", (f"{number:0{size}}",))


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    made = Inbox(tmp_path)
    yield made
    made.close()


def held(inbox: Inbox) -> list[str]:
    return [line for path in inbox.seal() for found in read(path) if found for line in found.lines]


@given(st.text(), st.lists(st.text()).map(tuple), ROWS, ROWS)
def test_a_batch_comes_back_as_it_was(digest: str, lines: tuple[str, ...], spans: Any, points: Any) -> None:
    line = written(Batch(digest, lines, spans, points))

    assert batch_of(line) == Batch(digest, lines, spans, points)
    assert line.count(b"\n") == 1


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    line = bytearray(written(batch(1)))
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= data.draw(st.integers(1, 255))

    assert batch_of(bytes(line)) is None


def test_what_was_put_is_in_sealed_files_until_emptied(inbox: Inbox) -> None:
    for n in range(3):
        inbox.put(batch(n)).result(10)
    files = inbox.seal()
    inbox.put(batch(3)).result(10)

    assert held(inbox) == [f"{n:010}" for n in range(4)]
    for path in files:
        inbox.emptied(path)
    assert held(inbox) == [f"{3:010}"]
    assert inbox.size == len(written(batch(3)))


def test_a_request_sent_again_is_kept_once(tmp_path: Path, inbox: Inbox) -> None:
    inbox.put(batch(1)).result(10)
    inbox.put(batch(1)).result(10)
    inbox.put(Batch("", ("same",))).result(10)
    inbox.put(Batch("", ("same",))).result(10)
    inbox.close()

    again = Inbox(tmp_path, known={"d7": 0.0})
    again.put(batch(1)).result(10)
    again.put(batch(7)).result(10)

    assert held(again) == [f"{1:010}", "same", "same"]
    again.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_anywhere_loses_only_the_cut_batch(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    home = tmp_path_factory.mktemp("home")
    inbox = Inbox(home)
    for n in range(4):
        inbox.put(batch(n)).result(10)
    inbox.close()
    [path] = (home / "inbox").glob("*.wal")
    size = len(written(batch(0)))
    cut = data.draw(st.integers(0, 4 * size))
    os.truncate(path, cut)

    again = Inbox(home)
    again.put(batch(9)).result(10)

    assert held(again) == [f"{n:010}" for n in [*range(cut // size), 9]]
    again.close()


def test_numbers_go_on_where_the_store_is(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, after=41)
    inbox.put(batch(1)).result(10)

    assert [p.name for p in inbox.seal()] == ["0000000042.wal"]
    inbox.close()


def test_a_damaged_entry_is_counted_and_the_rest_is_kept(tmp_path: Path, inbox: Inbox) -> None:
    for n in range(3):
        inbox.put(batch(n)).result(10)
    inbox.close()
    [path] = (tmp_path / "inbox").glob("*.wal")
    path.write_bytes(path.read_bytes().replace(b"0000000001", b"0000000007"))

    again = Inbox(tmp_path)

    assert (again.damaged, held(again)) == (1, [f"{0:010}", f"{2:010}"])
    again.close()


def test_a_full_inbox_says_when_to_come_again(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, most_bytes=1000)
    inbox.put(batch(1, 500)).result(10)

    with pytest.raises(InboxFullError, match="not in the store yet") as refused:
        inbox.put(batch(2, 500))
    for path in inbox.seal():
        inbox.emptied(path)
    inbox.put(batch(2, 500)).result(10)

    assert refused.value.again == 10
    inbox.close()


def test_a_full_disk_fails_the_append_and_leaves_no_half(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from telemetry.errors import StoreError
from telemetry.inbox.batches import Batch
from telemetry.inbox.inbox import Inbox
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
inbox = Inbox(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
inbox.put(Batch("a", ("x" * 1000,))).result(10)
try:
    inbox.put(Batch("b", ("y" * 5000,))).result(10)
except StoreError as error:
    print(error)
inbox.put(Batch("c", ("z" * 10,))).result(10)
inbox.close()
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    inbox = Inbox(tmp_path)

    assert "cannot be written" in done.stdout
    assert (inbox.damaged, held(inbox)) == (0, ["x" * 1000, "z" * 10])
    inbox.close()


def test_one_process_receives_into_a_home(tmp_path: Path, inbox: Inbox) -> None:
    with pytest.raises(WriterBusyError, match="receives into this home"):
        Inbox(tmp_path)


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(StoreError, match="inbox cannot be used"):
        Inbox(tmp_path / "home")


PUT_FOR_EVER = """
import sys
from pathlib import Path
from telemetry.inbox.batches import Batch
from telemetry.inbox.inbox import Inbox
inbox = Inbox(Path(sys.argv[1]))
for n in range(10**9):
    inbox.put(Batch(f"d{n}", (str(n),))).result()
    print(n, flush=True)
"""


def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", PUT_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for _ in range(50):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    last = int((process.communicate()[0].split() or ["49"])[-1])

    inbox = Inbox(tmp_path)

    assert held(inbox) in ([str(n) for n in range(last + 1)], [str(n) for n in range(last + 2)])
    inbox.close()
