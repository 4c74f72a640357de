"""Running a call with a deadline: the caller never waits longer, whatever the call does."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from contextlib import nullcontext
from threading import Event, Thread
from typing import Generic, TypeVar

from telemetry.interrupt import CURRENT, Interrupt

T = TypeVar("T")
_GRACE = 0.02
_TRIES = 3


class LateToolError(Exception):
    """A tool took longer than it may."""


class CrashedToolError(Exception):
    """A tool ended by something that no program should catch as an error: an exit, a panic of native code."""


class _Job(Generic[T]):
    """A call in a thread of its own, under an interrupt, in the context of whoever waits for it."""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self.interrupt = Interrupt()
        self.done = Event()
        self.value: list[T] = []
        self.error: BaseException | None = None
        context = contextvars.copy_context()
        context.run(CURRENT.set, self.interrupt)
        # A daemon: a call that does not listen must not keep the process from ending.
        self.thread = Thread(target=context.run, args=(self._work, call), name=f"tool {name}", daemon=True)

    def _work(self, call: Callable[[], T]) -> None:
        try:
            self.value.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self.error = error
        finally:
            self.done.set()

    def stop(self) -> None:
        """Interrupt what runs. Between two queries nothing listens: it is tried again for a moment."""
        for _ in range(_TRIES):
            self.interrupt.fire()
            if self.done.wait(_GRACE):
                return


def within(seconds: float, call: Callable[[], T], *, name: str) -> T:
    """What ``call`` gives; its errors are raised here. Raises LateToolError after ``seconds``."""
    if seconds <= 0:
        raise LateToolError("there was no time left to run it")
    job = _Job(call, name)
    outer = CURRENT.get()
    with outer.stopping(job.interrupt.fire) if outer else nullcontext():
        job.thread.start()
        try:
            ended = job.done.wait(seconds)
        except BaseException:
            job.interrupt.fire()
            raise
        if not ended:
            job.stop()
            raise LateToolError(f"stopped after {seconds:g} s without a result; ask about a shorter time or fewer records")
    if isinstance(job.error, Exception):
        raise job.error
    if job.error is not None:
        raise CrashedToolError(f"{type(job.error).__name__}: {job.error}") from job.error
    return job.value[0]
