"""A real MariaDB for tests: its own folder, a unix socket, never as root, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest


@contextmanager
def server() -> Iterator[Path]:
    """Start one and yield its socket. Skips, with the reason, where there is none to start."""
    daemon = shutil.which("mariadbd") or ("/usr/sbin/mariadbd" if Path("/usr/sbin/mariadbd").exists() else None)
    install = shutil.which("mariadb-install-db")
    if daemon is None or install is None:
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    user, folder = _user(), Path(tempfile.mkdtemp(prefix="oncalm-my-"))
    if user:
        shutil.chown(folder, user)
    data, socket, log = folder / "data", folder / "socket", folder / "log"
    try:
        made = subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"],
            user=user, cwd="/", check=False, timeout=120, capture_output=True,
        )
        assert made.returncode == 0, made.stderr.decode(errors="replace")
        process = subprocess.Popen(
            [daemon, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking", "--skip-log-bin",
             "--innodb-buffer-pool-size=16M", f"--log-error={log}", f"--pid-file={folder / 'pid'}"],
            user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            _wait(socket, process)
            yield socket
        finally:
            process.terminate()
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    if os.geteuid():
        return None
    for name in ("mysql", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("MariaDB refuses to run as root, and there is no other user")


def _wait(socket: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "mariadbd ended at once"
        try:
            pymysql.connect(unix_socket=str(socket), user="root").close()
        except pymysql.err.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("mariadbd did not listen within a minute")
