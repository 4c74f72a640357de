"""The daemon as it is deployed: with exactly these capabilities, as this user, under this seccomp profile."""

from __future__ import annotations

import json
import os
import platform
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PYTHON = Path("/usr/bin/python3")

_TWICE = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'import sys; print(*sys.version_info[:2])'])"
"""Twice: the first is still started with the rights of before."""
_CONFINE = """
import ctypes, os, struct, sys
numbers = [int(one) for one in sys.argv[1].split(",")]
rules = struct.pack("=HBBI", 0x20, 0, 0, 0) + b"".join(struct.pack("=HBBI", 0x15, 0, 1, one) + struct.pack("=HBBI", 6, 0, 0, 0x7fff0000) for one in numbers)
rules += struct.pack("=HBBI", 6, 0, 0, 0x50001)
room = ctypes.create_string_buffer(rules, len(rules))
program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(rules) // 8, ctypes.addressof(room)), 16)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[2], sys.argv[2:])
"""


def interpreter() -> Path:
    """A Python that any user may run, of the version that our packages were installed for; or a skip."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv (util-linux) is not installed")
    ours = Path(sys.executable).resolve()
    for python in (ours, _PYTHON):
        told = subprocess.run([setpriv, "--reuid", "nobody", "--clear-groups", str(python), "-c", _TWICE],
                              capture_output=True, text=True, check=False)
        if told.stdout.split() == [str(number) for number in sys.version_info[:2]]:
            return python
    pytest.skip("no Python of this version may be run by another user here")


def allowed(profile: Path) -> list[int]:
    """The system calls of a seccomp profile that this machine has, by number; or a skip."""
    header = Path("/usr/include", f"{platform.machine()}-linux-gnu", "asm", "unistd_64.h")
    if not header.is_file():
        pytest.skip("the numbers of system calls are not here (linux-libc-dev)")
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()))
    names = [name for rule in json.loads(profile.read_text())["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]]
    return sorted(int(numbers[name]) for name in names if name in numbers)


def command(capabilities: frozenset[str], *, user: str | None, seccomp: Path | None, arguments: list[str]) -> list[str]:
    """What starts OnCalm's command line with these capabilities and no other; ``user`` None: root."""
    python = interpreter()
    names = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in sorted(capabilities))])
    become = ["--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups", "--inh-caps", names, "--ambient-caps", names] if user else ["--inh-caps=-all"]
    begin = ["setpriv", "--bounding-set", names, *become, "--no-new-privs"]
    if seccomp is not None:
        begin += [str(python), "-c", _CONFINE, ",".join(map(str, allowed(seccomp)))]
    paths = [str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return [*begin, str(python), "-c", f"import sys; sys.path[:0] = {paths!r}; from api.cli import main; main()", *arguments]


@contextmanager
def folder_of(user: str | None, place: Path) -> Iterator[Path]:
    """A folder that ``user`` owns; under ``/tmp``, for pytest's own are root's alone."""
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="oncalm-probed-", dir="/tmp"))
    (made / "keys").mkdir(mode=0o755)
    if user:
        entry = pwd.getpwnam(user)
        for one in (made, made / "keys"):
            os.chown(one, entry.pw_uid, entry.pw_gid)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
