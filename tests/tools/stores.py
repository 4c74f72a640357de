"""Small stores of generated logs, for tests of the tools that read them."""

from __future__ import annotations

import random
from pathlib import Path

from api.wiring.product import Product

ACTIONS = ("reserve", "refund", "capture")


def generated(count: int, seed: int = 7) -> list[str]:
    """Lines of one service a second: mostly requests, some payments with their parameters, a few errors."""
    draw = random.Random(seed)  # noqa: S311 - the same lines every time
    lines = []
    for n in range(count):
        time = f"2026-03-01 {10 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}"
        host, order = f"10.0.{draw.randrange(4)}.{draw.randrange(200)}", f"{draw.getrandbits(64):016x}"
        kind = draw.random()
        if kind < 0.6:
            lines.append(f"{time} INFO [http] GET /api/orders/{order} from {host} answered 200 in {draw.randrange(5, 90)} ms")
        elif kind < 0.9:
            lines.append(f"{time} INFO [payments] {draw.choice(ACTIONS)} for order {order} of {draw.randrange(100, 9999)} cents accepted")
        else:
            lines.append(f"{time} ERROR [pool] connection to {host}:5432 timed out after {draw.randrange(1000, 9000)} ms, order {order} failed")
    return lines


def stored(folder: Path, lines: list[str]) -> Path:
    """A home that holds ``lines`` as the source ``app.log``."""
    (folder / "app.log").write_text("\n".join(lines) + "\n")
    Product(folder / "home").ingest([folder / "app.log"])
    return folder / "home"
