"""A file that grows, is rotated and truncated while the command follows it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.command import begin, document, end, lines_of, log, oncalm, wait_until


def append(path: Path, text: str) -> None:
    with path.open("a") as handle:
        handle.write(text)


def holds(home: Path, count: int) -> None:
    wait_until(lambda: len(lines_of(home)) >= count)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_growing_file_is_followed_and_ends_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text(log(3))
    following = begin(home, "ingest", path, "--follow", "--json")
    holds(home, 3)
    append(path, log(2, 3) + "2026-01-01 00:00:05,000 INFO [main] app.W")
    holds(home, 5)
    append(path, "eb: request 5 done\n")

    done = end(following, how)

    assert done.returncode == 0
    assert lines_of(home) == log(6).splitlines()
    assert document(done)["lines"] == 6


def test_rename_and_create_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text(log(3))
    following = begin(home, "ingest", path, "--follow")
    holds(home, 3)
    with path.open("a") as slow:
        path.rename(tmp_path / "app.log.1")
        path.write_text(log(4, 100))
        holds(home, 7)
        slow.write(log(2, 3))  # a writer that has not noticed
    holds(home, 9)
    end(following)

    assert sorted(lines_of(home)) == sorted((log(5) + log(4, 100)).splitlines())
    again = oncalm(home, "ingest", tmp_path / "app.log", tmp_path / "app.log.1", "--json")
    assert (again.returncode, document(again)["lines"]) == (0, 0)


def test_copytruncate_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text(log(3))
    following = begin(home, "ingest", path, "--follow")
    holds(home, 3)
    append(path, log(2, 3))
    shutil.copy(path, tmp_path / "app.log.1")
    os.truncate(path, 0)
    append(path, log(40, 100))
    holds(home, 45)

    end(following)

    assert sorted(lines_of(home)) == sorted((log(5) + log(40, 100)).splitlines())


def test_killed_and_followed_again_after_rotation(tmp_path: Path) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text(log(3))
    following = begin(home, "ingest", path, "--follow")
    holds(home, 3)
    end(following, signal.SIGKILL)
    append(path, log(2, 3))
    path.rename(tmp_path / "app.log.1")
    path.write_text(log(4, 100))

    following = begin(home, "ingest", path, "--follow")
    holds(home, 9)
    done = end(following)

    assert done.returncode == 0
    assert sorted(lines_of(home)) == sorted((log(5) + log(4, 100)).splitlines())


def test_several_writers_and_kills_keep_every_line_once(tmp_path: Path) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text("")
    code = ("import sys, time\nfor i in range(60):\n open(sys.argv[1], 'a').write(f'2026-01-01 00:00:00 INFO "
            "writer {sys.argv[2]} number {i} \\n'); time.sleep(0.04)")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    for _ in range(2):
        following = begin(home, "ingest", path, "--follow")
        held = len(lines_of(home))
        holds(home, held + 10)
        end(following, signal.SIGKILL)
    for writer in writers:
        writer.wait()

    following = begin(home, "ingest", path, "--follow")
    holds(home, 180)
    end(following)

    assert lines_of(home) == path.read_text().splitlines()


def test_trace_that_comes_late_joins_its_record(tmp_path: Path) -> None:
    path, home = tmp_path / "app.log", tmp_path / "home"
    path.write_text("2026-01-01 00:00:00,000 ERROR [main] app.Web: boom\n")
    following = begin(home, "ingest", path, "--follow")
    holds(home, 1)
    append(path, "java.lang.IllegalStateException: bad\n\tat app.Web.run(Web.java:3)\n" + log(1, 1))
    holds(home, 2)
    end(following)

    assert [text.count("\n") for text in lines_of(home)] == [2, 0]


def test_what_cannot_be_followed_is_told(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "a.gz").write_bytes(gzip.compress(log(2).encode()))

    packed = oncalm(tmp_path / "home", "ingest", tmp_path / "a.gz", "--follow", "--json")
    two = oncalm(tmp_path / "home", "ingest", tmp_path / "a.gz", tmp_path / "test", "--follow", "--json")

    assert (packed.returncode, "compressed" in document(packed)["error"]["message"]) == (1, True)
    assert (two.returncode, two.stdout.count("\n")) == (1, 1)
