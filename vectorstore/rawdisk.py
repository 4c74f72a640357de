"""Storage for diskcache that cannot run code.

diskcache unpickles whatever its rows claim to be pickled (CVE-2025-69872). Here keys are text, values are raw
bytes inside the row, and every other storage mode is refused on reading as on writing.
"""

from __future__ import annotations

from typing import Any

from diskcache import Disk
from diskcache.core import MODE_RAW


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
