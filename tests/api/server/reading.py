"""Event streams as a client reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Event = tuple[int, str, dict[str, Any]]


def events(lines: Iterable[str]) -> Iterator[Event]:
    """(id, name, data) of each event; comments are passed over."""
    held: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            held[name] = value
        elif held.get("event"):
            yield int(held["id"]), held["event"], json.loads(held["data"])
            held = {}
        else:
            held = {}
