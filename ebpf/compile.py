"""Compiles the C of the probes into CO-RE objects, with a manifest of their digests. Needs clang and libbpf's headers.

Run by ``make bpf`` and when a wheel is built; the node that loads an object needs neither.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES, OBJECTS = HERE / "bpf", HERE / "built"
MANIFEST = OBJECTS / "manifest.json"
_MACHINES = {"x86_64": "x86", "aarch64": "arm64"}
FLAGS = ("-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror")


def build(clang: str | None = None) -> dict[str, str]:
    """Compile what is older than its sources; the SHA-256 of each object by its name. Raises OSError, CalledProcessError."""
    compiler = clang or shutil.which("clang")
    if compiler is None:
        raise FileNotFoundError("clang is not installed: apt install clang libbpf-dev")
    OBJECTS.mkdir(exist_ok=True)
    machine = _MACHINES.get(platform.machine(), platform.machine())
    newest = max(path.stat().st_mtime for path in [*SOURCES.glob("*.[ch]"), Path(__file__)])
    for source in sorted(SOURCES.glob("*.bpf.c")):
        target = OBJECTS / source.name.replace(".bpf.c", ".bpf.o")
        if target.exists() and target.stat().st_mtime > newest:
            continue
        made = target.with_suffix(f".{os.getpid()}.new")
        subprocess.run([compiler, *FLAGS, f"-D__TARGET_ARCH_{machine}", *_headers(), "-c", str(source), "-o", str(made)], check=True)
        if strip := shutil.which("llvm-strip"):
            subprocess.run([strip, "-g", str(made)], check=True)
        made.replace(target)
    digests = {path.name.removesuffix(".bpf.o"): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(OBJECTS.glob("*.bpf.o"))}
    written = MANIFEST.with_suffix(f".{os.getpid()}.new")
    written.write_text(json.dumps({"machine": platform.machine(), "objects": digests}, indent=1) + "\n")
    written.replace(MANIFEST)
    return digests


def _headers() -> list[str]:
    """Debian keeps ``asm/`` where only its own compiler looks."""
    folder = Path("/usr/include", f"{platform.machine()}-linux-gnu")
    return [f"-I{folder}"] if folder.is_dir() else []


if __name__ == "__main__":
    try:
        print("\n".join(f"{digest}  {name}" for name, digest in build().items()))  # noqa: T201 - what make shows
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the probes' objects were not built: {error}")
