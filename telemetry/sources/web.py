"""Asking a server over HTTP within bounds: time, bytes, one host; every failure says what it was.

An event loop in a thread of its own runs the requests, so that one deadline bounds a request as a whole, however
slowly the server sends, and an interrupt (:data:`telemetry.interrupt.CURRENT`) ends it.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from telemetry.interrupt import CURRENT
from telemetry.reaching import CredentialsError, UnreachableError, reachable
from telemetry.sources.answers import Gathering, Trouble, clean
from telemetry.sources.refusals import explain, refusal

if TYPE_CHECKING:
    import httpx

Params = Mapping[str, str | int | list[str]]
_HOPS = 3
_LONGEST_WAIT = 30.0
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, between two pieces of an answer, and for a question with its second attempt; bytes unpacked."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 45.0
    size: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: status, headers in small letters, body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class Web:
    """One server, for any number of threads. ``headers`` is called for every request: a secret's file may change meanwhile."""

    def __init__(
        self, url: str, *, headers: Callable[[], Mapping[str, str]] = dict, limits: Limits = Limits(), ca_file: str | None = None,
        pair: tuple[str, str] | None = None, verify: bool = True,
    ) -> None:
        """``pair`` are the files of a client's certificate and key; without ``verify`` any certificate is trusted."""
        self.url = url.rstrip("/")
        self.limits = limits
        self._headers = headers
        self._ca_file, self._pair, self._verify = ca_file, pair, verify
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._secrets: set[str] = set()
        self._safe = False

    def json(self, g: Gathering[Any], path: str, params: Params | None = None, *, body: object = None,
             method: str = "", headers: Mapping[str, str] | None = None) -> Any:
        """A JSON document. Raises Trouble that says why there is none."""
        reply = self.ask(g, path, params, body=body, method=method, headers={"Accept": "application/json", **(headers or {})})
        return self.document(reply)

    def document(self, reply: Reply) -> Any:
        """The JSON of a reply. Raises Trouble."""
        with self._discreet():
            return document(reply)

    def ask(self, g: Gathering[Any], path: str, params: Params | None = None, *, body: object = None,
            method: str = "", headers: Mapping[str, str] | None = None, form: bool = False) -> Reply:
        """One answer with a status below 300. With ``form`` the parameters go into the body. Raises Trouble."""
        query = urlencode([(k, str(v)) for k, vs in (params or {}).items() for v in (vs if isinstance(vs, list) else [vs])])
        sent = dict(headers or {})
        content: bytes | None = None
        if form:
            content, sent["Content-Type"] = query.encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            content, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        method = method or ("GET" if content is None else "POST")
        g.ask(f"{method} {path}" + (f"?{query}" if query else "") + (f" {json.dumps(body)}" if body is not None else ""))
        url = f"{self.url}{path}" + (f"?{query}" if query and not form else "")
        with self._discreet():
            return self._run(lambda: self._asked(g, method, url, content, sent))

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        """A server may repeat what it was sent: our credentials are taken out of its words."""
        try:
            yield
        except Trouble as trouble:
            if not any(secret in trouble.what or secret in trouble.said for secret in self._secrets):
                raise
            what, said = trouble.what, trouble.said
            for secret in self._secrets:
                what, said = what.replace(secret, "[hidden]"), said.replace(secret, "[hidden]")
            raise Trouble(what, remedy=trouble.remedy, status=trouble.status, code=trouble.code, said=said) from None

    def close(self) -> None:
        """Let the connections and the thread go."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        client, self._client = self._client, None
        if client is not None:
            with suppress(TimeoutError, OSError, RuntimeError):
                asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)

    def _run(self, work: Callable[[], Awaitable[Reply]]) -> Reply:
        with self._starting:
            loop = self._loop
            if loop is None:
                loop = self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(loop,), name=f"source {self.url}", daemon=True).start()

        async def bounded() -> Reply:
            async with asyncio.timeout(self.limits.total):
                return await work()

        future = asyncio.run_coroutine_threadsafe(bounded(), loop)

        def stop() -> None:
            future.cancel()

        interrupt = CURRENT.get()
        try:
            with interrupt.stopping(stop) if interrupt else nullcontext():
                return future.result()
        except CancelledError as error:
            raise Trouble("stopped before the server answered") from error
        except TimeoutError as error:
            raise Trouble(f"no whole answer within {self.limits.total:g} s", remedy="ask about a shorter time, or raise timeouts.total") from error
        except BaseException:
            future.cancel()
            raise

    async def _asked(self, g: Gathering[Any], method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        """The answer; redirects within the host are followed, a server that says when to come again is asked once more."""
        started, hops, again = time.monotonic(), 0, False
        while True:
            reply = await self._once(method, url, content, headers)
            if reply.status in _MOVED and hops < _HOPS:
                hops, url = hops + 1, self._moved(url, reply)
                method, content = (method, content) if reply.status in {307, 308} else ("GET", None)
                continue
            wait = _again(reply)
            left = self.limits.total - (time.monotonic() - started)
            if wait is not None and not again and wait < min(left, _LONGEST_WAIT):
                again = True
                g.note(f"the server answered {reply.status} and was asked again after {wait:g} s")
                await asyncio.sleep(wait)
                continue
            if reply.status >= 300:
                raise refusal(reply.status, reply.content, reply.body, wait=wait)
            return reply

    async def _once(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        import httpx

        await self._looked_at()
        try:
            client = self._connected()
            ours = self._headers()
            self._secrets |= {part for part in ours.get("Authorization", ours.get("authorization", "")).split() if len(part) > 6}
            given = {**ours, **headers, "Accept-Encoding": "gzip", "User-Agent": "oncalm"}
            async with client.stream(method, url, content=content, headers=given) as response:
                body = await self._body(response)
                return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, zlib.error) as error:
            raise explain(error, self.limits.connect, self.limits.read) from error

    async def _looked_at(self) -> None:
        """Where the server's name leads, once. Raises Trouble for what gives credentials to machines, whoever named it."""
        if self._safe:
            return
        try:
            await asyncio.to_thread(reachable, self.url)
        except CredentialsError as error:
            raise Trouble(error.what, status="not_assessed", remedy=error.remedy) from None
        except UnreachableError:  # asking says why
            pass
        self._safe = True

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            import ssl

            import httpx

            try:
                trust = ssl.create_default_context(cafile=self._ca_file)
                if self._pair:
                    trust.load_cert_chain(*self._pair)
                if not self._verify:
                    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
            except (OSError, ssl.SSLError) as error:
                raise Trouble(f"the certificates of ca_file cannot be read ({error.strerror or type(error).__name__})",
                              status="not_assessed", remedy="name a PEM file") from error
            timeout = httpx.Timeout(self.limits.read, connect=self.limits.connect)
            self._client = httpx.AsyncClient(timeout=timeout, verify=trust, trust_env=False, follow_redirects=False)
        return self._client

    async def _body(self, response: httpx.Response) -> bytes:
        """The body, unpacked here so that a small answer cannot become a huge one."""
        packing = response.headers.get("content-encoding", "identity").lower()
        if packing not in {"identity", "gzip", ""}:
            raise Trouble(f"the answer is packed as {clean(packing, 30)}, which was not asked for")
        unpack = zlib.decompressobj(wbits=31) if packing == "gzip" else None
        most, found = self.limits.size, bytearray()
        async for chunk in response.aiter_raw():
            found += unpack.decompress(chunk, most - len(found) + 1) if unpack else chunk
            if len(found) > most:
                raise Trouble(f"the answer is larger than {most:,} bytes",
                              remedy="ask about a shorter time or fewer records, or raise max_bytes")
        if unpack and not unpack.eof:
            raise Trouble("the answer was cut: its packed text does not end")
        return bytes(found)

    def _moved(self, url: str, reply: Reply) -> str:
        """Where a redirect leads. Raises Trouble when that is another server: credentials must not go there."""
        there = urljoin(url, reply.headers.get("location", ""))
        old, new = urlsplit(url), urlsplit(there)
        if (old.scheme, old.hostname, old.port) != (new.scheme, new.hostname, new.port):
            raise Trouble(f"the server redirects to {new.scheme}://{clean(new.hostname or '', 100)}, which is refused", status="not_assessed",
                          remedy="if that is the right server, name it as url; else a login may stand in between")
        return there


def document(reply: Reply) -> Any:
    """The JSON of a reply. Raises Trouble for a web page, other text, and JSON that was cut."""
    start = reply.body[:200].lstrip().lower()
    if reply.content == "text/html" or start.startswith((b"<!doctype", b"<html")):
        title = re.search(rb"<title[^>]*>([^<]{0,200})", reply.body[:20_000], re.IGNORECASE)
        named = f" ({clean(title[1].decode('utf-8', 'replace'), 80)})" if title else ""
        raise Trouble(f"the server answered with a web page{named} instead of data",
                      remedy="check the url; a login or a proxy may stand in between")
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        said = clean(reply.body[:120].decode("utf-8", "replace"), 80)
        raise Trouble(f"the answer is no JSON, or was cut; it begins {said!r}" if said else "the answer is empty") from error


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _again(reply: Reply) -> float | None:
    """Seconds after which the server wants to be asked again: with 429, and with 503 when it says so (RFC 9110 §10.2.3)."""
    if reply.status not in {429, 503}:
        return None
    said = reply.headers.get("retry-after", "").strip()
    if said.isdigit() and len(said) < 7:
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()) if said else None
    except (ValueError, TypeError):
        return None
