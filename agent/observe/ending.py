"""What happens to telemetry when the process is told to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


def close_on_sigterm(close: Callable[[], object]) -> bool:
    """On SIGTERM run ``close`` and then end as the signal would have; whether that could be set up.

    ``close`` must keep its own deadline. It runs in a thread while the main thread goes on: whatever that was in the
    middle of can give its locks back. A second SIGTERM ends the process at once. Only the main thread can set handlers,
    and where there is a handler already (a server's graceful end), its owner has to close telemetry: then nothing is done.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return False

    def finish() -> None:
        try:
            close()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def ending(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=finish, name="oncalm-telemetry-sigterm", daemon=True).start()

    signal.signal(signal.SIGTERM, ending)
    return True
