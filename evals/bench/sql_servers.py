"""A real PostgreSQL and a real MariaDB for a bench: on loopback, in a control group, in a temporary folder, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_JOINING = """
import os, sys
open(sys.argv[1], "w").write("0")
if not os.geteuid():
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[2]))
os.execv(sys.argv[4], sys.argv[4:])
"""
"""A process that enters a control group, which root alone may, and then becomes somebody else's."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where it listens, and the file in which it notes how long each statement took."""

    port: int
    log: Path


@contextmanager
def postgresql(group: Path, port: int) -> Iterator[Database]:
    """Start one that logs the duration of every message. Raises ValueError where there is none."""
    programs = _folder_of("initdb", "/usr/lib/postgresql/*/bin/initdb")
    with _folder("postgres") as (folder, user):
        data, log = folder / "data", folder / "log"
        _made([str(programs / "initdb"), "-D", str(data), "-U", "oncalm", "-A", "trust", "-E", "UTF8", "--no-sync"], user)
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder), "max_connections": "80", "fsync": "off", "autovacuum": "off",
            "log_min_duration_statement": "0", "log_line_prefix": "%r "}
        words = [str(programs / "postgres"), "-D", str(data), *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]
        with _running(words, group, user, log, port, signal.SIGINT):
            yield Database(port, log)


@contextmanager
def mariadb(group: Path, port: int) -> Iterator[Database]:
    """Start one whose slow log holds every statement. Raises ValueError where there is none."""
    daemon, install = _folder_of("mariadbd", "/usr/sbin/mariadbd") / "mariadbd", _folder_of("mariadb-install-db", "/usr/bin/mariadb-install-db") / "mariadb-install-db"
    with _folder("mysql") as (folder, user):
        data, log = folder / "data", folder / "slow"
        _made([str(install), "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"], user)
        words = [
            str(daemon), "--no-defaults", f"--datadir={data}", f"--socket={folder / 'socket'}", "--bind-address=127.0.0.1", f"--port={port}", "--skip-log-bin", "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", f"--log-error={folder / 'error'}", f"--pid-file={folder / 'pid'}",
            "--slow-query-log=1", f"--slow-query-log-file={log}", "--long-query-time=0", "--log-output=FILE"]
        with _running(words, group, user, folder / "out", port, signal.SIGTERM):
            yield Database(port, log)


def _folder_of(program: str, pattern: str) -> Path:
    found = [shutil.which(program) or "", *map(str, sorted(Path("/").glob(pattern[1:]), reverse=True))]
    path = next(filter(None, found), None)
    if path is None:
        raise ValueError(f"{program} is not installed (Debian: postgresql, mariadb-server)")
    return Path(path).resolve().parent


@contextmanager
def _folder(name: str) -> Iterator[tuple[Path, pwd.struct_passwd]]:
    """A folder that belongs to whom the server runs as."""
    try:
        user = pwd.getpwnam(name) if not os.geteuid() else pwd.getpwuid(os.geteuid())
    except KeyError:
        user = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="oncalm-sql-"))
    shutil.chown(folder, user.pw_uid)
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(words: list[str], user: pwd.struct_passwd) -> None:
    done = subprocess.run(words, user=user.pw_uid, cwd="/", check=False, timeout=180, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{words[0]} failed: {done.stderr[-500:]}")


@contextmanager
def _running(words: list[str], group: Path, user: pwd.struct_passwd, out: Path, port: int, end: signal.Signals) -> Iterator[None]:
    joined = [sys.executable, "-c", _JOINING, str(group / "cgroup.procs"), str(user.pw_uid), str(user.pw_gid), *words]
    with out.open("wb") as told:
        process = subprocess.Popen(joined, cwd="/", stdin=subprocess.DEVNULL, stdout=told, stderr=told)
    try:
        _wait(port, process, out)
        yield
    finally:
        process.send_signal(end)
        process.wait(60)


def _wait(port: int, process: subprocess.Popen[bytes], out: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise ValueError(f"a database did not listen: {out.read_text(errors='replace')[-500:]}")
