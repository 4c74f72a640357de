"""Compile the kernel beside its sources. The library's name tells its sources, so an old one is never loaded.

``hatch_build.py`` runs this file by itself when the package is installed: it needs nothing else of OnCalm.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

SOURCES = [Path(__file__).parent / name for name in ("columns.c", "lines.c", "stamps.c", "table.h")]
FLAGS = ("-std=c99", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra")


def library() -> Path | None:
    """Where the library of these sources is, or would be; None without them."""
    try:
        text = b"".join([source.read_bytes() for source in SOURCES])
    except OSError:
        return None
    return Path(__file__).with_name(f"kernel-{zlib.crc32(text):08x}.so")


def build() -> Path:
    """Compile the kernel and remove what older sources left. Raises OSError or CalledProcessError when it cannot be.

    ``CC`` names the compiler, as everywhere.
    """
    import shlex
    import subprocess
    import sysconfig

    target = library()
    if target is None:
        raise FileNotFoundError(SOURCES[0])
    sources = [str(source) for source in SOURCES if source.suffix == ".c"]
    partial = target.with_suffix(f".{os.getpid()}.partial")
    given = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    for compiler in dict.fromkeys((given, "cc")):
        try:
            subprocess.run([*shlex.split(compiler), *FLAGS, "-o", str(partial), *sources], check=True)
            break
        except (OSError, subprocess.CalledProcessError):
            if compiler == "cc":
                raise
    partial.replace(target)
    for old in target.parent.glob("kernel-*.so"):
        if old != target:
            old.unlink()
    return target


__all__ = ["build", "library"]
