"""Sends what waits, in order within a channel and by Slack's rules: one message a second a channel, Retry-After honoured."""

from __future__ import annotations

import base64
import fcntl
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.slack.memory import Memory, Waiting
from telemetry.errors import OnCalmError, StoreError

if TYPE_CHECKING:
    from slack_sdk import WebClient

PACE = 1.0
"""Seconds between calls of one channel (Slack's "Rate limits": about one message a second)."""
FIRST, LONGEST = 1.0, 60.0
"""Seconds before a failed call is tried again, doubling; Slack says how long for 429."""
_AGAIN = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_LOOK = 1.0
"""Seconds between looks whether the process that sends is gone."""
_TS = re.compile(r"\d+\.\d+\Z")
_log = logging.getLogger(__name__)


class Sender:
    """One thread that makes the calls of the outbox. A call that died between Slack and our note is made again."""

    def __init__(self, client: WebClient, memory: Memory, *, pace: float = PACE, first: float = FIRST, alone: tuple[Path, Callable[[], None]] | None = None) -> None:
        """``alone``: a file whose lock one process of a home has, and what is done once when it is ours; without it we are alone."""
        self._client, self._memory, self._pace, self._first, self._alone = client, memory, pace, first, alone
        self._until: dict[str, float] = {}
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._work, name="slack-sender", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Give what waits a moment to go out; what remains is sent after the next start."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._memory.count():
            time.sleep(0.05)
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(15)

    def post(self, channel: str, text: str, *, blocks: list[dict[str, Any]] | None = None, key: str = "", thread: str = "") -> None:
        """Post a message; ``thread`` is the ts of the message whose thread it goes to, or its key."""
        self.put(channel, "chat.postMessage", {"text": text, "blocks": blocks, "thread_ts": thread}, key)

    def update(self, channel: str, key: str, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        """Change the message of ``key``."""
        self.put(channel, "chat.update", {"text": text, "blocks": blocks or []}, key)

    def whisper(self, channel: str, user: str, text: str, thread: str = "") -> None:
        """Tell one user only."""
        self.put(channel, "chat.postEphemeral", {"text": text, "user": user, "thread_ts": thread})

    def file(self, channel: str, name: str, content: bytes, title: str, thread: str = "") -> None:
        """Upload a file into a channel or a thread."""
        self.put(channel, "file", {"name": name, "title": title, "content": base64.b64encode(content).decode(), "thread_ts": thread})

    def known(self, key: str) -> bool:
        """Whether the message of this key was posted or waits to be."""
        return self._memory.known(key)

    def put(self, channel: str, method: str, payload: dict[str, Any], key: str = "") -> None:
        """Have a call made; it is durable when this returns. Raises StoreError."""
        self._memory.put(channel, method, {name: value for name, value in payload.items() if value not in ("", None)}, key)
        self._wake.set()

    def _work(self) -> None:
        if self._alone is None:
            self._send_all()
            return
        path, begin = self._alone
        with path.open("a") as handle:
            while not self._ended.is_set():
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:  # another process of this home sends what waits, ours with it
                    self._ended.wait(_LOOK)
            else:
                return
            try:
                begin()
            except StoreError as error:
                _log.warning("what was asked before the start cannot be answered: %s", error)
            self._send_all()

    def _send_all(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                one = self._memory.claim(self._busy())
                if one is None:
                    self._wake.wait(0.2)
                    continue
                self._until[one.channel] = time.monotonic() + self._pace
                self._send(one)
            except StoreError as error:
                _log.warning("%s", error)
                self._ended.wait(1)

    def _busy(self) -> set[str]:
        now = time.monotonic()
        self._until = {channel: until for channel, until in self._until.items() if until > now}
        return set(self._until)

    def _send(self, one: Waiting) -> None:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            channel, ts = self._call(one)
        except SlackApiError as error:
            self._failed(one, error)
        except OnCalmError as error:
            self._memory.gave_up(one, error.what)
        except (SlackClientError, OSError, ValueError) as error:  # no answer, or none that can be read (http.client's are OSError or ValueError)
            self._later(one, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - urllib and http.client raise many kinds; nothing may end the sender
            self._later(one, type(error).__name__)
        else:
            self._memory.sent(one, channel, ts)

    def _failed(self, one: Waiting, error: Any) -> None:
        answer = error.response
        status, why = int(answer.status_code), str(answer.get("error", "")) if isinstance(answer.data, dict) else "no JSON"
        if status == 429:
            self._later(one, "rate limited", _seconds(answer.headers))
        elif status >= 500 or why in _AGAIN:
            self._later(one, why or str(status))
        elif why in {"invalid_blocks", "msg_blocks_too_long"} and one.payload.pop("blocks", None):
            self._send(one)  # rather plain words than none
        else:
            self._memory.gave_up(one, why)
            _log.warning("Slack refused %s in %s: %s", one.method, one.channel, why)

    def _later(self, one: Waiting, why: str, seconds: float | None = None) -> None:
        pause = seconds if seconds is not None else min(LONGEST, self._first * 2 ** min(one.attempts - 1, 10))
        self._until[one.channel] = time.monotonic() + pause
        self._memory.later(one, why)

    def _call(self, one: Waiting) -> tuple[str, str | None]:
        """Make a call. Raises SlackApiError, or what the connection raises."""
        told = dict(one.payload)
        if (under := told.get("thread_ts")) and not _TS.match(under):
            place = self._memory.posted(under)
            if place is None:
                raise OnCalmError("the message of this thread was never posted", where="Slack", remedy="look at the channel")
            told["thread_ts"] = place[1]
        if one.method == "file":
            self._client.files_upload_v2(channel=one.channel, filename=told["name"], title=told["title"], content=base64.b64decode(told["content"]),
                                         thread_ts=told.get("thread_ts"))
            return one.channel, None
        if one.method == "chat.update":
            place = self._memory.posted(one.key)
            if place is None:
                raise OnCalmError("the message to update was never posted", where="Slack", remedy="look at the channel")
            told["ts"] = place[1]
            self._client.api_call("chat.update", json={**told, "channel": place[0]})
            return place[0], None
        if one.method == "chat.postMessage":
            told |= {"unfurl_links": False, "unfurl_media": False, "parse": "none", "link_names": False}
        answer = self._client.api_call(one.method, json={**told, "channel": one.channel})
        return str(answer.get("channel") or one.channel), answer.get("ts")


def _seconds(headers: Any) -> float:
    """``Retry-After``, in seconds; 1 to 600 whatever it says."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    if isinstance(found, list):
        found = found[0]
    return min(600.0, max(1.0, float(found))) if str(found).isdigit() else 30.0
