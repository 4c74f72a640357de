"""A recorded incident that ships with the product: real processes, a real fault, their real logs, traces and metrics."""

from __future__ import annotations

from pathlib import Path


def incident_folder() -> Path:
    """The logs of the recorded incident."""
    return Path(__file__).parent / "incident" / "logs"


def incident_records() -> list[Path]:
    """Its spans, metrics and changes, to be imported."""
    folder = Path(__file__).parent / "incident"
    return [folder / "traces", folder / "metrics", folder / "changes"]
