"""From the inbox into the store: what was acknowledged becomes log lines, spans and metric points, exactly once."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from telemetry.errors import OnCalmError, StoreError, WriterBusyError
from telemetry.inbox.batches import read
from telemetry.inbox.inbox import REMEMBER, Inbox
from telemetry.sources.files import Source
from telemetry.store.receipts import acknowledge, begin_lines, done, lines_read, prepare_receipts
from telemetry.store.record_writer import RecordWriter
from vectorstore.ingest import Ingestor

EVERY = 2.0
"""Seconds between two looks at the inbox."""
INDEX_EVERY = 30.0
"""Seconds after which new messages can be found by their meaning, too."""
NAMELESS = "unknown_service"
"""As OpenTelemetry names the service of whoever names none."""


class Committer:
    """Empties the inbox in a thread of its own. It takes the writer's lock only while there is something to do: when
    another process holds it the inbox waits, and is emptied when the lock is free."""

    def __init__(self, home: Path, inbox: Inbox, *, index: Callable[[], object], tell: Callable[[str], None]) -> None:
        """``index`` makes new messages searchable; ``tell`` takes sentences for whoever watches."""
        self._home, self._inbox, self._index, self._tell = home, inbox, index, tell
        self._ending = threading.Event()
        self._unindexed: float | None = None
        self._said = ""
        self.records = 0
        """Records put into the store so far."""
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience: float = 10.0) -> bool:
        """Empty the inbox for a last time, waiting for the lock at most ``patience`` seconds; whether it is empty."""
        self._ending.set()
        self._thread.join()
        until = time.monotonic() + patience
        while not (empty := self.drain()) and time.monotonic() < until:
            time.sleep(0.1)
        self._bring_up(now=True)
        return empty

    def drain(self) -> bool:
        """Put every sealed file into the store; whether nothing is left. Never raises: it is tried again."""
        files = self._inbox.seal()
        try:
            if files:
                self._commit(files)
        except WriterBusyError as error:
            self._say(f"{error.what}; what comes in waits in the inbox ({self._inbox.size >> 20:,} MiB)")
            return False
        except (OnCalmError, OSError, sqlite3.Error) as error:
            self._say(f"the store cannot be written, what comes in waits in the inbox: {error}")
            return False
        if self._said:
            self._say("")
        return True

    def _work(self) -> None:
        pause = EVERY
        while not self._ending.wait(pause):
            began = time.monotonic()
            self.drain()
            self._bring_up()
            pause = max(EVERY, 2 * (time.monotonic() - began))  # a third of the time at most is the lock held

    def _commit(self, files: Sequence[Path]) -> None:
        ingestor = Ingestor(self._home, service=NAMELESS)
        try:
            with RecordWriter(self._home, manifest=ingestor.manifest) as writer:
                prepare_receipts(ingestor.manifest.db)
                for path in files:
                    if int(path.stem) > done(ingestor.manifest):
                        self._put_or_set_aside(path, ingestor, writer)
                    _lines_of(path).unlink(missing_ok=True)  # before the file it was made from: a kill between leaves neither
                    self._inbox.emptied(path)
                writer.compact()
        except BaseException:
            with suppress(Exception):
                ingestor.abort()
            raise
        ingestor.close()

    def _put_or_set_aside(self, path: Path, ingestor: Ingestor, writer: RecordWriter) -> None:
        """A file that can never be put into the store must not keep the later ones from it."""
        try:
            self._put(path, ingestor, writer)
        except (OnCalmError, OSError, sqlite3.Error):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it would be the same the next time
            writer.forget()
            aside = self._home / "damaged" / f"inbox-{path.name}"
            aside.parent.mkdir(exist_ok=True)
            _lines_of(path).unlink(missing_ok=True)
            path.rename(aside)
            self._tell(f"an inbox file could not be read and was set aside as {aside}: {type(error).__name__}: {error}")

    def _put(self, path: Path, ingestor: Ingestor, writer: RecordWriter) -> None:
        """One file: log lines first, by their own progress; then, with the receipt, what else it holds."""
        batches = [batch for batch in read(path) if batch is not None]
        lines = [line for batch in batches for line in batch.lines]
        if lines:
            self._ingest(_lines_of(path), lines, ingestor)
        for batch in batches:
            writer.add_rows("spans", batch.spans)
            writer.add_rows("points", batch.points)
        digests = [batch.digest for batch in batches]
        self.records += len(lines) + writer.commit(
            also=lambda _: acknowledge(ingestor.manifest, int(path.stem), digests, keep=REMEMBER))

    def _ingest(self, path: Path, lines: Sequence[str], ingestor: Ingestor) -> None:
        """The log records as a file that is read like any other. Raises StoreError when it was not read whole."""
        _write(path, lines)
        begin_lines(ingestor.manifest, path)
        about = path.stat()
        report = ingestor.ingest([Source(str(path), about.st_size, about.st_mtime, about.st_dev, about.st_ino)])
        if lines_read(ingestor.manifest, path) != about.st_size:
            raise StoreError(f"received log records were not read whole: {'; '.join(report.problems)}", where=str(path))
        self._unindexed = self._unindexed or time.monotonic()

    def _bring_up(self, *, now: bool = False) -> None:
        """Let new messages be found by their meaning; that costs a model, so not at once."""
        if self._unindexed is None or not now and time.monotonic() - self._unindexed < INDEX_EVERY:
            return
        self._unindexed = None
        try:
            self._index()
        except (OnCalmError, OSError) as error:
            self._say(f"new messages are not searchable by meaning yet: {error}")

    def _say(self, what: str) -> None:
        """Tell once what stays so."""
        if what.partition("(")[0] != self._said.partition("(")[0]:
            self._said = what
            self._tell(what or "the inbox is being emptied again")


def _lines_of(path: Path) -> Path:
    return path.with_name(f"otlp-{path.stem}.jsonl")


def _write(path: Path, lines: Sequence[str]) -> None:
    """Make the file durable; what is there after a kill is the same, since the batches are."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)


