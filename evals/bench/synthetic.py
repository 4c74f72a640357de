"""A synthetic log for the query bench: made up, the same bytes for the same number of lines on every machine.

Six services on twenty nodes over two and a half days, interleaved in one file, about a hundred message forms with
client addresses, users, durations, sizes, paths and request ids. Nothing in it was ever a real system's log.
"""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

SPAN = timedelta(hours=60)
_BATCH = 100_000
_USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "root")
_PATHS = tuple(f"/api/{noun}" for noun in "orders carts users items prices search stock invoices".split())
_COMMON: tuple[tuple[str, str, str, int], ...] = (
    ("gateway", "INFO", "GET {path} from {ip} status 200 took {ms} ms", 520),
    ("gateway", "INFO", "POST {path} from {ip} status 201 took {ms} ms", 120),
    ("gateway", "WARN", "GET {path} from {ip} status 404 took {ms} ms", 25),
    ("gateway", "ERROR", "GET {path} from {ip} status 500 took {ms} ms request {request}", 8),
    ("auth", "INFO", "Accepted password for {user} from {ip} port {port} ssh2", 60),
    ("auth", "WARN", "Failed password for {user} from {ip} port {port} ssh2", 30),
    ("auth", "INFO", "Connection closed by {ip} port {port}", 40),
    ("orders", "INFO", "Order {number} placed by user {user} total {bytes} cents", 60),
    ("orders", "ERROR", "Order {number} failed: payment declined for user {user}", 5),
    ("payments", "INFO", "Charged card of user {user} in {ms} ms request {request}", 50),
    ("payments", "ERROR", "Timeout after {ms} ms calling bank for request {request}", 3),
    ("storage", "INFO", "Served {bytes} bytes of block {number} to {ip}", 60),
    ("storage", "WARN", "Slow write of {bytes} bytes took {ms} ms", 9),
    ("worker", "INFO", "Job {number} finished in {ms} ms", 50),
)
_WORDS = (
    "cache queue index session token buffer channel cursor shard lease opened expired rebuilt rejected moved merged "
    "flushed renewed primary replica remote local stale pending quota segment snapshot ledger mirror bucket route "
    "probe handler worker thread pool limit window gossip quorum leader follower epoch commit rollback journal page"
).split()
_SERVICES = ("gateway", "auth", "orders", "payments", "storage", "worker")
_RARE = 86


def forms() -> list[tuple[str, str, str, int]]:
    """(service, level, message with places, weight) of every form: the common ones, then many rare ones."""
    drawn = random.Random(11)
    rare = []
    for number in range(_RARE):
        words = drawn.sample(_WORDS, 4 + number % 5)
        level = "WARN" if number % 6 == 0 else "DEBUG" if number % 5 == 0 else "INFO"
        rare.append((_SERVICES[number % 6], level, f"{' '.join(words)} after {{ms}} ms", 1))
    return [*_COMMON, *rare]


def trace_id(number: int) -> str:
    """The id of trace ``number``."""
    return f"{(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}"


def write(path: Path, lines: int, *, span: timedelta = SPAN, traces: int = 0) -> None:
    """Write ``lines`` lines to ``path`` in time order, by way of a temporary name. Of ``traces`` traces, spread evenly over
    the time, every line names the one of its moment."""
    import numpy as np

    rng = np.random.default_rng(20260302)
    made = forms()
    weights = np.array([form[3] for form in made], dtype=float)
    step = int(span.total_seconds() * 1e6) / lines
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as handle:
        for begin in range(0, lines, _BATCH):
            size = min(_BATCH, lines - begin)
            chosen = rng.choice(len(made), size, p=weights / weights.sum()).tolist()
            numbers = rng.integers(1, 1 << 30, size).tolist()
            waits = (np.exp(rng.normal(3.2, 1.1, size))).astype(int).tolist()
            clients = (rng.pareto(0.8, size) * 40).astype(int).clip(0, 49_999).tolist()
            handle.writelines(
                _line(begin + i, step, made[f], numbers[i], waits[i], clients[i],
                      f" trace_id={trace_id((begin + i) * traces // lines)}" if traces else "")
                for i, f in enumerate(chosen)
            )
    partial.replace(path)


def _line(at: int, step: float, form: tuple[str, str, str, int], number: int, wait: int, client: int,
          more: str) -> str:
    micros = int(at * step)
    day, rest = divmod(micros // 1000, 86_400_000)
    clock, millis = divmod(rest, 1000)
    stamp = f"2026-03-{2 + day:02}T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}.{millis:03}Z"
    service, level, body, _ = form
    text = body.format(
        path=_PATHS[number % 8], ip=f"10.{client >> 12}.{client >> 6 & 63}.{client & 63}", ms=wait,
        user=_USERS[number % 12], port=1024 + number % 60_000, number=number, bytes=number % 100_000,
        request=f"req-{number:08x}",
    )
    return f"{stamp} node-{number % 20:02} {service}[{700 + number % 20}]: {level}: {text}{more}\n"
