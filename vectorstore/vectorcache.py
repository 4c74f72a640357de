"""Vectors kept on disk by a text key. A row that is none of ours is a miss (:mod:`vectorstore.rawdisk`)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
from diskcache import Cache, Timeout

from vectorstore.minilm import Vectors
from vectorstore.rawdisk import PickleRefused, RawDisk

_BYTES_KEPT = 256 * 2**20


class VectorCache:
    """Vectors of one length by key; a broken or foreign entry is a miss, never an error."""

    def __init__(self, folder: Path, dimension: int) -> None:
        """``folder`` is made when missing; processes may share it."""
        self._cache = Cache(str(folder), disk=RawDisk, size_limit=_BYTES_KEPT)
        self._dimension = dimension

    def get(self, key: str) -> Vectors | None:
        """The vector kept under ``key``, or None."""
        try:
            raw = self._cache.get(key)
        except (PickleRefused, sqlite3.DatabaseError, Timeout):
            return None
        if raw is None or len(raw) != 4 * self._dimension:
            return None
        return np.frombuffer(raw, dtype="<f4").astype(np.float32)

    def put(self, key: str, vector: Vectors) -> None:
        """Keep ``vector``; a full or locked disk costs the entry, not the answer."""
        try:
            self._cache.set(key, vector.astype("<f4").tobytes())
        except (OSError, sqlite3.Error, Timeout):
            return

    def close(self) -> None:
        """Close the database."""
        self._cache.close()
