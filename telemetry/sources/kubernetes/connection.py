"""Asking an API server through the official client: only GET, one host, bounded in time and bytes.

The client knows certificates, tokens that run out, proxies and server names; what surrounds it
(:class:`telemetry.sources.web.Web`) bounds a request as a whole, asks once more when the server says when, follows no
redirect to another host, and keeps credentials out of what is said. The client's own models are not used: they refuse
answers of servers older or newer than they are.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Any

from telemetry.sources.answers import Gathering, Trouble, clean
from telemetry.sources.kubernetes.configuration import Access, Impersonation, configuration
from telemetry.sources.web import Limits, Params, Reply, Web

_CHUNK = 1 << 16


class ApiServer(Web):
    """One API server, for any number of threads."""

    def __init__(self, access: Access) -> None:
        """Nothing is read or sent before the first question, which says what is missing."""
        super().__init__("", limits=access.limits)
        self.access = access
        self._api: Any = None

    def connect(self) -> str:
        """Read the configuration; returns the server's address. Raises Trouble, not assessed."""
        with self._starting:
            if self._api is None:
                from kubernetes import client
                from urllib3 import Retry

                found = configuration(self.access)
                found.retries = Retry(total=0, redirect=0, raise_on_redirect=False, status=0, raise_on_status=False)
                self.url = str(found.host).rstrip("/")
                api = client.ApiClient(found)
                api.user_agent = "oncalm"
                if self.access.impersonation is not None:
                    api.rest_client.pool_manager = _As(api.rest_client.pool_manager, self.access.impersonation)
                self._api = api
        return self.url

    def ask(self, g: Gathering[Any], path: str, params: Params | None = None, *, body: object = None,
            method: str = "", headers: Mapping[str, str] | None = None, form: bool = False) -> Reply:
        """One answer with a status below 300. Raises Trouble."""
        self.connect()
        return super().ask(g, path, params, body=body, method=method, headers=headers, form=form)

    def close(self) -> None:
        """Let the connections and the thread go."""
        super().close()
        api, self._api = self._api, None
        if api is not None:
            api.rest_client.close()

    async def _once(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        if method != "GET" or content is not None:
            raise ValueError(f"this connection only reads, and {method} writes")
        return await asyncio.to_thread(self._exchange, url, headers)

    def _exchange(self, url: str, headers: Mapping[str, str]) -> Reply:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        until = time.monotonic() + self.limits.total
        try:
            sent = {**headers, "User-Agent": "oncalm", "Accept-Encoding": "gzip"}
            self._api.update_params_for_auth(sent, [], ["BearerToken"], url[len(self.url):], "GET", None)
            self._secrets |= {part for part in sent.get("authorization", sent.get("Authorization", "")).split() if len(part) > 6}
            response = self._api.call_api("GET", url, header_params=sent, _request_timeout=(self.limits.connect, self.limits.read)).response
            try:
                body = read_bounded(response, self.limits, until)
            except BaseException:
                response.close()
                raise
            response.release_conn()
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
        except (HTTPError, ApiException, OSError, ssl.SSLError, ValueError) as error:
            raise explained(error, self.limits) from error


class _As:
    """A pool of connections whose every request is made as somebody: the client's own headers are a dict, which holds one
    ``Impersonate-Group`` only."""

    def __init__(self, pool: Any, impersonation: Impersonation) -> None:
        self._pool, self._impersonation = pool, impersonation

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        """See :meth:`urllib3.PoolManager.request`."""
        from urllib3 import HTTPHeaderDict

        ours = HTTPHeaderDict({name: value for name, value in (headers or {}).items() if not name.lower().startswith("impersonate-")})
        for name, value in self._impersonation.headers():
            ours.add(name, value)
        return self._pool.request(method, url, headers=ours, **more)

    def clear(self) -> None:
        """Let the connections go."""
        self._pool.clear()


def read_bounded(response: Any, limits: Limits, until: float) -> bytes:
    """The body, within the limits and until a monotonic time. Raises Trouble."""
    found = bytearray()
    for chunk in response.stream(_CHUNK, decode_content=True):
        found += chunk
        if len(found) > limits.size:
            raise Trouble(f"the answer is larger than {limits.size:,} bytes", remedy="name a namespace, labels or a name")
        if time.monotonic() > until:
            raise Trouble(f"no whole answer within {limits.total:g} s", remedy="ask about less: a namespace, labels, a name")
    return bytes(found)


def explained(error: Exception, limits: Limits) -> Trouble:
    """What a failed connection means. Nobody there, or nobody to trust: nothing was looked at."""
    from urllib3 import exceptions as of

    chain = causes(error)
    said = clean(next((str(one) for one in chain if str(one)), type(error).__name__), 200)
    certificate = next((one for one in chain if isinstance(one, ssl.SSLCertVerificationError)), None)
    if certificate is not None or "CERTIFICATE_VERIFY_FAILED" in said:
        why = clean(getattr(certificate, "verify_message", "") or said, 160)
        return _unseen(f"the API server's certificate is not trusted: {why}", "check certificate-authority and tls-server-name in the kubeconfig")
    if any(isinstance(one, ssl.SSLError | of.SSLError) for one in chain) or "SSLError" in said:
        return _unseen(f"no TLS connection to the API server: {said}", "check the server's address and port in the kubeconfig")
    if any(isinstance(one, of.NewConnectionError | of.NameResolutionError) for one in chain):
        why = next((one.strerror for one in reversed(chain) if isinstance(one, OSError) and one.strerror), said)
        return _unseen(f"cannot connect to the API server: {clean(why, 160)}", "check the server's address, the network and that it runs")
    if any(isinstance(one, of.ConnectTimeoutError) for one in chain):
        return _unseen(f"no connection to the API server within {limits.connect:g} s", "check the server's address, the network and firewalls")
    if any(isinstance(one, of.ProxyError) for one in chain):
        return _unseen(f"the proxy of the kubeconfig cannot be used: {said}", "check proxy-url")
    if any(isinstance(one, of.ReadTimeoutError | TimeoutError) for one in chain):
        return Trouble(f"the API server sent nothing for {limits.read:g} s", remedy="ask again, or about less")
    return Trouble(f"the answer was cut: {said}", remedy="ask again")


def _unseen(what: str, remedy: str) -> Trouble:
    return Trouble(what, status="not_assessed", remedy=remedy)


def causes(error: BaseException) -> list[BaseException]:
    """An error, what it was raised for, and so on; urllib3 keeps some of it as ``reason``."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left and len(found) < 20:
        one = left.pop(0)
        if one is None or one in found:
            continue
        found.append(one)
        reason = getattr(one, "reason", None)
        left += [reason if isinstance(reason, BaseException) else None, one.__cause__, one.__context__]
    return found
