"""Runbooks are found by meaning and service, and what cannot be read is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.output import render
from tools.registry import ToolResult
from tools.runbook_files import Runbook, read
from tools.runbooks import runbook_tools

POOL = """---
title: Connection pool exhausted
services: [payments, orders]
symptoms:
  - timeouts while taking a connection
tags: [database, 5]
owner: team-db
---
Text before.

# Check
Look at the number of connections.
```
# not a heading
```
## Fix
Raise the pool size, then restart one replica at a time.
"""
DISK = "# Disk full\nDelete old archives in /var/tmp.\n"


class Topics:
    """An embedder that knows two topics, whatever the spelling."""

    lexical = False

    def embed(self, texts: Any) -> Any:
        return np.array([[float("pool" in t or "saturated" in t), float("isk" in t), 0.1] for t in texts], dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    books = tmp_path / "books"
    (books / "storage").mkdir(parents=True)
    (books / "pool.md").write_text(POOL)
    (books / "storage" / "disk.md").write_text(DISK)
    return books


def find(folder: Path | None, words: str, **rest: Any) -> ToolResult:
    return runbook_tools(folder, rest.pop("embedder", None)).call("runbooks.find", {"words": words, **rest})


def found(result: ToolResult) -> list[str]:
    return [passage["source"] for passage in (result.output or {}).get("passages", [])]


def test_no_folder_is_not_assessed(tmp_path: Path) -> None:
    assert find(None, "disk full").status == "not_assessed"
    assert find(tmp_path / "gone", "disk full").status == "not_assessed"


def test_words_find_by_spelling_and_say_so(folder: Path) -> None:
    result = find(folder, "disk is full")

    assert found(result) == ["storage/disk.md"]
    assert "by spelling" in result.notes[0]


def test_meaning_finds_other_words(folder: Path) -> None:
    result = find(folder, "all backends saturated", embedder=Topics())

    assert found(result) == ["pool.md"]
    assert result.notes == []


def test_service_is_matched_exactly(folder: Path) -> None:
    own = find(folder, "anything", service="payments")
    other = find(folder, "connection pool exhausted", service="payments-v2")

    assert found(own) == ["pool.md"]
    assert found(other) == []
    assert "no runbook names the service 'payments-v2'" in " ".join(other.notes)


def test_nothing_found_says_how_many_were_searched(folder: Path) -> None:
    result = find(folder, "zzz", embedder=Topics())

    assert (result.status, result.searched) == ("nothing_found", 2)


def test_text_reaches_a_model_with_its_title_and_sections(folder: Path) -> None:
    text = render(find(folder, "pool", embedder=Topics()), "E2", 1_000).text

    assert "## Connection pool exhausted (pool.md)" in text
    assert "restart one replica at a time" in text
    assert "# not a heading" in text


def test_front_matter_is_read_and_other_keys_ignored(folder: Path) -> None:
    book = read(folder / "pool.md", folder)

    assert isinstance(book, Runbook)
    assert (book.services, book.tags) == (("payments", "orders"), ("database", "5"))
    assert [s.heading for s in book.sections] == ["", "Check", "Fix"]


@pytest.mark.parametrize(("text", "why"), [
    (b"---\ntitle: x\n", "no closing"), (b"---\n: : [\n---\n", "not YAML"), (b"---\n- a\n---\n", "no list of keys"),
    (b"---\nservices: {a: 1}\n---\n", "wrong services"), (b"\xff\xfe broken", "not UTF-8"), (b"x" * 300_000, "larger than 256 KiB"),
    (b"---\nx: !!python/object/apply:os.system ['true']\n---\n", "not YAML"), (b"---\ntags: " + b"[" * 9_000 + b"\n---\n", "not YAML"),
])  # fmt: skip
def test_broken_file_is_named_beside_the_good_ones(folder: Path, text: bytes, why: str) -> None:
    (folder / "bad.md").write_bytes(text)

    result = find(folder, "disk full")

    assert found(result) == ["storage/disk.md"]
    assert "bad.md" in result.notes[0]
    assert why in result.notes[0]


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "disk.md").write_text("# Disk full\nsecret\n")
    (folder / "file.md").symlink_to(secret / "disk.md")
    (folder / "whole").symlink_to(secret)
    (folder / "inside.md").symlink_to(folder / "storage" / "disk.md")

    result = find(folder, "disk full")

    assert found(result) == ["inside.md", "storage/disk.md"]
    assert "secret" not in str(result.output)
    assert sum("link out of the folder" in note for note in result.notes) == 2


def test_pipe_of_that_name_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")

    assert "not a regular file" in find(folder, "disk full").notes[0]


def test_changed_file_is_read_again(folder: Path) -> None:
    tools = runbook_tools(folder)
    tools.call("runbooks.find", {"words": "certificate expired"})
    (folder / "tls.md").write_text("# Certificate expired\nRenew it.\n")

    assert found(tools.call("runbooks.find", {"words": "certificate expired"})) == ["tls.md"]


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_runbook_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, raw: bytes, fronted: bool) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.md").write_bytes(b"---\n" * fronted + raw + b"\n---\n" * fronted)

    assert isinstance(read(folder / "a.md", folder), Runbook | str)
