"""Where a URL may lead: one decision for what is sent to webhooks, made on the addresses behind a name, which are then the ones used.

Server-side request forgery (OWASP SSRF): this machine must not be made to ask what gives credentials to whatever runs on it. A
name is resolved once and the request goes to an address of then (:func:`connected`), so that a second answer of the name server (DNS
rebinding) changes nothing. Redirects are another URL: do not follow them, or ask again.

URLs come from whoever runs OnCalm alone: nothing that is said over HTTP, in Slack or by an alert is ever fetched, so private
addresses, where most such servers are, are asked.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from telemetry.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
T = TypeVar("T")
_PORTS = {"http": 80, "https": 443}
_METADATA = frozenset(ipaddress.ip_address(one) for one in (
    "169.254.169.254", "169.254.169.253", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
"""Addresses at which clouds give credentials to whatever runs there: never a webhook, whoever names it."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class UnreachableError(UsageError):
    """A URL that must not or cannot be asked."""


class CredentialsError(UnreachableError):
    """A URL that leads to where a cloud gives out credentials."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """A URL with the addresses it leads to, in the resolver's order."""

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]

    def requests(self) -> Iterator[dict[str, Any]]:
        """For each address what ``httpx`` needs to ask exactly it under the URL's name, with ``trust_env=False`` and no redirects."""
        parts = urlsplit(self.url)
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS[parts.scheme]
        for address in self.addresses:
            literal = f"[{address}]" if ":" in address else address
            yield {"url": urlunsplit((parts.scheme, f"{literal}:{self.port}", parts.path or "/", parts.query, "")),
                   "headers": {"Host": name if usual else f"{name}:{self.port}"}, "extensions": {"sni_hostname": self.host}}


def connected(found: Reachable, ask: Callable[[dict[str, Any]], T]) -> T:
    """What ``ask`` gives at the first address that takes a connection; nothing was sent to those before. Raises what the last one raised."""
    import httpx

    *others, last = found.requests()
    for one in others:
        try:
            return ask(one)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return ask(last)


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    return list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def reachable(url: str, *, resolver: Resolve = resolve) -> Reachable:
    """The URL and the addresses to ask for it. Raises UnreachableError, and CredentialsError for what gives credentials to machines."""
    host, port = fit(url)
    try:
        found = [ipaddress.ip_address(one.partition("%")[0]) for one in resolver(host, port)]
    except (OSError, UnicodeError, ValueError) as error:
        raise _no("its host has no address", host) from error
    if not found:
        raise _no("its host has no address", host)
    if any(map(_metadata, found)):
        raise CredentialsError("this URL is not asked: it leads to where a cloud gives out credentials", where=host[:200], remedy="name the server that is meant")
    return Reachable(url, host, port, tuple(map(str, found)))


def gives_credentials(address: str) -> bool:
    """Whether a cloud gives out credentials at this IP address. False for what is no IP address."""
    try:
        return _metadata(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False


def _metadata(address: Address) -> bool:
    return any(one in _METADATA for one in _within(address))


def _within(address: Address) -> list[Address]:
    """The address, and the IPv4 ones that IPv6 writes in it: mapped, 6to4, Teredo, NAT64, compatible."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64 or int(address) >> 32 == 0:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        real: list[Address] = [one for one in inner if one is not None]
        found = real if address.ipv4_mapped or address in _NAT64 else [address, *real]
    return found


def fit(url: str) -> tuple[str, int]:
    """Host and port of a URL that may be asked as far as its words tell; nothing is resolved. Raises UnreachableError."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise _no("it has characters that no URL has", "URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _no("it cannot be read", "URL") from error
    if parts.scheme not in _PORTS or not host:
        raise _no("it is no http or https address", "URL")
    if parts.username is not None or parts.password is not None:
        raise _no("it has a name or a password in it", host)
    return host, port or _PORTS[parts.scheme]


def _no(what: str, where: str) -> UnreachableError:
    return UnreachableError(f"this URL is not asked: {what}", where=where[:200], remedy="correct it; it begins with http:// or https:// and has no credentials in it")
