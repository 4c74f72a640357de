"""The HTTP connection to a collector: quick to see that nobody is there, above all when the process ends."""

from __future__ import annotations

from threading import Event
from typing import Any

import requests

_CONNECT_SECONDS = 1.0


class CollectorAwayError(Exception):
    """Nobody answers, and there is no time to wait for it. The SDK's exporter does not try again after this."""


class Connection(requests.Session):
    """A session with a short limit for connecting. Once ``ending`` is set, a collector that is away is not waited for.

    The exporter would otherwise hold the end of every command for as long as it may try again.
    """

    def __init__(self, ending: Event) -> None:
        super().__init__()
        self._ending = ending

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seconds = options.get("timeout")
        options["timeout"] = (_CONNECT_SECONDS if seconds is None else min(_CONNECT_SECONDS, seconds), seconds)
        for again in (True, False):  # a kept connection may be stale: a new one is tried at once
            try:
                return super().send(request, **options)
            except requests.ConnectionError as error:
                if not self._ending.is_set():
                    raise
                if not again or isinstance(error, requests.Timeout):
                    raise CollectorAwayError(str(error)) from None
        raise AssertionError
