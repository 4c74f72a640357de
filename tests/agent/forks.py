"""Children that are processes of their own: forked, so that they need not import everything anew, and ended by their pid."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def child(act: Callable[[], object]) -> int:
    """Run ``act`` in a child; its pid. What it raises is printed and ends it with 1."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        act()
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never come back into the test
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """How it ended: its code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die() -> None:
    """What a power cut does to a process."""
    os.kill(os.getpid(), signal.SIGKILL)
