"""Verifications on disk: one JSON file each, replaced whole, so that a kill leaves the old state or the new one."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

from agent.verification.state import State, state_from
from telemetry.durable import sync_folder
from telemetry.errors import StoreError


class Kept:
    """The states in a folder. ``save`` is what :class:`agent.verification.verifier.Ends` wants."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: State) -> None:
        """Write it, durably. Raises StoreError."""
        path = self._path(state.approval)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(state.document(), file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"a verification cannot be kept: {error.strerror}", where=str(path), remedy="make room, and let it be written") from error

    def load(self, approval: str) -> State | None:
        """The state of one, None when there is none. Raises StoreError."""
        path = self._path(approval)
        return _read(path) if path.exists() else None

    def unfinished(self) -> list[State]:
        """Those that a restart has to go on with, by approval. Raises StoreError."""
        found = [_read(path) for path in sorted(self._folder.glob("*.json"))]
        return sorted((one for one in found if one.phase != "done"), key=lambda one: one.approval)

    def _path(self, approval: str) -> Path:
        return self._folder / f"{hashlib.sha256(approval.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> State:
    try:
        return state_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"a verification cannot be read: {error}", where=str(path), remedy="look at the target by hand, and remove the file") from error
