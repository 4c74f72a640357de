"""What a worker is told: one line of JSON from whoever checked the approval."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ebpf.kind import Aim, Options


@dataclass(frozen=True, slots=True)
class Order:
    """One session. ``ends``: seconds of CLOCK_MONOTONIC, so that a change of the clock moves nothing."""

    name: str
    aim: Aim
    options: Options
    seconds: float
    overhead: float
    """The most of one CPU it may cost."""
    parent: int
    """The process that has to live."""
    started: int | None = None
    loader: str = "core"
    ns_per_call: float = 0.0
    """What one run of our programs costs on this node, as it was calibrated; 0 unknown."""

    def line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


class OrderError(Exception):
    """A line that is no order."""


def order_from(line: bytes) -> Order:
    """From that line. Raises OrderError for anything else."""
    try:
        told: Mapping[str, Any] = json.loads(line)
        aim, options = dict(told["aim"]), dict(told["options"])
        return Order(**{**told, "aim": Aim(**{**aim, "pids": tuple(aim["pids"])}), "options": Options(**options)})
    except (ValueError, TypeError, KeyError) as error:
        raise OrderError(repr(error)) from error
