"""The migrations make the schema that the code uses, on both databases, however many open it first."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy

import agent.incidents.tables
import agent.keys.tables  # noqa: F401 - it adds its tables to the metadata
import api.server.tables  # noqa: F401 - the same
from agent.state_db.database import HEAD, Database, scripts
from agent.state_db.schema import metadata
from telemetry.errors import StoreError
from tests.agent.desk import Desk
from tests.agent.postgres import Server


def test_migrations_make_the_schema(either: Desk) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with either.journal.database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        newest = ScriptDirectory.from_config(scripts(connection)).get_current_head()

    assert (differences, newest) == ([], HEAD)


def test_many_may_open_it_first(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def first() -> None:
        try:
            Database.at(tmp_path).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    threads = [threading.Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_many_may_open_it_first_on_postgres(postgres: Server) -> None:
    url, failed = postgres.database(), []

    def first() -> None:
        try:
            Database(url).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    threads = [threading.Thread(target=first) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_file_is_its_owners_alone(desk: Desk) -> None:
    for path in desk.home.iterdir():
        if path.name.startswith(("state.db", "audit")) and path.is_file() and not path.name.endswith(".lock"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_sqlite_syncs_what_it_commits(desk: Desk) -> None:
    with desk.journal.database.reading() as connection:
        asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert asked == ["wal", 2, 1]


@pytest.mark.parametrize("table", ["audit", "transitions", "answers"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET at = 0"])
def test_history_only_grows(either: Desk, table: str, change: str) -> None:
    either.executor.run(either.approved().id)

    with pytest.raises(StoreError, match="only grows"), either.journal.database.writing() as connection:
        connection.execute(sqlalchemy.text(change.format(table)))


def test_schema_of_a_newer_version_is_left_alone(desk: Desk) -> None:
    with desk.journal.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="not one that this version knows"):
        Database.at(desk.home)


@pytest.mark.parametrize(("url", "says"), [
    ("not a url", "no URL"), ("mysql://u:secret@h/x", "not supported"), ("sqlite://", "not supported"),
    ("postgresql://u:secret@127.0.0.1:1/x?connect_timeout=2", "refused"), ("sqlite:////proc/no/state.db", "cannot be opened")])
def test_database_that_cannot_be_used_says_why(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as told:
        Database(url)

    assert "secret" not in str(told.value)


def test_failed_transaction_leaves_nothing(either: Desk) -> None:
    def fail() -> None:
        with either.journal.writing() as writing:
            writing.note("begun", actor="ann")
            writing.connection.exec_driver_sql("SELECT 1 FROM nowhere")

    with pytest.raises(StoreError, match="nowhere"):
        fail()

    assert list(either.journal.export()) == []
