"""A recorded incident that ships with the product: real processes, a real fault, their real logs, traces and metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def incident_folder() -> Path:
    """The logs of the recorded incident."""
    return Path(__file__).parent / "incident" / "logs"


def incident_records() -> list[Path]:
    """Its spans, metrics and changes, to be imported."""
    folder = Path(__file__).parent / "incident"
    return [folder / "traces", folder / "metrics", folder / "changes"]


def incident_changes() -> list[dict[str, str]]:
    """Its feed of changes, oldest first: ``time``, ``kind``, ``service``, ``before``, ``version`` …"""
    found: list[dict[str, str]] = json.loads((Path(__file__).parent / "incident" / "changes" / "changes.json").read_text("utf-8"))
    return found


def incident_truth() -> dict[str, Any]:
    """What really was the matter, and when; ``fault_end`` is when it was taken back by hand."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "incident" / "truth.json").read_text("utf-8"))
    return found
