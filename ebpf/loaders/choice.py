"""Which loader a session uses: compiled objects first, the compiler on the node where none fits, else the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ebpf import objects
from ebpf.btf import VMLINUX
from ebpf.errors import ProbeError, SessionError, UnsupportedError
from ebpf.loaders.interface import Loader

Choice = Literal["auto", "core", "bcc"]
CHOICES: tuple[Choice, ...] = ("auto", "core", "bcc")


def loader_for(program: str, choice: str = "auto", folder: Path = objects.FOLDER) -> Loader:
    """The loader for an object. Raises UnsupportedError when neither can, SessionError for a name that there is not."""
    if choice not in CHOICES:
        raise SessionError(f"there is no loader {choice!r}", where="loader", remedy=f"use {', '.join(CHOICES)}")
    if choice != "bcc" and (choice == "core" or not why_not_core(program, folder)):
        from ebpf.loaders.core import CoreLoader

        return CoreLoader()
    from ebpf.loaders import bccmodule
    from ebpf.loaders.bcc import BccLoader

    if choice == "auto" and (no := bccmodule.why_not()):
        raise UnsupportedError(f"no loader can load {program}. core: {why_not_core(program, folder)}. bcc: {no}", where="loader",
                               remedy="make bpf where clang is, and apt install libbpf1; or apt install python3-bpfcc")
    return BccLoader()


def why_not_core(program: str, folder: Path = objects.FOLDER) -> str:
    """Why no compiled object fits; empty where one does."""
    from ebpf.libbpf import library

    try:
        objects.read(program, folder)
        library()
    except ProbeError as error:
        return error.what
    return "" if VMLINUX.exists() else "this kernel does not tell its types (BTF)"
