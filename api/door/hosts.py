"""Which names a server answers to: checks of Host, Origin and Fetch Metadata, before anything else of a request is read.

A page in a browser can make its own name point to this machine (DNS rebinding); what it sends then carries that name as
Host and its Origin. Only names that we listen on pass. Bound to every address (``0.0.0.0``), whose names we do not know,
it is the credentials that no page has, and an Origin must be that of the Host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}


def loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than ``localhost`` could mean anything: no."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HostRule:
    """Refuses requests to names that are not ours and from pages that are not ours."""

    def __init__(self, host: str, *, guarded: bool, names: Iterable[str] = ()) -> None:
        """``host``: the address listened on; ``guarded``: nobody passes without credentials; ``names``: those we have beside it."""
        self._named = frozenset(one.lower() for one in names)
        self._any_host = guarded and _unspecified(host)
        self._hosts = _LOCAL | {host.lower()} | self._named

    def refusal(self, headers: Headers) -> tuple[int, str] | None:
        """(status, reason), or None for a request that may pass."""
        hosts, origins = values(headers, b"host"), values(headers, b"origin")
        host = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
        if host is None or not self._known(host):
            return 421, "this server is not known by that Host"
        allowed = {host} if self._any_host else self._hosts
        if any(_name(origin) not in allowed for origin in origins):
            return 403, "pages of that Origin may not use this server"
        return None

    def _known(self, host: str) -> bool:
        if host in self._hosts:
            return True
        # A page cannot make an address its own, as it can a name: probes ask a pod by its address.
        return self._any_host and (not self._named or _address(host))


def same_origin(headers: Headers, scheme: str) -> bool:
    """Whether a page that sent a request is of this server, down to its port; True when no page says that it sent it.

    ``Sec-Fetch-Site`` is set by browsers alone; ``same-site`` is another port or a sibling name, which is not us.
    """
    hosts, origins, sites = (values(headers, name) for name in (b"host", b"origin", b"sec-fetch-site"))
    if any(site not in {"same-origin", "none"} for site in sites):
        return False
    return all(len(hosts) == 1 and _place(origin) in {_place(f"{one}://{hosts[0]}") for one in _schemes(scheme)} for origin in origins)


def navigation(headers: Headers) -> bool:
    """Whether a browser wants to show this as a page of its own (not in a frame), wherever the link stood."""
    mode, goal = values(headers, b"sec-fetch-mode"), values(headers, b"sec-fetch-dest")
    return mode == ["navigate"] and goal == ["document"]


def values(headers: Headers, wanted: bytes) -> list[str]:
    """Every value of a header, in order."""
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _schemes(scheme: str) -> tuple[str, ...]:
    """Plain HTTP may be what a proxy makes of HTTPS; the other way round there is none."""
    return ("https",) if scheme == "https" else ("http", "https")


def _place(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        if parts.hostname is None or parts.scheme not in _PORTS:
            return None
        return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:
        return None


def _unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _name(url: str) -> str | None:
    """The host that a URL names, in lower case and without its port."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
