"""Socket Mode: Slack's requests over a WebSocket that OnCalm opens, for servers that Slack cannot reach."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_bolt import App

_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between tries to connect for the first time; the SDK reconnects by itself afterwards."""
_log = logging.getLogger(__name__)


class Socket:
    """Connects, reconnects when Slack asks or the connection is lost, and hands every envelope to the app."""

    def __init__(self, app: App, token: str) -> None:
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        self._handler = SocketModeHandler(app, token, ping_interval=5)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether Slack can be reached or not."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection."""
        self._ended.set()
        self._thread.join(5)
        self._handler.close()  # type: ignore[no-untyped-call] # the SDK has no type here

    def _connect(self) -> None:
        tries = 0
        while not self._ended.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call] # the same
            except Exception as error:  # noqa: BLE001 - the SDK raises its own, urllib's and socket's
                _log.warning("Slack's Socket Mode cannot be reached: %s", type(error).__name__)
                self._ended.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1
            else:
                return
