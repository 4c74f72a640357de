"""The distribution's bcc, loaded by its file's path after a look at whose it is.

The module ``bcc`` of the Python Package Index is another thing altogether (a lattice), and never what is meant: nothing is
imported by that name.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ebpf.errors import LoadError, ProbeError, UnsupportedError
from ebpf.loaders.dialect import STUBS

_PLACES = ("/usr/lib/python3/dist-packages/bcc", "/usr/lib/python3*/site-packages/bcc", "/usr/lib64/python3*/site-packages/bcc")
_NAME = "oncalm_distribution_bcc"
_WRITABLE = 0o022
_MACHINES = {"x86_64": "x86", "aarch64": "arm64"}
_REMEDY = "apt install python3-bpfcc, or dnf install python3-bcc; or use the loader core"
RingCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


def found(places: Sequence[str] = _PLACES) -> Path:
    """The folder of the distribution's module. Raises UnsupportedError where there is none that may be used."""
    refused = ""
    for place in places:
        for folder in sorted(Path("/").glob(place.lstrip("/"))):
            if not (refused := _doubt(folder)):
                return folder
    raise UnsupportedError(refused or "the distribution's bcc is not installed", where="bcc", remedy=_REMEDY)


def _doubt(folder: Path) -> str:
    """Why a folder is not the distribution's bcc; empty when it is."""
    if not (folder / "__init__.py").is_file() or not (folder / "libbcc.py").is_file():
        return f"{folder} is not the compiler bcc, but another package of that name"
    for path in [*sorted(folder.glob("*.py")), folder, *folder.parents]:
        status = path.stat()
        if status.st_uid != 0 or status.st_mode & _WRITABLE:
            return f"{path} is not root's alone: whoever can write it could run code with the daemon's capabilities"
    return ""


class Bcc:
    """The module, and the few things of it that are used."""

    def __init__(self, folder: Path) -> None:
        """Raises UnsupportedError when it cannot be loaded."""
        spec = importlib.util.spec_from_file_location(_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])
        if spec is None or spec.loader is None:
            raise UnsupportedError("it cannot be loaded", where=str(folder), remedy=_REMEDY)
        module = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever a foreign module raises while it is imported
            sys.modules.pop(_NAME, None)
            raise UnsupportedError(f"it cannot be loaded: {error}", where=str(folder), remedy=_REMEDY) from error
        if not hasattr(module, "BPF"):
            raise UnsupportedError("it is not the compiler bcc", where=str(folder), remedy=_REMEDY)
        self._module: Any = module

    def compile(self, text: str, names: Sequence[str]) -> Mapping[str, bytes]:
        """The instructions of functions of a text. Raises LoadError with what the compiler wrote."""
        flags = ["-Wno-everything", "-Werror=implicit-function-declaration", "-D__BPF_HELPERS_H", "-DONCALM_BCC", f"-D__TARGET_ARCH_{_MACHINES.get(platform.machine(), platform.machine())}"]
        with _complaints() as told:
            os.putenv("BCC_KERNEL_SOURCE", str(STUBS))
            try:
                made = self._module.BPF(text=text.encode(), cflags=flags)
                return {name: bytes(made.dump_func(name.encode())) for name in names}
            except Exception as error:  # bcc raises Exception itself
                log = told()
                first = next((line for line in log.splitlines() if "error:" in line), str(error))
                raise LoadError(f"bcc cannot compile it: {first.strip()[:300]}", where="bcc", remedy="use the loader core", log=log) from error
            finally:
                os.unsetenv("BCC_KERNEL_SOURCE")
                with contextlib.suppress(UnboundLocalError):
                    made.cleanup()

    def ring(self, descriptor: int, callback: Any) -> int:
        """Open a ring buffer; 0 when it cannot be."""
        return int(self._module.lib.bpf_new_ringbuf(descriptor, ctypes.cast(callback, self._module.libbcc._RINGBUF_CB_TYPE), None) or 0)

    def poll(self, ring: int, milliseconds: int) -> int:
        """Wait for events; how many were handed to the callback."""
        return int(self._module.lib.bpf_poll_ringbuf(ring, milliseconds))

    def free(self, ring: int) -> None:
        """Close a ring buffer."""
        self._module.lib.bpf_free_ringbuf(ring)


@cache
def bcc() -> Bcc:
    """The distribution's, loaded once. Raises UnsupportedError."""
    return Bcc(found())


def why_not() -> str:
    """Why bcc cannot be used here; empty where it can."""
    try:
        bcc()
    except ProbeError as error:
        return str(error)
    return ""


@contextlib.contextmanager
def _complaints() -> Iterator[Callable[[], str]]:
    """Keep what the compiler writes to standard error, which it does from C."""
    kept, before = os.memfd_create("bcc"), os.dup(2)
    os.dup2(kept, 2)

    def read() -> str:
        size = os.fstat(kept).st_size
        return os.pread(kept, min(size, 1 << 16), 0).decode("utf-8", "replace")

    try:
        yield read
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(kept)
