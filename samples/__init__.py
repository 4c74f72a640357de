"""A recorded incident that ships with the product: real processes, a real fault, their real logs."""

from __future__ import annotations

from pathlib import Path


def incident_folder() -> Path:
    """The logs of the recorded incident."""
    return Path(__file__).parent / "incident" / "logs"
