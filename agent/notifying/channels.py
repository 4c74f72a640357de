"""Where notices go: a name and an apprise URL. The URL is a secret and is never shown, stored or logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import quote, unquote, urlsplit

from telemetry.errors import OnCalmError, UsageError
from telemetry.redact import redact

Level = Literal["info", "success", "warning", "failure"]


class NotDeliveredError(OnCalmError):
    """A channel did not take a notice."""


@dataclass(frozen=True, slots=True)
class Channel:
    """``url``: ``mailtos://…``, ``slack://…``, ``dingtalk://…``, ``wecombot://…``, ``feishu://…``, ``workflows://…`` (Teams),
    ``pagerduty://…``, or any other of apprise's."""

    name: str
    url: str = field(repr=False)


class Sender(Protocol):
    """Delivers one notice to one channel, bounded in time. Raises NotDeliveredError."""

    def __call__(self, channel: Channel, title: str, body: str, level: Level, key: str) -> None: ...


def masked(text: str, channel: Channel) -> str:
    """A text of a library without the URL or any part of it that could be a secret, and without other secrets."""
    parts = urlsplit(channel.url)
    pieces = {channel.url, *parts.netloc.replace("@", "/").replace(":", "/").split("/"), *parts.path.split("/"), *parts.query.replace("=", "&").split("&")}
    for piece in sorted({*pieces, *map(unquote, pieces)}, key=len, reverse=True):
        if len(piece) >= 6:
            text = text.replace(piece, "[channel]")
    return redact(text)[0][:300]


def by_apprise(*, seconds: float = 10.0) -> Sender:
    """The sender for real channels. Raises UsageError when the extra ``notify`` is not installed."""
    try:
        import apprise
    except ImportError as error:
        raise UsageError("notices need apprise, which is not installed", where="notify", remedy="pip install 'oncalm[notify]'") from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # at lower levels it writes URLs and payloads

    def send(channel: Channel, title: str, body: str, level: Level, key: str) -> None:
        url = channel.url + (("&" if "?" in channel.url else "?") + f"dedup={quote(key, safe='')}" if _takes_key(channel) else "")
        said: list[str] = []
        try:
            made = apprise.Apprise.instantiate(url)
            if made is None:
                raise NotDeliveredError("apprise does not know this URL", where=f"channel {channel.name}", remedy="check the channel's URL")
            made.socket_connect_timeout, made.socket_read_timeout = seconds, seconds
            sent = made.notify(body=body, title=title, notify_type=apprise.NotifyType(level))
        except NotDeliveredError:
            raise
        except Exception as error:  # noqa: BLE001 - any plugin may raise anything; the notice waits
            said.append(f"{type(error).__name__}: {error}")
            sent = False
        if not sent:
            raise NotDeliveredError(masked("".join(said) or "the service refused it or could not be reached", channel), where=f"channel {channel.name}", remedy="it is tried again")

    return send


def _takes_key(channel: Channel) -> bool:
    return channel.url.lower().startswith("pagerduty:") and "dedup=" not in channel.url


Clock = Callable[[], float]
"""Seconds since 1970."""
