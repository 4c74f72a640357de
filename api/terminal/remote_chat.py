"""``oncalm chat --server``: the same questions asked of a running server, by its event streams."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.nodes import RunStoppedError
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    import httpx

TRIES, PAUSE = 20, 1.0
"""How often a stream that broke is taken up again, and seconds between."""
_LOOK = 0.1
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class ServerError(OnCalmError):
    """The server cannot be used, or said no."""


class Remote:
    """A server in place of the product: ``ask`` and ``investigate`` give the same documents. For one thread."""

    def __init__(self, url: str, key: str | None, *, tries: int = TRIES, pause: float = PAUSE) -> None:
        """``key``: an API key or a token. Raises UsageError for a URL that is none, and a key that would travel in the open."""
        import httpx

        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise UsageError("this is no URL of a server", where="--server", remedy="write https://oncalm.example or http://127.0.0.1:8080")
        if key and parts.scheme == "http" and parts.hostname not in _HERE:
            raise UsageError("a key is not sent over plain HTTP to another machine", where="--server", remedy="use https://")
        if key and not (key.isascii() and key.isprintable()):
            raise UsageError("the key has characters that no key has", where="ONCALM_KEY", remedy="copy it again")
        self.url, self._tries, self._pause = f"{parts.scheme}://{parts.netloc}", tries, pause
        self._http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=httpx.Timeout(60, connect=5), trust_env=False)
        self._conversations: dict[str, str] = {}
        self._run = ""

    def go_on(self, conversation: str) -> None:
        """A conversation that the server has."""
        self._conversations[conversation] = conversation

    def ask(self, question: str, **how: Any) -> dict[str, Any]:
        """As the product's."""
        return self._asked("ask", question, **how)

    def investigate(self, symptom: str, **how: Any) -> dict[str, Any]:
        """As the product's."""
        return self._asked("investigate", symptom, **how)

    def check(self) -> str:
        """Whom the server takes us for. Raises ServerError."""
        try:
            response = self._http.get("/v1/me")
        except Exception as error:
            raise self._gone(error) from error
        self._refuse(response)
        try:
            me = response.json()
            return f"{me['name']} ({me['role']})"
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError("this is no OnCalm server", where=self.url, remedy="see the URL") from error

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def _asked(self, kind: str, question: str, *, conversation: str, analyst: str, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        body = {"question": question, "kind": kind, "analyst": analyst, **({"conversation": known} if (known := self._conversations.get(conversation)) else {})}
        self._run = ""
        for name, data in self._heard(body, stopped):
            if name == "run":
                self._run = data["run"]
                self._conversations[conversation] = data["conversation"]
            elif name == "answer":
                return dict(data)
            elif name == "error":
                raise _told(data["problem"], self.url)
            elif (event := _event(name, data)) is not None:
                watch(event)
        raise ServerError("the stream ended without an answer", where=self.url, remedy="ask again")

    def _heard(self, body: dict[str, Any], stopped: Callable[[], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events as they come. A thread reads, so that Ctrl-C is noticed at once."""
        coming: queue.Queue[Any] = queue.Queue()
        halted = threading.Event()
        threading.Thread(target=self._read, args=(body, coming, halted), name="chat-stream", daemon=True).start()
        while True:
            if stopped():
                halted.set()
                self._stop(self._run)
                raise RunStoppedError("it was stopped")
            try:
                one = coming.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(one, Exception):
                raise one
            yield one

    def _stop(self, run: str) -> None:
        import httpx

        if run:
            try:
                self._http.delete(f"/v1/chat/{run}", timeout=3)
            except httpx.HTTPError:
                return  # the server stops what nobody follows

    def _read(self, body: dict[str, Any], coming: queue.Queue[Any], halted: threading.Event) -> None:
        import httpx

        run, last, tries = "", 0, 0
        while not halted.is_set():
            try:
                how: dict[str, Any] = {"headers": {"Last-Event-ID": str(last)}} if run else {"json": body}
                with self._http.stream("GET" if run else "POST", f"/v1/chat/{run}/events" if run else "/v1/chat", **how) as response:
                    self._refuse(response, resumed=bool(run))
                    for number, name, data in _events(response.iter_lines()):
                        last = number
                        run, tries = data.get("run", run) if name == "run" else run, 0
                        coming.put((name, data))
                        if name in {"answer", "error"}:
                            return
            except OnCalmError as error:
                coming.put(error)
                return
            except (httpx.HTTPError, OSError, ValueError) as error:
                if not run or tries >= self._tries:
                    coming.put(self._gone(error))
                    return
            tries += 1
            coming.put(("status", {"text": "the connection broke; trying again"}))
            halted.wait(self._pause)

    def _gone(self, error: Exception) -> ServerError:
        return ServerError(f"the server does not answer ({type(error).__name__})", where=self.url, remedy="see that it runs, and ask again")

    def _refuse(self, response: httpx.Response, *, resumed: bool = False) -> None:
        """Raise ServerError for an answer that is none."""
        if response.status_code < 400:
            return
        if response.status_code >= 500 and resumed:
            raise ValueError("not there yet")
        response.read()
        if response.status_code == 401:
            raise ServerError("the server does not know you: the key is missing, wrong, revoked or has expired", where=self.url, remedy="set ONCALM_KEY to one that `oncalm keys create` printed")
        if response.status_code == 404 and resumed:
            raise ServerError("the server was started anew, and this answer was not finished", where=self.url, remedy="ask again")
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        raise _told(problem if isinstance(problem, dict) else {}, self.url, response.status_code)


def _told(problem: dict[str, Any], url: str, status: int = 0) -> ServerError:
    if problem.get("title") == "Stopped":
        raise RunStoppedError(str(problem.get("detail", "")))
    return ServerError(str(problem.get("detail") or f"the server answered {status}")[:2_000], where=str(problem.get("where") or url)[:200], remedy=str(problem.get("remedy") or "")[:500])


def _event(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """An event of the contract as the product's."""
    if name == "status":
        return {"kind": "status", "text": str(data.get("text", ""))}
    if name == "tool_result":
        return {"kind": "result", "evidence": data["id"], "tool": data["tool"], "status": data["status"], "total": data["total"]}
    return None


def _events(lines: Iterator[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(id, name, data) of server-sent events. Raises ValueError for what are none."""
    told: dict[str, str] = {}
    for line in lines:
        if line:
            field, _, value = line.partition(":")
            told[field] = told.get(field, "") + value.removeprefix(" ")
        elif told.get("event"):
            yield int(told["id"]), told["event"], json.loads(told["data"])
            told = {}
        else:
            told = {}
