"""Homes that are full, closed, damaged, newer or busy."""

# ruff: noqa: S607 - system tools are found by their name
from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.wiring.product import Product
from telemetry.store.manifest import Manifest
from tests.operations.command import begin, document, lines_of, log, oncalm, root


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory, or a skip with the reason."""
    folder.mkdir(exist_ok=True)
    if not root():
        pytest.skip("only root may mount a small file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A home with a few records and an index."""
    (tmp_path / "a.log").write_text(log(20))
    product = Product(tmp_path / "home")
    product.ingest([tmp_path / "a.log"])
    product.index()
    return product.home


def test_full_disk_is_told_and_the_next_run_goes_on(tmp_path: Path) -> None:
    text = "".join(f"2026-01-01 00:00:00 INFO put {os.urandom(20).hex()}\n" for _ in range(110_000))
    (tmp_path / "a.log").write_text(text)
    with mounted(tmp_path / "disk", "size=5m") as disk:
        full = oncalm(disk / "home", "ingest", tmp_path / "a.log", "--json")
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        then = oncalm(disk / "home", "ingest", tmp_path / "a.log", "--json")
        kept = lines_of(disk / "home")

    assert full.returncode == 1
    assert "space" in full.stderr
    assert then.returncode == 0
    assert kept == text.splitlines()


def test_read_only_home_answers_and_refuses_to_write(tmp_path: Path, filled: Path) -> None:
    with mounted(tmp_path / "disk", "size=60m") as disk:
        subprocess.run(["cp", "-r", str(filled), str(disk / "home")], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        asked = oncalm(disk / "home", "ask", "how many lines", "--json")
        talked = oncalm(disk / "home", "ask", "how many lines", "--conversation", "x", "--json")
        written = oncalm(disk / "home", "ingest", tmp_path / "a.log", "--json")
        dropped = oncalm(disk / "home", "retain", "--older-than", "1d", "--json")

    assert (asked.returncode, document(asked)["result"]["value"]) == (0, 20)
    assert "cannot be" in document(talked)["error"]["message"]
    assert "--home" in document(written)["error"]["remedy"]
    assert (written.returncode, dropped.returncode) == (1, 1)


@pytest.mark.parametrize("junk", [b"PAR1" + b"\0" * 100 + b"PAR1", None])
def test_lost_segment_is_named_and_the_rest_goes_on(tmp_path: Path, filled: Path, junk: bytes | None) -> None:
    (tmp_path / "b.log").write_text(log(5, 1000))
    segment = next((filled / "records").rglob("*.parquet"))
    segment.unlink() if junk is None else segment.write_bytes(junk)

    examined = oncalm(filled, "doctor", "--json")
    read = oncalm(filled, "ingest", tmp_path / "b.log")
    mended = oncalm(filled, "doctor", "--repair", "--json")
    asked = oncalm(filled, "ask", "how many lines", "--json")

    assert examined.returncode == 1
    assert segment.name in examined.stdout
    assert (read.returncode, mended.returncode) == (0, 0)
    assert document(asked)["result"]["value"] == 5


@pytest.mark.parametrize("junk", [b"", b"[]", b'{"version": 1}', b"\xff\xfe"])
def test_lost_miner_state_is_made_again(tmp_path: Path, filled: Path, junk: bytes) -> None:
    before = [t.id for t in Product(filled).catalog().templates]
    (filled / "drain.json").write_bytes(junk)
    (tmp_path / "a.log").write_text(log(25))

    Product(filled).ingest([tmp_path / "a.log"])

    assert [t.id for t in Product(filled).catalog().templates] == before
    assert len(lines_of(filled)) == 25


@pytest.mark.parametrize("keep", [50, 5000])
def test_damaged_manifest_is_told_by_every_command(tmp_path: Path, filled: Path, keep: int) -> None:
    path = filled / "manifest.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(path.read_bytes()[:keep] + b"junk" * 2000)

    for words in (["ask", "errors"], ["ingest", str(tmp_path / "a.log")]):
        done = oncalm(filled, *words, "--json")
        assert done.returncode == 1, words
        assert document(done)["error"]["remedy"]
    assert "into a new one" in oncalm(filled, "doctor").stdout.replace("\n", " ")


def test_damaged_conversations_are_told_and_set_aside(filled: Path) -> None:
    (filled / "conversations.db").write_bytes(b"SQLite format 3\0" + b"junk" * 3000)

    asked = oncalm(filled, "ask", "how many lines", "--conversation", "x", "--json")
    mended = oncalm(filled, "doctor", "--repair")
    again = oncalm(filled, "ask", "how many lines", "--conversation", "x", "--json")

    assert (asked.returncode, list(document(asked))) == (1, ["error"])
    assert "conversations" in document(asked)["error"]["where"] + document(asked)["error"]["message"]
    assert (mended.returncode, again.returncode) == (0, 0)


@pytest.mark.parametrize("name", ["vectors.npz", "chroma/chroma.sqlite3"])
def test_damaged_index_heals(tmp_path: Path, filled: Path, name: str) -> None:
    (filled / "templates" / name).write_bytes(b"junk" * 2000)

    asked = oncalm(filled, "ask", "how many lines", "--json")
    (tmp_path / "b.log").write_text("2026-01-01 00:00:00 ERROR disk full\n")
    read = oncalm(filled, "ingest", tmp_path / "b.log", "--json")

    assert (asked.returncode, document(asked)["result"]["value"]) == (0, 20)
    assert read.returncode == 0
    assert oncalm(filled, "doctor").returncode == 0


def test_home_of_a_newer_schema_is_left_alone(tmp_path: Path, filled: Path) -> None:
    with sqlite3.connect(filled / "manifest.db") as db:
        db.execute("PRAGMA user_version = 99")

    for words in (["ask", "errors"], ["ingest", str(tmp_path / "a.log")], ["retain", "--older-than", "1d"]):
        assert "newer" in document(oncalm(filled, *words, "--json"))["error"]["message"]
    assert "newer" in oncalm(filled, "doctor").stdout


def test_second_writer_is_told_who_writes(tmp_path: Path, filled: Path) -> None:
    held = Manifest(filled, write=True)
    done = oncalm(filled, "ingest", tmp_path / "a.log", "--json")
    held.close()

    assert done.returncode == 1
    assert str(os.getpid()) in document(done)["error"]["message"]


def test_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    (tmp_path / "a.log").write_text(log(1))

    for words in (["ask", "errors"], ["ingest", str(tmp_path / "a.log")], ["doctor"]):
        assert oncalm(tmp_path / "home", *words, "--json").returncode == 1


@pytest.mark.parametrize("words", [["ask", "how many errors"], ["templates"], ["retain", "--older-than", "1d"], ["doctor"]])
def test_empty_home_names_the_remedy_and_stays_empty(tmp_path: Path, words: list[str]) -> None:
    done = oncalm(tmp_path / "home", *words, "--json")

    assert done.returncode == 1
    assert "oncalm ingest PATH" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_readers_ask_while_a_writer_adds_and_compacts(tmp_path: Path, filled: Path) -> None:
    code = ("import sys; from pathlib import Path; from api.wiring.product import Product\n"
            "p = Product(Path(sys.argv[1])); counts = []\n"
            "for _ in range(8):\n a = p.ask('how many lines'); assert 'error' not in a['evidence'][0], a\n"
            " assert not [n for n in a['notes'] if 'missing' in n], a\n counts.append(a['result']['value'])\n"
            "print(counts == sorted(counts))")
    readers = [subprocess.Popen([sys.executable, "-c", code, str(filled)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    product, count = Product(filled), 20
    while any(reader.poll() is None for reader in readers):
        (tmp_path / "a.log").write_text(log(count := count + 1))
        product.ingest([tmp_path / "a.log"])

    assert [reader.communicate()[0].strip() for reader in readers] == ["True"] * 2
    assert lines_of(filled) == log(count).splitlines()


@pytest.mark.parametrize("words", [["ask", "x", "--bogus"], ["ask", "x", "--analyst", "magic"], ["retain", "--older-than", "3 parsecs"]])
def test_usage_errors_are_documents_too(filled: Path, words: list[str]) -> None:
    done = oncalm(filled, *words, "--json")

    assert done.returncode == 2
    assert document(done)["error"]["message"]


def test_reader_that_stops_early_is_no_failure(filled: Path) -> None:
    process = begin(filled, "ask", "show all lines", "--json")
    assert process.stdout
    process.stdout.close()

    assert process.wait(60) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
