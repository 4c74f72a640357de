"""A message and where it may go. Secrets are masked when it is made; a channel's URL is a secret and never shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from telemetry.errors import UsageError
from telemetry.redact import find_secrets

Event = Literal["approval_asked", "reminder", "executed", "verified", "rolled_back", "failed"]
EVENTS: tuple[Event, ...] = get_args(Event)
LONGEST = 4_000
"""Characters of a body; the whole story is in ``oncalm approvals show``."""
_KEY = 255
"""Characters of a ``dedup_key`` (PagerDuty, Events API v2)."""
WITHHELD = "[withheld: it could not be checked for secrets]"
_CALLS = ("@everyone", "@here", "@channel", "@all", "<!", "<@", "<users/")


@dataclass(frozen=True, slots=True)
class Channel:
    """One place: its name, apprise's URL of it, and the events it is told of."""

    name: str
    url: str = field(repr=False)
    events: tuple[Event, ...] = EVENTS

    def __post_init__(self) -> None:
        """Raises UsageError, without the URL."""
        unknown = sorted(set(self.events) - set(EVENTS))
        if not self.name or "://" in self.name or "://" not in self.url or unknown:
            why = f"unknown events {', '.join(unknown)}" if unknown else "it needs a name and a URL of apprise"
            raise UsageError(f"a notification channel is not usable: {why}", where=f"channel {self.name.split('://')[0]!r}",
                             remedy="see docs/notifications.md")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told. The same ``key`` is the same notice: told again it is told once, and PagerDuty sees one ``dedup_key``."""

    key: str
    event: Event
    title: str
    body: str
    useful_until: datetime | None = None
    """After this (an approval's deadline) it is not sent any more."""


def notice(approval: str, event: Event, title: str, body: str, *, nth: int = 0, useful_until: datetime | None = None,
           secrets: Callable[[str], str] | None = None) -> Notice:
    """A notice of an approval, its texts masked. ``nth`` tells reminders apart. ``secrets`` replaces the masking."""
    mask = secrets or masked
    key = f"oncalm/{approval}/{event}/{nth}"
    if len(key) > _KEY:
        key = f"oncalm/{hashlib.sha256(key.encode()).hexdigest()}"
    return Notice(key, event, _safe(mask, " ".join(title.split()))[:200], _safe(mask, body)[:LONGEST], useful_until)


def masked(text: str) -> str:
    """The text without secrets, by every rule: it leaves the machine."""
    parts: list[str] = []
    done = 0
    for hit in sorted(find_secrets(text), key=lambda one: (one.start, -one.end)):
        if hit.end <= done:
            continue
        parts += (text[done : max(done, hit.start)], f"[REDACTED:{hit.kind}]")
        done = hit.end
    return "".join((*parts, text[done:]))


def _safe(mask: Callable[[str], str], text: str) -> str:
    """Masked, and calling nobody: a log line may not ring a whole channel. What cannot be masked is withheld."""
    try:
        clean = mask(text)
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing unchecked leaves the machine
        return WITHHELD
    for call in _CALLS:
        clean = clean.replace(call, f"{call[0]} {call[1:]}")
    return clean
