"""A real PostgreSQL for tests: its own folder, a unix socket, never as root, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_ROOM = 3 << 30


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _user() -> str | None:
    """Whom to run as; None for ourselves."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user")


def _memory() -> str | None:
    """A folder in memory, where there is room: tests kill processes, not machines, and so need no disk."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > _ROOM else None


class Server:
    """A running one; every :meth:`database` is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def url(self, name: str) -> str:
        return f"postgresql://oncalm@/{name}?host={self.folder}"

    def database(self, template: str = "template1") -> str:
        self._made += 1
        self.run(f"CREATE DATABASE t{self._made} TEMPLATE {template}")
        return self.url(f"t{self._made}")

    def drop(self, url: str) -> None:
        """Make room; whoever is still connected is not any more."""
        self.run(f"DROP DATABASE {urlsplit(url).path.strip('/')} WITH (FORCE)")

    def run(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql)


@contextmanager
def server() -> Iterator[Server]:
    """Start one. Skips, with the reason, where there is none to start."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql-15)")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    user, folder = _user(), Path(tempfile.mkdtemp(prefix="oncalm-pg-", dir=_memory()))
    if user:
        shutil.chown(folder, user)

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run([str(programs / program), *arguments], user=user, cwd="/", check=False, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert done.returncode == 0, f"{program} failed"

    data = str(folder / "data")
    try:
        call("initdb", "-D", data, "-U", "oncalm", "-A", "trust", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses='' -c max_connections=60 -c fsync=off -c full_page_writes=off -c autovacuum=off", "start")
        try:
            yield Server(folder)
        finally:
            call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
