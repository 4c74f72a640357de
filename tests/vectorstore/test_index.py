"""The template index: Chroma for the owner, a snapshot for readers, repair when torn."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry.models import Template
from vectorstore.embedding import LexicalEmbedder
from vectorstore.index import COLLECTION, IndexBusy, TemplateIndex, meaning


def template(display: str, count: int = 1) -> Template:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    return Template(
        id=f"t-{display}", pattern=display, display=display, params=(), count=count, first_seen=day,
        last_seen=None, examples=("one", "two"), services=("sshd", "cron"),
    )  # fmt: skip


FAILED, CLOSED, DISK = template("Failed password"), template("Connection closed"), template("Disk full")


def index(folder: Path) -> TemplateIndex:
    return TemplateIndex(folder, LexicalEmbedder())


def rows(folder: Path) -> dict[str, Any]:
    import chromadb

    client = chromadb.PersistentClient(path=str(folder / "chroma"))
    try:
        found: dict[str, Any] = client.get_collection(COLLECTION, embedding_function=None).get()
    finally:
        client.close()
    return found


def test_nearest_template_comes_first(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED, CLOSED, DISK])

    found = index(tmp_path).search("the disk is full", 2)

    assert found[0][0] == DISK.id
    assert len(found) == 2


def test_search_before_sync_finds_nothing(tmp_path: Path) -> None:
    assert index(tmp_path).search("anything") == []


def test_sync_removes_what_went(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED, CLOSED])
    index(tmp_path).sync([CLOSED, DISK])

    assert sorted(rows(tmp_path)["ids"]) == sorted([CLOSED.id, DISK.id])
    assert {id_ for id_, _ in index(tmp_path).search("x", 9)} == {CLOSED.id, DISK.id}


def test_sync_to_nothing_is_empty(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])
    index(tmp_path).sync([])

    assert index(tmp_path).search("failed") == []


def test_metadata_follows_the_template(tmp_path: Path) -> None:
    index(tmp_path).sync([template("Disk full", 1)])
    index(tmp_path).sync([template("Disk full", 7)])

    (held,) = rows(tmp_path)["metadatas"]

    assert held["count"] == 7
    assert held["first_seen"] == "2026-03-01T00:00:00+00:00"
    assert held["services"] == "sshd, cron"


def test_torn_collection_is_rebuilt(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])
    database = tmp_path / "chroma" / "chroma.sqlite3"
    database.write_bytes(database.read_bytes()[:5000])
    again = index(tmp_path)

    again.sync([FAILED, DISK])

    assert sorted(rows(tmp_path)["ids"]) == sorted([FAILED.id, DISK.id])
    assert len(list(tmp_path.glob("chroma.broken-*"))) == 1
    assert "rebuilt" in again.notes[0]


def test_torn_snapshot_is_told(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])
    (tmp_path / "vectors.npz").write_bytes(b"PK\x03\x04 torn")
    reader = index(tmp_path)

    assert reader.search("failed") == []
    assert "could not be read" in reader.notes[0]


def test_open_reader_sees_new_templates(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])
    reader = index(tmp_path)
    reader.search("disk")

    index(tmp_path).sync([FAILED, DISK])

    assert reader.search("disk full", 1)[0][0] == DISK.id


def test_two_processes_read_meanwhile(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])
    code = (
        "import sys, time; from pathlib import Path;"
        "from vectorstore.embedding import LexicalEmbedder; from vectorstore.index import TemplateIndex;"
        "i = TemplateIndex(Path(sys.argv[1]), LexicalEmbedder()); end = time.time() + 20;"
        "print('up', flush=True)\n"
        "while time.time() < end and i.search('disk full', 1)[0][0] != 't-Disk full': time.sleep(0.01)\n"
        "assert 'chromadb' not in sys.modules; print(i.search('disk full', 1)[0][0], i.notes)"
    )
    readers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        reader.stdout.readline()

    for count in range(1, 8):
        index(tmp_path).sync([template("Failed password", count)])
    index(tmp_path).sync([FAILED, DISK])

    assert [reader.communicate()[0].strip() for reader in readers] == ["t-Disk full []"] * 2


def test_second_writer_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "owner.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(IndexBusy):
            index(tmp_path).sync([FAILED])


def test_other_model_embeds_anew(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED, DISK])

    found = TemplateIndex(tmp_path, LexicalEmbedder(64)).search("disk full", 1)

    assert found[0][0] == DISK.id


def test_collection_follows_the_model(tmp_path: Path) -> None:
    index(tmp_path).sync([FAILED])

    TemplateIndex(tmp_path, LexicalEmbedder(64)).sync([FAILED])

    assert rows(tmp_path)["ids"] == [FAILED.id]


def test_meaning_splits_names() -> None:
    assert meaning("BLOCK* NameSystem.addStoredBlock: <ip>") == "block name system add stored block ip"
