"""Sends one message with apprise, in a process of its own: ``python -m agent.notifying.sending``, JSON on its standard input.

A process can be ended when a server answers one byte a minute, and what apprise logs (URLs among it) stays within it. The
URL comes by standard input, so that no list of processes shows it. The answer is JSON on standard output.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from email.utils import parsedate_to_datetime
from typing import Any

from telemetry.reaching import gives_credentials

TYPES = {"approval_asked": "warning", "reminder": "warning", "executed": "info", "verified": "success", "rolled_back": "warning", "failed": "failure", "summary": "info"}
"""apprise's types of notification; PagerDuty makes severities of them."""


def main() -> None:
    """Read a request, send it, say how it ended."""
    logging.disable(logging.CRITICAL)
    request = json.load(sys.stdin)
    try:
        answer = _send(request)
    except ImportError:
        answer = {"sent": False, "missing": True, "why": "apprise is not installed"}
    except Exception as error:  # noqa: BLE001 - its text may hold the URL: the class is told alone
        answer = {"sent": False, "why": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _send(request: dict[str, Any]) -> dict[str, Any]:
    import apprise

    kept_from, replies = _guarded(), _watched()
    plugin = apprise.Apprise.instantiate(request["url"])
    if plugin is None:
        return {"sent": False, "unusable": True, "why": "apprise does not know such a URL"}
    if hasattr(plugin, "dedup"):
        plugin.dedup = request["key"]
    box = apprise.Apprise()
    box.add(plugin)
    sent = bool(box.notify(title=request["title"], body=request["body"], notify_type=TYPES[request["event"]], body_format="text"))
    if not sent and kept_from:
        return {"sent": False, "unusable": True, "why": f"it leads to {kept_from[0]}, where a cloud gives out credentials"}
    return {"sent": sent, **({} if sent else _why(replies))}


def _guarded() -> list[str]:
    """Where this process was kept from going: no name, however often it is asked, and no redirect leads to a cloud's credentials."""
    usual, kept_from = socket.getaddrinfo, []

    def lookup(*args: Any, **kwargs: Any) -> Any:
        found = usual(*args, **kwargs)
        bad = [str(one[4][0]) for one in found if gives_credentials(str(one[4][0]))]
        kept_from.extend(bad)
        if bad:
            raise socket.gaierror(socket.EAI_NONAME, "the address gives out credentials")
        return found

    socket.getaddrinfo = lookup
    return kept_from


def _watched() -> list[Any]:
    """The answers of HTTP servers, as they come: apprise itself tells only whether it went well."""
    import requests

    replies: list[Any] = []

    class Watched(requests.Session):
        def send(self, request: Any, **kwargs: Any) -> Any:
            kwargs["stream"] = False
            try:
                reply = super().send(request, **kwargs)
            except requests.ConnectTimeout:
                raise
            except requests.RequestException as error:
                if "NewConnectionError" not in repr(error) and "NameResolution" not in repr(error):
                    replies.append(None)
                raise
            replies.append(reply)
            return reply

    requests.sessions.Session = Watched  # type: ignore[misc]
    return replies


def _why(replies: list[Any]) -> dict[str, Any]:
    if not replies:
        return {"why": "no answer, or a refusal"}
    last = replies[-1]
    if last is None:
        return {"why": "the answer stayed away", "maybe": True}
    return {"why": f"HTTP {last.status_code}", "status": last.status_code, "retry_after": _seconds(last.headers.get("Retry-After"))}


def _seconds(text: str | None) -> float | None:
    """``Retry-After`` (RFC 9110, 10.2.3): seconds or a date."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        from datetime import UTC, datetime

        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None


if __name__ == "__main__":
    main()
