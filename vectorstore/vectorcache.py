"""Vectors kept on disk by a text key, in a cache that cannot run code.

diskcache unpickles whatever its rows claim to be pickled (CVE-2025-69872). Here keys are text, values
are raw bytes inside the row, and every other storage mode is refused on reading as on writing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
from diskcache import Cache, Disk, Timeout
from diskcache.core import MODE_RAW

from vectorstore.minilm import Vectors

_BYTES_KEPT = 256 * 2**20


class PickleRefused(Exception):  # noqa: N818 - states what happened
    """A cache row asks to be unpickled, or names a file: it was not written by us."""


class RawDisk(Disk):  # type: ignore[misc]
    """Text keys and bytes values inside the database; nothing is pickled, no file is followed."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Accept text keys only."""
        if not isinstance(key, str):
            raise PickleRefused(f"key of type {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:  # noqa: FBT001 - diskcache's signature
        """Return raw text keys only."""
        if not raw or not isinstance(key, str):
            raise PickleRefused("a key that is not plain text")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, memoryview]:  # noqa: FBT001 - the same
        """Keep bytes in the row itself."""
        if read or not isinstance(value, bytes):
            raise PickleRefused(f"value of type {type(value).__name__}")
        return 0, MODE_RAW, None, memoryview(value)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes:  # noqa: FBT001 - the same
        """Return bytes of a raw row; anything else is refused."""
        if read or mode != MODE_RAW or filename is not None or not isinstance(value, bytes):
            raise PickleRefused(f"a row of mode {mode}")
        return value

    def remove(self, file_path: str) -> None:
        """Do nothing: no row of ours has a file, and a tampered name may point anywhere."""


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
