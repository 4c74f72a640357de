"""A cache on disk is a saving or nothing: what was changed, pickled or cannot be opened is a miss, and is told of."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from diskcache.core import MODE_PICKLE

from agent.cache.disk import PlainCache


def test_value_comes_back_in_another_cache_of_the_folder(tmp_path: Path) -> None:
    PlainCache(tmp_path / "c").put("a", {"text": "Ä", "n": [1, None, 2.5]})

    assert PlainCache(tmp_path / "c").get("a") == {"text": "Ä", "n": [1, None, 2.5]}


def test_value_lives_no_longer_than_it_may(tmp_path: Path) -> None:
    cache = PlainCache(tmp_path / "c")
    cache.put("a", 1, seconds=0.05)
    time.sleep(0.1)

    assert cache.get("a") is None
    assert cache.problems == []


def _rows(folder: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(folder / "cache.db") as db:
        db.execute(sql, values)


def test_changed_value_is_not_used(tmp_path: Path) -> None:
    PlainCache(tmp_path / "c").put("a", {"answer": "restart nothing"})
    raw = sqlite3.connect(tmp_path / "c" / "cache.db").execute("SELECT value FROM Cache").fetchone()[0]
    _rows(tmp_path / "c", "UPDATE Cache SET value = ?", bytes(raw).replace(b"nothing", b"all now"))
    cache = PlainCache(tmp_path / "c")

    assert cache.get("a") is None
    assert "changed from outside" in cache.problems[0]


def test_value_moved_to_another_key_is_not_used(tmp_path: Path) -> None:
    cache = PlainCache(tmp_path / "c")
    cache.put("staging", "ok")
    _rows(tmp_path / "c", "UPDATE Cache SET key = 'production'")

    assert PlainCache(tmp_path / "c").get("production") is None


def test_pickled_row_is_refused_and_never_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> object:
            return os.mkdir, (str(tmp_path / "exploded"),)

    PlainCache(tmp_path / "c").put("a", 1)
    _rows(tmp_path / "c", "UPDATE Cache SET mode = ?, value = ?", MODE_PICKLE, pickle.dumps(Bomb()))
    cache = PlainCache(tmp_path / "c")

    assert cache.get("a") is None
    assert not (tmp_path / "exploded").exists()
    assert cache.problems


@pytest.mark.parametrize(("content", "kept"), [
    (b"", 1), (b"not a database, whatever its name says", None), (b"SQLite format 3\0" + bytes(5000), None),
])
def test_file_that_is_no_database_costs_nothing_but_the_saving(tmp_path: Path, content: bytes, kept: int | None) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "cache.db").write_bytes(content)
    cache = PlainCache(tmp_path / "c")
    cache.put("a", 1)

    assert cache.get("a") == kept
    assert bool(cache.problems) is (kept is None)


def test_settings_of_another_hand_are_no_error(tmp_path: Path) -> None:
    PlainCache(tmp_path / "c").put("a", 1)
    _rows(tmp_path / "c", "UPDATE Settings SET value = 'nonsense' WHERE key = 'eviction_policy'")
    cache = PlainCache(tmp_path / "c")
    cache.put("b", 2)

    assert cache.get("a") is None
    assert cache.get("b") is None
    assert cache.problems


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = PlainCache(tmp_path / "file" / "c")
    cache.put("a", 1)

    assert cache.get("a") is None
    assert str(tmp_path / "file" / "c") in cache.problems[0]


def test_full_disk_is_told(tmp_path: Path) -> None:
    mount = shutil.which("mount")
    (tmp_path / "small").mkdir()
    if os.geteuid() != 0 or mount is None or subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path / "small")], check=False, capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted by root")
    try:
        cache = PlainCache(tmp_path / "small" / "c")
        for n in range(40):
            cache.put(f"k{n}", "x" * 20_000)
        cache.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "small")], check=True)  # noqa: S607 - found on the path

    assert "went on without it" in cache.problems[0]


def test_writer_that_is_killed_leaves_a_usable_cache(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from agent.cache.disk import PlainCache; c = PlainCache(Path({str(tmp_path / 'c')!r}))\n" \
           "print('on', flush=True)\nfor n in range(10**6): c.put(f'k{n}', ['v'] * 500)"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.1)
        process.kill()
        process.wait()
    cache = PlainCache(tmp_path / "c")
    cache.put("mine", 1)

    assert cache.get("mine") == 1
    assert cache.get("k0") == ["v"] * 500
    assert cache.problems == []


def test_changes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from agent.cache.disk import PlainCache; c = PlainCache(Path({str(tmp_path / 'c')!r}))\n" \
           "for n in range(30): c.change('n', lambda old: (old or 0) + 1)"
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]

    assert PlainCache(tmp_path / "c").get("n") == 90
