"""The inbox of one home: appended to by one process, many appends made durable together, bounded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO

from telemetry.durable import hold, sync_folder
from telemetry.errors import OnCalmError, StoreError
from telemetry.inbox.batches import Batch, read, sound_end, written

FOLDER = "inbox"
ROLL = 32 << 20
"""Bytes from which a new file is begun: about what is put into the store at a time."""
REMEMBER = 900.0
"""Seconds for which a request that is sent again is known: exporters give up before."""


class InboxFullError(OnCalmError):
    """Nothing more is taken for now. ``again`` says after how many seconds to try."""

    def __init__(self, what: str, *, where: str, again: int) -> None:
        super().__init__(what, where=where, remedy=f"try again in {again} s")
        self.again = again


class Inbox:
    """Files ``inbox/NUMBER.wal``. :meth:`put` says when a batch is on the disk; :meth:`seal` gives files to be emptied."""

    def __init__(self, home: Path, *, most_bytes: int = 1 << 30, most_waiting: int = 64 << 20,
                 after: int = 0, known: Mapping[str, float] | None = None) -> None:
        """``after`` is the number of the last file that was emptied into the store; ``known`` are digests stored already,
        with when (seconds since 1970), oldest first.

        Raises WriterBusyError when another process receives into this home, StoreError when it cannot be written.
        """
        self.folder = home / FOLDER
        self._most_bytes, self._most_waiting = most_bytes, most_waiting
        self._changed = threading.Condition()
        self._queue: list[tuple[bytes, str, Future[None]]] = []
        self._waiting = 0
        self._stream: IO[bytes] | None = None
        self._writing = threading.Lock()
        self._closed = False
        self._known: dict[str, tuple[float, Future[None]]] = {d: (at, _done()) for d, at in (known or {}).items()}
        self.damaged = 0
        """Lines that were damaged and are passed over."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = hold(self.folder / "receiver.lock", doing="receives into this home", remedy="stop it, or use another --home")
            self._sizes = self._recover()
        except OSError as error:
            raise StoreError(f"the inbox cannot be used: {error}", where=str(self.folder),
                             remedy="check that the folder is writable and has free space") from error
        self._next = 1 + max([after, *(int(p.stem) for p in self._sizes)])
        self._worker = threading.Thread(target=self._work, name="inbox", daemon=True)
        self._worker.start()

    @property
    def size(self) -> int:
        """Bytes that lie on the disk or wait to be written."""
        with self._changed:
            return sum(self._sizes.values()) + self._waiting

    def put(self, batch: Batch) -> Future[None]:
        """Append a batch; the future is done when it is durable, and fails when it could not be written.

        A batch with the digest of an earlier one is that one, sent again. Raises InboxFullError.
        """
        data = written(batch)
        with self._changed:
            if batch.digest and (before := self._known.get(batch.digest)):
                return before[1]
            if self._closed:
                raise InboxFullError("the receiver is ending", where="inbox", again=5)
            if self._waiting and self._waiting + len(data) > self._most_waiting:
                raise InboxFullError("more comes in than the disk takes", where="inbox", again=1)
            if sum(self._sizes.values()) + self._waiting + len(data) > self._most_bytes:
                raise InboxFullError(f"the inbox holds {self._most_bytes >> 20:,} MiB that are not in the store yet",
                                     where="inbox", again=10)
            future: Future[None] = Future()
            self._queue.append((data, batch.digest, future))
            self._waiting += len(data)
            if batch.digest:
                self._known[batch.digest] = (time.time(), future)
            self._changed.notify_all()
            return future

    def seal(self) -> list[Path]:
        """Begin a new file and return those before it, oldest first: nothing is appended to them any more."""
        with self._writing:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
        with self._changed:
            self._forget()
            return sorted(path for path, size in self._sizes.items() if size)

    def emptied(self, path: Path) -> None:
        """A sealed file's batches are in the store: it goes."""
        path.unlink(missing_ok=True)
        with self._changed:
            self._sizes.pop(path, None)

    def close(self) -> None:
        """Write what waits and take nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()
        self.seal()
        self._lock.close()

    def _forget(self) -> None:
        """Drop digests that no one will send again. New ones stand behind old ones."""
        oldest = time.time() - REMEMBER
        for digest, (at, _) in list(self._known.items()):
            if at >= oldest:
                break
            del self._known[digest]

    def _recover(self) -> dict[Path, int]:
        """Cut off what was half written, and know again what is there."""
        sizes: dict[Path, int] = {}
        for path in sorted(p for p in self.folder.glob("*.wal") if p.stem.isdecimal()):
            end = sound_end(path)
            if end < path.stat().st_size:
                os.truncate(path, end)
            for batch in read(path):
                self.damaged += batch is None
                if batch is not None and batch.digest:
                    self._known[batch.digest] = (time.time(), _done())
            if end:
                sizes[path] = end
            else:
                path.unlink()
        return sizes

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                queue, self._queue = self._queue, []
                if not queue:
                    return
            failed = self._append(b"".join(data for data, _, _ in queue))
            with self._changed:
                self._waiting -= sum(len(data) for data, _, _ in queue)
                for _, digest, _ in queue if failed else ():
                    self._known.pop(digest, None)
            for _, _, future in queue:
                future.set_exception(failed) if failed else future.set_result(None)

    def _append(self, data: bytes) -> StoreError | None:
        """Append and make durable, all or nothing."""
        with self._writing:
            stream, before = None, 0
            try:
                stream = self._stream or self._begin()
                before = stream.tell()
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            except OSError as error:
                self._take_back(before)
                return StoreError(f"the inbox cannot be written: {error}", where=str(self.folder), remedy="free some disk space")
            with self._changed:
                self._sizes[Path(stream.name)] = before + len(data)
            if before + len(data) >= ROLL:
                stream.close()
                self._stream = None
            return None

    def _begin(self) -> IO[bytes]:
        path = self.folder / f"{self._next:010}.wal"
        self._next += 1
        self._stream = path.open("xb")
        sync_folder(self.folder)
        return self._stream

    def _take_back(self, size: int) -> None:
        """What was half written goes; if that fails too, the next start cuts it off, and nothing is appended behind it."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()  # which may write the rest of its buffer: cut after it
            with suppress(OSError):
                os.truncate(stream.name, size)


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
