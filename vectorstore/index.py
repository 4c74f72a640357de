"""Templates by meaning: a Chroma collection, and a snapshot of its vectors for readers.

One process owns the collection and writes; it holds ``owner.lock`` while it does. Readers never open
Chroma: they search ``vectors.npz``, replaced atomically after every sync. Measured on Chroma 1.5:
a reader's client kept answering from the state it had opened (new templates unseen, deleted ones
returned), opening costs a second of imports, and a store has thousands of templates, not millions,
so that an exact product of a matrix and a vector is both fresher and faster than the graph search.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.errors import StoreError
from telemetry.models import Template
from vectorstore.embedding import Embedder
from vectorstore.minilm import Vectors

COLLECTION = "templates"
_BATCH = 500
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MARKS = re.compile(r"[^0-9A-Za-z]+")
_BYTES = re.compile(r"(?:\\x[0-9a-f]{2})+")
_WORDS = 100
"""Words of a template that are embedded: a sentence model reads little more, and junk may have thousands."""


class IndexBusy(StoreError):  # noqa: N818 - states what happened
    """Another process is writing this index."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    model: str
    ids: tuple[str, ...]
    documents: tuple[str, ...]
    vectors: Vectors


class TemplateIndex:
    """Meaning search over templates, kept in ``folder``."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        """Open nothing yet: the first ``sync`` or ``search`` does."""
        self._folder = folder
        self._embedder = embedder
        self._loaded: tuple[int, _Snapshot] | None = None
        self.notes: list[str] = []
        """What was repaired on the way, one sentence each."""

    @property
    def lexical(self) -> bool:
        """True when the embedder compares spelling only."""
        return self._embedder.lexical

    def sync(self, templates: Iterable[Template]) -> None:
        """Make the collection and the snapshot hold exactly ``templates``.

        A collection that cannot be read is renamed ``chroma.broken-TIME`` and rebuilt, with a note.
        Raises IndexBusy when another process is writing, StoreError when the folder cannot be written.
        """
        wanted = {template.id: template for template in templates}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sync(wanted)
        except OSError as error:
            raise self._unwritable(error) from error

    def _sync(self, wanted: dict[str, Template]) -> None:
        with _owned(self._folder / "owner.lock"):
            vectors = self._vectors(wanted)
            try:
                self._write(wanted, vectors)
            except BaseException as error:  # Chroma's core panics outside Exception on a torn file
                if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
                    raise
                self._again(wanted, vectors, error)
            self._publish(wanted, vectors)

    def _again(self, wanted: dict[str, Template], vectors: dict[str, Vectors], error: BaseException) -> None:
        self._set_aside(error)
        try:
            self._write(wanted, vectors)
        except BaseException as second:
            if isinstance(second, (KeyboardInterrupt, SystemExit, MemoryError)):
                raise
            raise self._unwritable(second) from second

    def _unwritable(self, error: BaseException) -> StoreError:
        first = (str(error) or type(error).__name__).splitlines()[0]
        return StoreError(
            f"the template index could not be written ({first}); the records are safe", where=str(self._folder),
            remedy="check that the folder is writable and has free space, then ingest again or run: oncalm doctor --repair",
        )

    @property
    def readable(self) -> bool:
        """Whether there is a snapshot to search, and it is whole."""
        return self._snapshot() is not None

    def holds(self, templates: Iterable[Template]) -> bool:
        """Whether the snapshot is readable and has exactly these templates, by the embedder in use."""
        snapshot = self._snapshot()
        wanted = {template.id: template.display for template in templates}
        if snapshot is None:
            return not wanted and not (self._folder / "vectors.npz").exists()
        return snapshot.model == self._embedder.name and dict(zip(snapshot.ids, snapshot.documents, strict=True)) == wanted

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """The ``k`` templates nearest to ``text`` as (id, cosine), best first; [] before any sync."""
        snapshot = self._snapshot()
        if snapshot is None or not snapshot.ids:
            return []
        vectors = snapshot.vectors
        if snapshot.model != self._embedder.name:
            vectors = self._embedder.embed([meaning(document) for document in snapshot.documents])
        scores = vectors @ self._embedder.embed([text])[0]
        best = np.argsort(-scores, kind="stable")[:k]
        return [(snapshot.ids[i], float(scores[i])) for i in best]

    def _vectors(self, wanted: dict[str, Template]) -> dict[str, Vectors]:
        texts = [meaning(template.display) for template in wanted.values()]
        return dict(zip(wanted, self._embedder.embed(texts), strict=True)) if texts else {}

    def _write(self, wanted: dict[str, Template], vectors: dict[str, Vectors]) -> None:
        with _client(self._folder / "chroma") as client:
            _update(_collection(client, self._embedder), wanted, vectors)

    def _set_aside(self, error: BaseException) -> None:
        from chromadb.api.client import SharedSystemClient

        SharedSystemClient.clear_system_cache()
        broken = self._folder / "chroma"
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        kept = self._folder / f"chroma.broken-{stamp}"
        if broken.exists():
            broken.rename(kept)
        self.notes.append(f"the template index could not be read ({error}); kept as {kept.name} and rebuilt")

    def _publish(self, wanted: dict[str, Template], vectors: dict[str, Vectors]) -> None:
        rows = [vectors[id_] for id_ in wanted]
        matrix = np.stack(rows) if rows else np.zeros((0, self._embedder.dimension))
        documents = [template.display for template in wanted.values()]
        texts = {"model": self._embedder.name, "ids": list(wanted), "documents": documents}
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="vectors-", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                texts=np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8),
                vectors=matrix.astype(np.float32),
            )
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self._folder / "vectors.npz")

    def _snapshot(self) -> _Snapshot | None:
        path = self._folder / "vectors.npz"
        try:
            changed = path.stat().st_mtime_ns
            if self._loaded is None or self._loaded[0] != changed:
                self._loaded = (changed, _load(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            self.notes.append(f"the snapshot of template vectors could not be read ({error})")
            return None
        return self._loaded[1]


def meaning(display: str) -> str:
    """The words of a template as a sentence model reads them: names split, punctuation and broken bytes gone."""
    return " ".join(_MARKS.sub(" ", _CAMEL.sub(" ", _BYTES.sub(" ", display))).split()[:_WORDS]).lower()


@contextmanager
def _client(folder: Path) -> Iterator[Any]:
    """A client closed after use: another process may own the folder next, and nothing stale is kept."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    try:
        yield client
    finally:
        client.close()


def _collection(client: Any, embedder: Embedder) -> Any:
    """The collection, made anew when another embedder filled it (its vectors would not compare)."""
    made = {"model": embedder.name, "dimension": embedder.dimension}
    space = {"hnsw": {"space": "cosine"}}
    found = client.get_or_create_collection(
        COLLECTION, metadata=made, configuration=space, embedding_function=None
    )
    if {name: (found.metadata or {}).get(name) for name in made} == made:
        return found
    client.delete_collection(COLLECTION)
    return client.create_collection(COLLECTION, metadata=made, configuration=space, embedding_function=None)


def _update(collection: Any, wanted: dict[str, Template], vectors: dict[str, Vectors]) -> None:
    held = collection.get(include=["documents", "metadatas"])
    before = dict(zip(held["ids"], zip(held["documents"], held["metadatas"], strict=True), strict=True))
    gone = [id_ for id_ in before if id_ not in wanted]
    new = [id_ for id_, t in wanted.items() if before.get(id_) != (t.display, _metadata(t))]
    for start in range(0, len(gone), _BATCH):
        collection.delete(ids=gone[start : start + _BATCH])
    for start in range(0, len(new), _BATCH):
        batch = new[start : start + _BATCH]
        collection.upsert(
            ids=batch,
            documents=[wanted[id_].display for id_ in batch],
            metadatas=[_metadata(wanted[id_]) for id_ in batch],
            embeddings=np.stack([vectors[id_] for id_ in batch]),
        )


def _metadata(template: Template) -> dict[str, str | int]:
    return {
        "pattern": template.pattern,
        "count": template.count,
        "first_seen": template.first_seen.isoformat() if template.first_seen else "",
        "last_seen": template.last_seen.isoformat() if template.last_seen else "",
        "services": ", ".join(template.services),
        "examples": "\n".join(template.examples),
    }


def _load(path: Path) -> _Snapshot:
    with np.load(path, allow_pickle=False) as held:
        texts = json.loads(held["texts"].tobytes())
        vectors = held["vectors"].astype(np.float32)
    if vectors.ndim != 2 or not len(vectors) == len(texts["ids"]) == len(texts["documents"]):
        raise ValueError("the vectors do not belong to the templates")
    return _Snapshot(texts["model"], tuple(texts["ids"]), tuple(texts["documents"]), vectors)


@contextmanager
def _owned(lock: Path) -> Iterator[None]:
    """Hold the writers' lock; raises IndexBusy at once when it is taken."""
    try:
        import fcntl
    except ImportError:  # Windows: the store's own lock is the only guard there
        yield
        return
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise IndexBusy("another process is writing the template index", where=str(lock.parent),
                            remedy="wait until it has finished and ingest again") from error
        yield
