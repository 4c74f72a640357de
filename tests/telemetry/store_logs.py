"""Small stores made by the real ingest: many segments, undated lines, several values in a line, units."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.wiring.product import Product

FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
USERS = ("root", "Alice", "bob", "o'neil")
_FORMS = (
    "INFO [web] app.Http: GET /api/{path} from 10.0.0.{small} took {ms}ms status {status}",
    "INFO [web] app.Http: GET /api/{path} from 10.0.0.{small} took {ms} ms status {status}",
    "WARN [auth] app.Login: Failed password for {user} from 10.0.0.{small} port {port} ssh2",
    "INFO [auth] app.Login: Accepted password for {user} from 10.0.0.{small} port {port} ssh2",
    "ERROR [web] app.Http: upstream timed out after {ms}ms request req-{hex}",
    "ERROR [pool] app.Pool: route 10.0.0.{small} to 10.0.1.{small2} lost\n\tat app.Pool.get(Pool.java:{port})",
    "INFO [disk] app.Disk: wrote {size}KB to /data/file{small}",
    "DEBUG [disk] app.Disk: cache {word} after {seconds}s",
)


def log(lines: int, *, seed: int, begin: int) -> str:
    """``lines`` records from minute ``begin`` on, some without a time."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    made = []
    for number in range(lines):
        when = FIRST + timedelta(minutes=begin, seconds=number * 3, milliseconds=rng.choice((0, 0, 500)))
        form = rng.choice(_FORMS).format(
            path=rng.choice(("orders", "users")), small=rng.randrange(6), small2=rng.randrange(4),
            ms=rng.choice((5, 12, 250, 1900)), status=rng.choice((200, 404, 500)), user=rng.choice(USERS),
            port=rng.randrange(4000, 4010), hex=f"{rng.randrange(1 << 32):08x}", size=rng.choice((3, 70, 1024)),
            word=rng.choice(("opened", "expired", "rebuilt")), seconds=rng.choice((1, 2.5, 40)),
        )
        made.append(f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03} {form}\n")
    return "".join(made)


def build(folder: Path, files: int, *, lines: int = 60) -> Product:
    """One segment per file at first: each is ingested on its own."""
    product = Product(folder / "home")
    for number in range(files):
        path = folder / f"part{number}.log"
        undated = "note: no clock here, user root\n" if number % 3 == 1 else ""
        path.write_text(undated + log(lines, seed=number, begin=number * 2))
        product.ingest([path])
    return product
