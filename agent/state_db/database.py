"""The state database: opened by its URL, brought to this version's schema, read and written in transactions.

Writers come one after the other (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: the one row of ``head`` locked first), so a
transaction sees everything that was written before it. What is committed is on disk (``synchronous=FULL``; for
PostgreSQL ``synchronous_commit=on``): an effect may rely on it.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

HEAD = "0005"
"""The newest migration; a database that has it needs no Alembic."""
BUSY_SECONDS = 30.0
"""How long a writer of SQLite waits for the others."""
_MAKING = threading.Lock()
"""Held while a file or a schema is made: Alembic has one context for all threads of a process."""
_MIGRATING = 0x6F6E63616C6D_0001  # PostgreSQL's advisory lock while the schema is made: "oncalm", 1


class Database:
    """One engine, for one process; threads may share it. Opening it makes or migrates the schema.

    Raises StoreError when it cannot be opened, is newer than this OnCalm, or the driver is missing.
    """

    def __init__(self, url: str) -> None:
        """``url``: ``sqlite:////abs/state.db`` or ``postgresql://user@host/name``."""
        self.url = _url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.where = self.url.render_as_string(hide_password=True)
        self.engine = self._engine()
        self._aside: Engine | None = None
        with self.told():
            self._migrate()

    @classmethod
    def at(cls, home: Path) -> Database:
        """The default: ``state.db`` in a home, for its owner's eyes only."""
        return cls(f"sqlite:///{(home / 'state.db').absolute()}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look. Raises StoreError."""
        with self.told(), self.engine.connect() as plain:
            connection = plain if self.sqlite else plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                if self.sqlite:
                    connection.exec_driver_sql("BEGIN")
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone among writers; an exception takes everything back. Raises StoreError."""
        with self.told(), self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self.sqlite else "SELECT 1 FROM head WHERE id = 1 FOR UPDATE")
            yield connection

    def aside(self) -> Engine:
        """Connections of their own for what lasts longer than a transaction, as many as are asked for.

        Whoever holds one of these waits for one of the others; of one bounded pool they would wait for each other.
        """
        from sqlalchemy import create_engine

        if self._aside is None:
            self._aside = create_engine(self.url, max_overflow=-1, pool_pre_ping=True, isolation_level="AUTOCOMMIT")
        return self._aside

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()
        if self._aside is not None:
            self._aside.dispose()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what the driver raises into a StoreError that names the database, never its password."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).strip()
            raise StoreError(f"the state database says: {said}", where=self.where,
                             remedy="see that it runs and may be written; nothing of this step was kept") from error

    def _engine(self) -> Engine:
        from sqlalchemy import create_engine, event

        if self.sqlite:
            _private(Path(str(self.url.database)))
            engine = create_engine(self.url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
            event.listen(engine, "connect", _sqlite_settings)  # of the pool; one of connections would be asked at every statement
            return engine
        try:
            return create_engine(self.url, pool_pre_ping=True, isolation_level="READ COMMITTED",
                                 connect_args={"options": "-c synchronous_commit=on", "application_name": "oncalm"})
        except ImportError as error:
            raise StoreError("PostgreSQL's driver is not installed", where=self.where,
                             remedy="pip install 'oncalm[postgres]'") from error

    def _migrate(self) -> None:
        if self._version() == HEAD:
            return
        from alembic import command
        from alembic.util import CommandError

        with _MAKING, self._alone(), self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self.sqlite else f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            try:
                command.upgrade(scripts(connection), "head")
            except CommandError as error:
                raise StoreError(f"its schema is not one that this version knows: {error}", where=self.where,
                                 remedy="use the version of OnCalm that made it, or a newer one") from error

    def _version(self) -> str | None:
        from sqlalchemy import inspect

        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process make the schema; SQLite's own lock is not held across Alembic's statements."""
        if not self.sqlite:
            yield
            return
        with Path(f"{self.url.database}.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def scripts(connection: Connection) -> Any:
    """Alembic's configuration for a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _url(text: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError("this is no URL of a database", where="state database", remedy="sqlite:////abs/state.db or postgresql://…") from error
    name = url.get_backend_name()
    if name in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if name == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    raise StoreError(f"a state database of this kind is not supported: {name}", where=url.render_as_string(hide_password=True),
                     remedy="use a file of SQLite, or PostgreSQL")


def _private(path: Path) -> None:
    """Make the file, readable by its owner only, before SQLite makes it for all.

    One that is there is never opened: closing it would let go of every lock that this process has on it (POSIX counts them by
    process), and another process would then take the write-ahead log away ("How To Corrupt An SQLite Database File", 2.2).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _MAKING:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return  # another process was faster
    except OSError as error:
        raise StoreError(f"the state database cannot be opened: {error.strerror}", where=str(path),
                         remedy="give a home that may be written") from error


def _sqlite_settings(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
