"""The public keys of an identity provider (JWKS, RFC 7517): fetched from the configured address, kept, fetched anew when they turn."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from api.door.hosts import loopback
from telemetry.errors import OnCalmError, UsageError
from telemetry.reaching import UnreachableError, reachable

FRESH = 300.0
"""Seconds after which keys are fetched anew: for so long a key lives on that its provider has withdrawn."""
STALE = 3_600.0
"""Seconds for which kept keys still count while the provider cannot be reached."""
AGAIN = 10.0
"""Seconds between two fetches for a key id that is not known: whoever invents ids must not make us ask."""
_LARGEST = 1 << 20
_MOST_KEYS = 100
_SECONDS = 10.0
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_LEAST_RSA_BITS = 2048


class ProviderError(OnCalmError):
    """The identity provider's keys cannot be had (HTTP 503): nobody who comes with a token can be told from a stranger."""


@dataclass
class _Held:
    keys: tuple[Mapping[str, Any], ...] = ()
    at: float | None = None


class Jwks:
    """The keys behind one issuer. Lives in one event loop; requests that need the same fetch wait for one."""

    def __init__(self, issuer: str, url: str | None = None, *, clock: Callable[[], float] = time.monotonic, ca_file: str | None = None) -> None:
        """``url``: the JWKS; without it the issuer's discovery document names it. ``clock``: seconds. Raises UsageError."""
        self._issuer, self._url, self._clock, self._ca_file = issuer, url, clock, ca_file
        check_address(url or issuer)
        self._held = _Held()
        self._tried = float("-inf")
        self._fetching = asyncio.Lock()

    async def candidates(self, kid: str | None, algorithm: str) -> list[Any]:
        """Public keys that may have signed with ``algorithm``, by their id when the token names one. Raises ProviderError."""
        if not (self._fetching.locked() and self._age() < STALE):  # what is kept serves while one looks for newer
            await self._refresh(lambda: self._age() >= FRESH)
        found = self._matching(kid, algorithm)
        if not found and kid is not None:
            await self._refresh(lambda: not self._matching(kid, algorithm))
            found = self._matching(kid, algorithm)
        if self._age() >= STALE:
            raise ProviderError("the identity provider's keys cannot be fetched", where=self._url or self._issuer, remedy="see that it can be reached; API keys still work")
        return found

    def _age(self) -> float:
        return float("inf") if self._held.at is None else self._clock() - self._held.at

    async def _refresh(self, needed: Callable[[], bool]) -> None:
        """Fetch when it is needed and was not just tried. Who needs what another fetches waits for it."""
        if not needed() or (not self._fetching.locked() and self._clock() - self._tried < AGAIN):
            return
        async with self._fetching:
            if not needed() or self._clock() - self._tried < AGAIN:  # another request has done it, or tried
                return
            self._tried = self._clock()
            try:
                self._held = _Held(await self._fetched(), self._clock())
            except ProviderError:
                if self._age() >= STALE:
                    raise

    async def _fetched(self) -> tuple[Mapping[str, Any], ...]:
        url = self._url
        if url is None:
            about = await self._document(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            url = str(about.get("jwks_uri") or "")
            if about.get("issuer") != self._issuer:
                raise ProviderError("the discovery document is of another issuer", where=self._issuer, remedy="correct ONCALM_OIDC_ISSUER")
            try:
                check_address(url)
            except UsageError as error:
                raise ProviderError(f"its discovery document names keys that cannot be trusted: {error.what}", where=self._issuer) from error
        keys = (await self._document(url)).get("keys")
        if not isinstance(keys, list):
            raise ProviderError("this is no JWKS: it has no list of keys", where=url)
        return tuple(key for key in keys[:_MOST_KEYS] if isinstance(key, dict))

    async def _document(self, url: str) -> Mapping[str, Any]:
        import httpx

        try:
            await asyncio.wait_for(asyncio.to_thread(reachable, url), _SECONDS)
        except (UnreachableError, TimeoutError) as error:  # the address of the keys is the provider's word
            raise ProviderError(f"no keys from the identity provider: {getattr(error, 'what', 'its name leads nowhere')}", where=url, remedy="see that it can be reached") from None
        try:
            async with asyncio.timeout(_SECONDS), httpx.AsyncClient(verify=_trust(self._ca_file), trust_env=False, timeout=_SECONDS) as client, \
                    client.stream("GET", url, headers={"Accept": "application/json", "User-Agent": "oncalm"}) as reply:
                body = bytearray()
                async for part in reply.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise ProviderError(f"its answer is larger than {_LARGEST:,} bytes", where=url)
                if reply.status_code != 200:
                    raise ProviderError(f"it answered {reply.status_code}", where=url, remedy="correct the address; redirects are not followed")
                found = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
            raise ProviderError(f"no keys from the identity provider: {type(error).__name__}", where=url, remedy="see that it can be reached") from error
        if not isinstance(found, dict):
            raise ProviderError("it answered no JSON object", where=url)
        return found

    def _matching(self, kid: str | None, algorithm: str) -> list[Any]:
        usable = [key for key in self._held.keys if _fits(key, algorithm)]
        if kid is None:  # RFC 7515 lets a token name no key where there is only one that it can mean
            usable = usable if len(usable) == 1 else []
        else:
            usable = [key for key in usable if key.get("kid") == kid]
        return [public for key in usable if (public := _public(key, algorithm)) is not None]


def check_address(url: str) -> None:
    """Raise UsageError for an address whose keys somebody in between could swap."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if host is None or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and loopback(host))):
        raise UsageError("this is no https address", where=f"identity provider {url[:200]!r}", remedy="correct ONCALM_OIDC_ISSUER or ONCALM_OIDC_JWKS_URL")


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key is public, meant for signatures and for this algorithm (RFC 7517 §4.2 to §4.4)."""
    operations = key.get("key_ops")
    return (key.get("kty") == _TYPES.get(algorithm[:2]) and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
            and (operations is None or (isinstance(operations, list) and "verify" in operations))
            and key.get("crv", "") == _CURVES.get(algorithm, key.get("crv", "")))


def _public(key: Mapping[str, Any], algorithm: str) -> Any:
    """The key itself; None for one that is broken or too short."""
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    try:
        public = PyJWK({name: value for name, value in key.items() if name in {"kty", "crv", "n", "e", "x", "y"}}, algorithm).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return None if getattr(public, "key_size", _LEAST_RSA_BITS) < _LEAST_RSA_BITS and key["kty"] == "RSA" else public


def _trust(ca_file: str | None) -> Any:
    import ssl

    return ssl.create_default_context(cafile=ca_file)
