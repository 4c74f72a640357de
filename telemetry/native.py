"""Compiled helpers beside the modules they speed up, used where a compiler was at hand when OnCalm was installed.

Each has a twin in Python that is its specification; :func:`library` returns None when only that one is there.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import machinery
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

long = ctypes.c_int64
"""Every length and offset is passed as one: ctypes would pass a bare int as a C int."""
SUFFIX = machinery.EXTENSION_SUFFIXES[-1]


@cache
def library(module: str) -> ctypes.CDLL | None:
    """The compiled library that belongs to the module file ``module``: ``_NAME.so`` beside ``NAME.py``."""
    source = Path(module)
    try:
        found = ctypes.CDLL(str(source.with_name(f"_{source.stem}{SUFFIX}")))
    except OSError:
        return None
    for name in ("gather", "number", "scan"):
        if hasattr(found, name):
            getattr(found, name).restype = ctypes.c_int64
    return found


def address(column: NDArray[Any]) -> ctypes.c_void_p:
    """Where a column lies: contiguous, of the type that the callee expects."""
    return ctypes.c_void_p(column.ctypes.data)


def table(count: int) -> tuple[NDArray[np.int32], int]:
    """An empty hash table for so many values, and its size as a power of two."""
    import numpy as np

    bits = max(4, (2 * count).bit_length())
    return np.full(1 << bits, -1, dtype=np.int32), bits
