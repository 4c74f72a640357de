"""Embedders: same vectors for same texts, no network, nothing unpickled."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from vectorstore.embedding import (
    PACKAGE,
    WEIGHTS_SHA256,
    CachedEmbedder,
    LexicalEmbedder,
    SentenceEmbedder,
    WeightsChanged,
    choose,
)
from vectorstore.minilm import Vectors
from vectorstore.rawdisk import PickleRefused, RawDisk
from vectorstore.vectorcache import VectorCache

weights = pytest.mark.skipif(find_spec(PACKAGE) is None, reason=f"{PACKAGE} is not installed")


class Counting:
    """A lexical embedder that counts the texts it is given."""

    name = "counting"
    lexical = True
    dimension = 16

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.seen.extend(texts)
        return LexicalEmbedder(16).embed(texts)


class Bomb:
    """Runs code when unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("the cache ran code",))


def model_folder() -> Path:
    package = __import__(PACKAGE)
    return Path(package.get_model_path())


def test_lexical_vectors_repeat() -> None:
    texts = ["Failed password for <user>", "", "Verbindung abgelehnt ü"]

    assert np.array_equal(LexicalEmbedder().embed(texts), LexicalEmbedder().embed(texts))


def test_lexical_vectors_are_unit_length() -> None:
    norms = np.linalg.norm(LexicalEmbedder().embed(["disk full", "timeout"]), axis=1)

    assert np.allclose(norms, 1.0)


def test_lexical_finds_spelling_kin() -> None:
    texts = ["connection refused", "connections refused by peer", "disk full"]
    asked, kin, other = LexicalEmbedder().embed(texts)

    assert asked @ kin > asked @ other


def test_nothing_embeds_to_nothing() -> None:
    assert LexicalEmbedder(8).embed([]).shape == (0, 8)


def test_cache_asks_only_once(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path)

    first = cached.embed(["a", "b", "a"])
    again = cached.embed(["b", "a", "b"])

    assert inner.seen == ["a", "b"]
    assert np.array_equal(first[0], again[1])


def test_cache_outlives_its_process(tmp_path: Path) -> None:
    CachedEmbedder(Counting(), tmp_path).embed(["a"])
    second = Counting()

    CachedEmbedder(second, tmp_path).embed(["a"])

    assert second.seen == []


def test_tampered_row_runs_nothing(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path)
    vectors = cached.embed(["a"])
    cached.close()
    with sqlite3.connect(tmp_path / "cache.db") as db:
        db.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb()),))
    inner = Counting()

    found = CachedEmbedder(inner, tmp_path).embed(["a"])

    assert inner.seen == ["a"]
    assert np.array_equal(found, vectors)


def test_row_naming_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PickleRefused):
        RawDisk(str(tmp_path)).fetch(2, "../../etc/passwd", None, False)


@pytest.mark.parametrize("value", ["text", 3, Bomb(), None])
def test_only_bytes_are_stored(tmp_path: Path, value: object) -> None:
    with pytest.raises(PickleRefused):
        RawDisk(str(tmp_path)).store(value, False)


def test_pickled_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PickleRefused):
        RawDisk(str(tmp_path)).get(pickle.dumps(Bomb()), False)


def test_foreign_length_is_a_miss(tmp_path: Path) -> None:
    VectorCache(tmp_path, 4).put("k", np.ones(4, dtype=np.float32))

    assert VectorCache(tmp_path, 8).get("k") is None


def test_no_weights_means_lexical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectorstore.embedding.find_spec", lambda _name: None)
    monkeypatch.setattr("vectorstore.embedding.Path.home", lambda: tmp_path)

    assert choose(tmp_path / "nowhere", None).lexical


@weights
def test_changed_weights_are_refused(tmp_path: Path) -> None:
    for file in model_folder().rglob("*"):
        copy = tmp_path / file.relative_to(model_folder())
        if file.is_dir():
            copy.mkdir()
        else:
            copy.write_bytes(file.read_bytes())
    assert len(SentenceEmbedder(tmp_path, pinned=WEIGHTS_SHA256, light=16).embed(["x"])) == 1
    with (tmp_path / "model.safetensors").open("r+b") as file_:
        file_.seek(-1, 2)
        file_.write(b"\x7f")

    with pytest.raises(WeightsChanged):
        SentenceEmbedder(tmp_path, pinned=WEIGHTS_SHA256).embed(["x"])


@weights
def test_meaning_beats_spelling() -> None:
    asked, kin, other = SentenceEmbedder(model_folder(), light=16).embed(
        ["the machine ran out of memory", "java heap space exhausted", "the machine ran a job"]
    )

    assert asked @ kin > 0.3
    assert asked @ other > 0.0


@weights
def test_few_texts_import_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from vectorstore.embedding import choose;"
        "v = choose(None, None).embed(['disk full']);"
        "assert not {'torch', 'sentence_transformers', 'chromadb'} & set(sys.modules); print(v.shape)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "(1, 384)"


@weights
def test_arrays_equal_sentence_transformers() -> None:
    texts = ["Failed password for <user> from <ip>", "", "x", "Verbindung ünterbrochen 接続", "word " * 600]

    few = SentenceEmbedder(model_folder(), light=16)._encode_light(texts)
    full = SentenceEmbedder(model_folder(), light=0).embed(texts)

    assert np.abs(few - full).max() < 1e-5
