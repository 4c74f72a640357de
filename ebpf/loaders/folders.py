"""Folders that programs are attached to."""

from __future__ import annotations

import os

from ebpf.errors import TargetError


def open_group(path: str) -> int:
    """A descriptor of a control group's folder. Raises TargetError when it is not there."""
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise TargetError(f"its control group cannot be opened: {error.strerror}", where=path, remedy="it may have ended: look up the target again") from error
