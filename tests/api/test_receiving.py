"""The way from the inbox into the store, killed at any step."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from api.ingestion.committer import Committer
from telemetry.inbox.batches import Batch
from telemetry.inbox.inbox import Inbox
from telemetry.models import Window
from telemetry.store.beyond import RecordReader
from telemetry.store.frames import row_of
from telemetry.store.manifest import Manifest
from telemetry.store.reader import Reader
from telemetry.store.receipts import NAME, receipts
from tests.operations.command import lines_of
from tests.telemetry.store.made import gauge, span

FILES, EACH = 16, 10


def line(number: int, **more: str) -> str:
    return json.dumps({"timestamp": "2026-09-21T14:13:20.000000Z", "level": "info", "message": f"order {number} placed", **more})


def fill(home: Path) -> None:
    """An inbox of several files, each with log lines, spans and points; the files all begin alike."""
    for n in range(FILES):
        inbox = Inbox(home)
        numbers = range(n * EACH, (n + 1) * EACH)
        inbox.put(Batch("", (line(0),) * 3)).result(10)
        inbox.put(Batch(f"d{n}", tuple(map(line, numbers)), tuple(list(row_of(span(i + 1))) for i in numbers),
                        tuple(list(row_of(gauge(i, i))) for i in numbers))).result(10)
        inbox.close()


def committer(home: Path, inbox: Inbox, told: list[str]) -> Committer:
    return Committer(home, inbox, index=lambda: None, tell=told.append)


DRAIN = """
import sys
from pathlib import Path
from api.ingestion.committer import Committer
from telemetry.inbox.inbox import Inbox
from telemetry.store.receipts import receipts
home = Path(sys.argv[1])
known = receipts(home)
inbox = Inbox(home, after=known.done, known=known.known)
print("begun", flush=True)
Committer(home, inbox, index=lambda: None, tell=print).drain()
inbox.close()
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_while_the_store_is_written_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    fill(tmp_path)
    chance, kills = random.Random(seed), 0  # noqa: S311 - moments, not secrets
    for _ in range(25):
        process = subprocess.Popen([sys.executable, "-c", DRAIN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:
            break
        kills += 1
    subprocess.run([sys.executable, "-c", DRAIN, str(tmp_path)], check=True, capture_output=True)

    with RecordReader(tmp_path) as reader, closing(Reader(tmp_path)) as logs:
        spans, points = reader.spans(Window()), reader.points(Window())
        places = logs.rows(f"SELECT line_no FROM {logs._scan(logs.segments)} ORDER BY 1")
        names = [s.path for s in logs.sources.values()]
    assert kills > 2
    assert sorted(lines_of(tmp_path)) == sorted([line(0)] * 3 * FILES + [line(n) for n in range(FILES * EACH)])
    assert (len(spans), len(points)) == (FILES * EACH, FILES * EACH)
    assert [n for (n,) in places] == list(range(places[0][0], places[0][0] + FILES * (EACH + 3)))
    assert names == [NAME]
    assert (receipts(tmp_path).done, len(receipts(tmp_path).known)) == (FILES, FILES)
    assert {p.name for p in (tmp_path / "inbox").iterdir()} == {"receiver.lock"}


@pytest.mark.parametrize("after", [False, True])
def test_an_end_while_a_file_is_emptied_leaves_nothing_of_it_behind(tmp_path: Path, after: bool) -> None:
    """Whether the kill comes before or after the inbox has let the file go."""

    class Killed(Inbox):
        def emptied(self, path: Path) -> None:
            if after:
                super().emptied(path)
            raise KeyboardInterrupt

    with closing(Killed(tmp_path)) as inbox:
        inbox.put(Batch("", (line(0),))).result(10)
        with pytest.raises(KeyboardInterrupt):
            committer(tmp_path, inbox, []).drain()
    known = receipts(tmp_path)
    with closing(Inbox(tmp_path, after=known.done, known=known.known)) as again:
        committer(tmp_path, again, []).drain()

    assert lines_of(tmp_path) == [line(0)]
    assert {p.name for p in (tmp_path / "inbox").iterdir()} == {"receiver.lock"}


def test_what_can_never_be_stored_is_set_aside(tmp_path: Path) -> None:
    told: list[str] = []
    with closing(Inbox(tmp_path)) as inbox:
        inbox.put(Batch("", spans=(["too", "short"],))).result(10)
        first = committer(tmp_path, inbox, told).drain()
        inbox.put(Batch("", spans=(list(row_of(span(1))),))).result(10)
        second = committer(tmp_path, inbox, told).drain()

    with RecordReader(tmp_path) as reader:
        assert len(reader.spans(Window())) == 1
    assert (first, second) == (True, True)
    assert "set aside" in told[0]
    assert len(list((tmp_path / "damaged").iterdir())) == 1


def test_lines_without_a_service_are_of_none_known(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        inbox.put(Batch("", (line(1), line(2, service="cart")))).result(10)
        committer(tmp_path, inbox, []).drain()

    with closing(Reader(tmp_path)) as reader:
        assert reader.rows(f"SELECT service FROM {reader._scan(reader.segments)} ORDER BY line_no") == [("unknown_service",), ("cart",)]


def test_a_store_whose_first_writer_was_killed_at_once_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "manifest.db").touch()

    assert receipts(tmp_path).done == 0
    with closing(Inbox(tmp_path)) as inbox:
        inbox.put(Batch("", spans=(list(row_of(span(1))),))).result(10)
        assert committer(tmp_path, inbox, []).drain()


def test_a_held_lock_is_told_once_and_waited_for(tmp_path: Path) -> None:
    told: list[str] = []
    writing = Manifest(tmp_path, write=True)
    with closing(Inbox(tmp_path)) as inbox:
        work = committer(tmp_path, inbox, told)
        inbox.put(Batch("", spans=(list(row_of(span(1))),))).result(10)
        held = [work.drain(), work.drain()]
        writing.close()
        free = work.drain()

    assert (held, free, len(told)) == ([False, False], True, 2)
    assert "waits in the inbox" in told[0]
