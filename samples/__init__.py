"""A recorded incident that ships with the product: real processes, a real fault, their real logs."""

from __future__ import annotations

from pathlib import Path


def incident_folder() -> Path:
    """The logs of the recorded incident."""
    return Path(__file__).parent / "incident" / "logs"


def questions() -> tuple[str, ...]:
    """What the demo asks, in order, in one conversation."""
    return (
        "how many checkouts failed?",
        "errors per minute",
        "what changed in the last 2 minutes compared with the 2 minutes before?",
        "which users were hit by failed checkouts the most?",
        "what is the p95 duration of checkouts?",
        "when did the database is locked error first happen?",
        "summarise the errors",
    )
