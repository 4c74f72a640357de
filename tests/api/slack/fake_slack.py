"""A local Slack: its Web API over real HTTP, Socket Mode over a real WebSocket, and a client that signs as Slack does."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

SECRET, TEAM, BOT = "8f742231b10e8888abcd99yyyzzz85a5", "T0TEAM", "U0BOT"


@dataclass
class Call:
    method: str
    told: dict[str, Any]
    at: float


@dataclass
class FakeSlack:
    """``faults``: what the next calls of a method are answered instead: a status, ``(429, seconds)`` or an error's name."""

    calls: list[Call] = field(default_factory=list)
    faults: dict[str, deque[Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    acks: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    slow: float = 0.0

    def __post_init__(self) -> None:
        self._lock, self._count, self.sockets = threading.Lock(), 0, list[ServerConnection]()

    def __enter__(self) -> FakeSlack:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, answer, headers = fake.answer(self.path.split("?")[0].strip("/"), body, self.headers.get("content-type", ""))
                data = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "content-type": "application/json", "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self._ws = serve(self._socket, "127.0.0.1", 0)
        threading.Thread(target=self._ws.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/api/"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._ws.shutdown()

    def answer(self, path: str, body: bytes, kind: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        time.sleep(self.slow)
        if path.startswith("upload/"):
            self.files[path.removeprefix("upload/")] = body
            return 200, {"ok": True}, {}
        method = path.removeprefix("api/")
        if self.down:
            return 503, {"ok": False, "error": "service_unavailable"}, {}
        with self._lock:
            if self.faults.get(method):
                fault = self.faults[method].popleft()
                if isinstance(fault, tuple):
                    return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault[1])}
                return (fault, {"ok": False, "error": "internal_error"}, {}) if isinstance(fault, int) else (200, {"ok": False, "error": fault}, {})
            told = json.loads(body or b"{}") if "json" in kind else {name: value[0] for name, value in parse_qs(body.decode()).items()}
            self._count += 1
            ts = f"1700000000.{self._count:06}"
            self.calls.append(Call(method, {**told, "_ts": ts}, time.monotonic()))
        return 200, self._told(method, told, ts), {}

    def _told(self, method: str, told: dict[str, Any], ts: str) -> dict[str, Any]:
        match method:
            case "auth.test":
                return {"ok": True, "user_id": BOT, "bot_id": "B0BOT", "team_id": TEAM, "url": "https://x.slack.test/"}
            case "apps.connections.open":
                return {"ok": True, "url": f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link"}
            case "files.getUploadURLExternal":
                return {"ok": True, "upload_url": f"{self.url.removesuffix('api/')}upload/F{self._count}", "file_id": f"F{self._count}"}
            case "files.completeUploadExternal":
                return {"ok": True, "files": json.loads(told["files"]) if isinstance(told["files"], str) else told["files"]}
            case "users.info":
                return {"ok": True, "user": {"id": told.get("user"), "team_id": TEAM}}
            case "conversations.replies":
                return {"ok": True, "messages": [one.told for one in self.calls if one.told.get("thread_ts") == told.get("ts")]}
            case _:
                return {"ok": True, "channel": told.get("channel", ""), "ts": told.get("ts", ts), "message": {}, "view": {"id": "V1"}}

    def _socket(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        socket.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
        try:
            with suppress(ConnectionClosed):
                for message in socket:
                    if isinstance(message, str) and message.startswith("{"):
                        self.acks.append(json.loads(message))
        finally:
            self.sockets.remove(socket)

    def push(self, envelope: str, body: dict[str, Any], kind: str = "events_api") -> None:
        self.sockets[-1].send(json.dumps({"envelope_id": envelope, "type": kind, "payload": body, "accepts_response_payload": True}))

    def refresh(self) -> None:
        self.sockets[-1].send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))

    def drop(self) -> None:
        for one in list(self.sockets):
            one.close()

    def of(self, method: str, **like: Any) -> list[dict[str, Any]]:
        return [one.told for one in list(self.calls) if one.method == method and all(one.told.get(k) == v for k, v in like.items())]


def until(look: Any, seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError("it did not happen in time")


@dataclass
class Signer:
    """Sends requests to OnCalm as Slack does."""

    url: str
    secret: str = SECRET

    def send(self, path: str, body: str, *, json_body: bool = False, age: float = 0, signature: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        stamp = str(int(time.time() - age))
        made = "v0=" + hmac.new(self.secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        kind = "application/json" if json_body else "application/x-www-form-urlencoded"
        return httpx.post(f"{self.url}{path}", content=body, timeout=20, headers={
            "x-slack-request-timestamp": stamp, "x-slack-signature": signature if signature is not None else made, "content-type": kind, **(headers or {})})

    def event(self, body: dict[str, Any], **how: Any) -> httpx.Response:
        return self.send("/slack/events", json.dumps(body), json_body=True, **how)

    def action(self, body: dict[str, Any], **how: Any) -> httpx.Response:
        return self.send("/slack/interactions", urlencode({"payload": json.dumps(body)}), **how)

    def command(self, text: str, *, user: str = "U0ANN", trigger: str = "1.1", team: str = TEAM, **how: Any) -> httpx.Response:
        told = {"command": "/oncalm", "text": text, "user_id": user, "team_id": team, "channel_id": "C0OPS", "trigger_id": trigger, "user_name": "<!here>"}
        return self.send("/slack/commands", urlencode(told), **how)


def mention(text: str, *, event: str = "Ev1", user: str = "U0ANN", ts: str = "1700000001.000001", thread: str | None = None, team: str = TEAM, **more: Any) -> dict[str, Any]:
    told = {"type": "app_mention", "user": user, "text": f"<@{BOT}> {text}", "ts": ts, "channel": "C0OPS", **({"thread_ts": thread} if thread else {}), **more}
    return {"type": "event_callback", "event_id": event, "team_id": team, "api_app_id": "A1", "event": told}
