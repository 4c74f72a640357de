"""Grants that were used: a line each, durable before anything is attached."""

from __future__ import annotations

import fcntl
import os
from datetime import datetime
from pathlib import Path

from ebpf.errors import GrantError
from ebpf.grants import Grant


class Used:
    """One file. A crash between its line and the session leaves a grant used and nothing attached: ask again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, grant: Grant, now: datetime) -> None:
        """Use a grant. Raises GrantError the second time. Those whose deadline passed long ago are forgotten: they are refused anyway."""
        with self._path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            lines = [line for line in file.read().splitlines() if line.count(" ") == 1]
            if any(line.startswith(grant.ident + " ") for line in lines):
                raise GrantError("it was used before", where="grant", remedy="propose the probe again and have it approved")
            kept = [line for line in lines if datetime.fromisoformat(line.split(" ")[1]) > now] if len(lines) > 1000 else lines
            if len(kept) < len(lines):
                self._rewrite(kept, file.fileno())
            file.seek(0, os.SEEK_END)
            file.write(f"{grant.ident} {grant.deadline.isoformat()}\n")
            file.flush()
            os.fsync(file.fileno())

    def _rewrite(self, lines: list[str], descriptor: int) -> None:
        """In place and under the lock: its entries are past their deadlines, so that a crash in between allows nothing."""
        os.ftruncate(descriptor, 0)
        os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())
