"""A cache on disk of plain JSON values: never an error, never code, never a value that was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diskcache import Cache

_SUM = 32
"""Bytes of the SHA-256 that precedes each value."""
_MOST = 4 * 2**20
"""Bytes of one value at most."""


class PlainCache:
    """JSON values by text key in ``folder``; processes and threads may share it.

    Whatever goes wrong (a folder that is read-only, full, damaged or tampered with) is a miss; :attr:`problems` says
    what, once, for the answer's notes.
    """

    def __init__(self, folder: Path, *, bytes_kept: int = 256 * 2**20) -> None:
        """``folder`` is made when missing. The oldest entries go first when ``bytes_kept`` are reached."""
        self.folder = folder
        self.problems: list[str] = []
        self._cache = self._opened(bytes_kept)

    def get(self, key: str) -> Any | None:
        """The value kept under ``key``; None when there is none that can be trusted."""
        raw = self._tried(lambda cache: cache.get(key))
        if raw is None:
            return None
        try:
            return _read(key, raw)
        except ValueError:
            self._note("an entry was changed from outside")
            self.drop(key)
            return None

    def put(self, key: str, value: Any, *, seconds: float | None = None) -> None:
        """Keep a JSON value, for so many ``seconds`` or until there is no room."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(body) <= _MOST:
            self._tried(lambda cache: cache.set(key, _sum(key, body) + body, expire=seconds))

    def change(self, key: str, made: Callable[[Any | None], Any]) -> None:
        """Replace the value under ``key`` by what is made of it; no other process changes it meanwhile."""

        def within(cache: Cache) -> None:
            with cache.transact(retry=True):
                self.put(key, made(self.get(key)))

        self._tried(within)

    def keys(self) -> list[str]:
        """Every key, oldest first."""
        return self._tried(list) or []

    def drop(self, key: str) -> None:
        """Forget ``key``."""
        self._tried(lambda cache: cache.delete(key))

    def close(self) -> None:
        """Close the database; later calls miss."""
        self._tried(lambda cache: cache.close())
        self._cache = None

    def _opened(self, bytes_kept: int) -> Cache | None:
        try:
            from diskcache import Cache

            from vectorstore.rawdisk import RawDisk

            return Cache(str(self.folder), disk=RawDisk, size_limit=bytes_kept, timeout=5)
        except Exception as error:  # noqa: BLE001 - diskcache reads its settings from the database, so anything can come
            self._note(_said(error))
            return None

    def _tried(self, work: Callable[[Cache], Any]) -> Any:
        if self._cache is None:
            return None
        try:
            return work(self._cache)
        except Exception as error:  # noqa: BLE001 - rows and pages may be anything; a run must go on without its cache
            self._note(_said(error))
            return None

    def _note(self, what: str) -> None:
        if not self.problems:
            self.problems.append(f"The cache in {self.folder} could not be used ({what}); the run went on without it. "
                                 "If this goes on, remove that folder.")


def _sum(key: str, body: bytes) -> bytes:
    """The key is part of it, so that a value moved to another row is noticed too."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass") + b"\0" + body).digest()


def _read(key: str, raw: Any) -> Any:
    """The JSON value behind its checksum. Raises ValueError for anything else."""
    if not isinstance(raw, bytes) or raw[:_SUM] != _sum(key, raw[_SUM:]):
        raise ValueError("checksum")
    return json.loads(raw[_SUM:].decode("utf-8", "surrogatepass"))


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
