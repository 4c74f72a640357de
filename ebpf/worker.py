"""One session in a process of its own: load, attach, drop every capability, and only then look at bytes.

Run as ``python -m ebpf.worker``: an :class:`~ebpf.order.Order` comes on standard input, lines of JSON go to standard
output: ``attached``, ``call``, ``progress``, ``result`` or ``error``. It ends when its time is over, its target is gone,
the price is too high, its input is closed (whoever asked has left), or its parent dies. The kernel then takes the
programs out by itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import Any, TextIO

from ebpf import accounting, privileges, wire
from ebpf.attachments import per_run
from ebpf.errors import ProbeError, TargetError
from ebpf.governor import Governor
from ebpf.kind import Reader
from ebpf.kinds import kind_of
from ebpf.loaders.choice import loader_for
from ebpf.loaders.interface import Loaded
from ebpf.order import Order, OrderError, order_from
from ebpf.presence import gone, resident

_LATE, _TELLING = 5.0, 60.0
"""Seconds beyond its time, and for the result when nothing is attached any more, after which the kernel ends a worker that waits for whoever should read."""
_LOOK = 1.0
"""Seconds between looks at price and target."""
_SWEEP = 0.25
_PAUSE = 1_000_000_000
"""ns without a byte after which a response is handed out as far as it came."""


class Session:
    """From attaching to the result."""

    def __init__(self, order: Order, out: TextIO, stop: int) -> None:
        """``stop``: a descriptor that becomes readable, or ends, when the session has to."""
        self._order, self._out, self._stop = order, out, stop
        self._governor = Governor(order.overhead, per_run(order.name, order.ns_per_call))
        self._told = 0
        self._waited = 0
        """Most bytes that waited in the ring buffer since the last look."""
        self._loader = ""
        self._attaching = 0.0
        """Milliseconds from the first call until everything was attached."""

    def run(self) -> None:
        """All of it. Raises ProbeError before anything is attached, or when the kernel refuses."""
        began = time.monotonic()
        loaded, reader = self._attach()
        try:
            reader.summary(loaded)  # whatever that imports is there before files may not be read any more
            if why := gone(self._order.aim, self._order.started):  # it may have become another one while this was attached
                raise TargetError(why, where="target", remedy="look it up, and ask again")
            privileges.drop(self._order.parent)
            self._say(type="attached", loader=self._loader, ms=self._attaching, ready_ms=round((time.monotonic() - began) * 1e3, 3), resident=resident(), capabilities=privileges.held())
            why = self._watch(loaded, reader)
            self._finish(loaded, reader, why)
        finally:
            loaded.close()

    def _attach(self) -> tuple[Loaded, Reader]:
        order, kind = self._order, kind_of(self._order.name)
        places = kind.places(order.aim, order.options)
        wanted = {place.program for place in places}
        began = time.monotonic()
        loader = loader_for(kind.object, order.loader)
        loaded = loader.load(
            kind.object, kind.constants(order.aim, order.options), sizes={"ring": ring_size(order.options.budget)}, only=frozenset(wanted))
        loaded.attach(places)
        self._attaching = round((time.monotonic() - began) * 1e3, 3)
        loaded.poll(0, lambda _: None)  # the ring buffer is mapped while that is still allowed
        self._loader = loader.name
        return loaded, kind.reader(order.aim, order.options, wire.epoch())

    def _watch(self, loaded: Loaded, reader: Reader) -> str:
        """Look until the session has to end; why it did."""
        start = looked = swept = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, self._order.seconds + _LATE)
        self._governor.begin(start, time.process_time())
        _pause(loaded, _PAUSE)
        while True:
            self._drain(loaded, reader)
            self._out.flush()
            now = time.monotonic()
            if now - swept >= _SWEEP:
                loaded.sweep()
                swept = now
            if now - start >= self._order.seconds:
                return "the time is over"
            if select.select([self._stop], [], [], 0)[0]:
                return "it was stopped"
            if now - looked >= _LOOK:
                looked = now
                if why := self._look(loaded, now):
                    return why

    def _drain(self, loaded: Loaded, reader: Reader) -> None:
        came = 0

        def event(data: bytes) -> None:
            nonlocal came
            came += len(data) + _HEADER
            self._event(reader, data)

        loaded.poll(100, event)
        self._waited = max(self._waited, came)

    def _look(self, loaded: Loaded, now: float) -> str:
        counted = accounting.counts(loaded.numbers("counters"))
        share = self._governor.look(now, time.process_time(), counted.calls)
        self._say(type="progress", seen=counted.seen, events=counted.events, suppressed=counted.suppressed, lost=counted.lost, told=self._told, cpu=round(share, 6),
                  full=round(min(1.0, self._waited / ring_size(self._order.options.budget)), 6))
        self._waited = 0
        if self._governor.exceeded:
            return f"it cost {share:.1%} of a CPU, and {self._order.overhead:.1%} were approved"
        return gone(self._order.aim, self._order.started)

    def _finish(self, loaded: Loaded, reader: Reader, why: str) -> None:
        loaded.detach()
        signal.setitimer(signal.ITIMER_REAL, _TELLING)
        _pause(loaded, 0)
        loaded.sweep()
        while loaded.poll(0, lambda data: self._event(reader, data)):
            pass
        now = time.monotonic()
        calls = accounting.counts(loaded.numbers("counters")).calls
        if not self._governor.shares:
            self._governor.look(now, time.process_time(), calls)
        self._say(type="result", ended=why, told=self._told, calls=calls, cpu=self._governor.mean, worker=self._governor.worker, cap=self._order.overhead,
                  resident=resident(), summary=reader.summary(loaded))

    def _event(self, reader: Reader, data: bytes) -> None:
        for document in reader.event(data):
            self._told += 1
            self._say(type="call", call=document)

    def _say(self, **told: Any) -> None:
        self._out.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
        if told["type"] != "call":
            self._out.flush()


def ring_size(budget: int) -> int:
    """Bytes of the ring buffer, a power of two: some seconds of the budget's events, a quarter to four MiB."""
    wanted = budget * (os.cpu_count() or 1) * _EVENT * _SECONDS if budget else _LARGEST
    return int(min(_LARGEST, max(_SMALLEST, 1 << (wanted - 1).bit_length())))


_HEADER = 8  # of each record of a ring buffer (BPF_RINGBUF_HDR_SZ)
_EVENT, _SECONDS, _SMALLEST, _LARGEST = 1400, 4, 1 << 18, 1 << 22


def _pause(loaded: Loaded, ns: int) -> None:
    try:
        loaded.put("control", 0, ns)
    except KeyError:  # this kind has nothing to sweep
        return


def main() -> int:
    """The process; 0 when a result was told."""
    try:
        order = order_from(sys.stdin.buffer.readline())
        privileges.die_with_parent(order.parent)
        signal.setitimer(signal.ITIMER_REAL, order.seconds + _TELLING)  # SIGALRM ends it, wherever it waits
        Session(order, sys.stdout, sys.stdin.fileno()).run()
    except BrokenPipeError:
        return 1
    except ProbeError as error:
        told = {"type": "error", "what": error.what, "where": error.where, "remedy": error.remedy, "log": getattr(error, "log", "")[-4000:]}
        sys.stdout.write(json.dumps(told) + "\n")
        return 1
    except OrderError as error:
        sys.stdout.write(json.dumps({"type": "error", "what": f"the order cannot be read: {error}", "where": "worker", "remedy": "", "log": ""}) + "\n")
        return 2
    except Exception as error:  # noqa: BLE001 - whatever it is has to be told, and without the bytes it may hold
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{place.tb_lineno}" if place else ""
        told = {"type": "error", "what": f"a defect of the probe: {type(error).__name__} at {where}; nothing is attached any more", "where": "worker",
                "remedy": "report it", "log": ""}
        sys.stdout.write(json.dumps(told) + "\n")
        return 3
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
