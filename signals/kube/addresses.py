"""Services that a container's environment names: ``CART_ADDR=cart:7070``, ``DB_HOST`` beside ``DB_PORT``, URLs.

Names follow DNS for Services (kubernetes.io/docs/concepts/services-networking/dns-pod-service): ``service``,
``service.namespace``, ``service.namespace.svc.cluster.local``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.kube.state import Object, at, items_at, mapping_at, name_of

_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_URL = re.compile(rf"^(?:jdbc:)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^@/\s]*@)?(?P<host>{_HOST})(?::(?P<port>\d+))?(?:[/?].*)?$", re.I)
_PAIR = re.compile(rf"^(?P<host>{_HOST}):(?P<port>\d{{1,5}})$")
_BARE = re.compile(rf"^{_HOST}$")
_ADDRESS_NAME = re.compile(r"(?:^|[_.-])(?:ADDR|ADDRESS|HOST|HOSTNAME|SERVER|ENDPOINT|URL|URI|SERVICE|BROKER|BROKERS)$", re.I)
_PORT_NAME = re.compile(r"^(?P<stem>.*?)[_.-]?PORT$", re.I)
_CLUSTER = re.compile(r"^(?P<service>[^.]+)(?:\.(?P<namespace>[^.]+))?(?:\.svc(?:\.cluster\.local)?)?\.?$")
_PLACES = {"localhost", "0.0.0.0", "127.0.0.1", "true", "false", "none", "null", "default"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class Address:
    """One address. ``namespace`` is empty for the workload's own; ``port`` None when the environment names none."""

    variable: str
    service: str
    port: int | None
    namespace: str = ""
    value: str = ""
    certain: bool = True
    """False when only the variable's name makes an address of a bare word."""


def addresses(pod_spec: Object, configmaps: Iterable[Object] = ()) -> tuple[Address, ...]:
    """The addresses within the cluster that the containers of a pod are given."""
    maps = {name_of(each): mapping_at(each, "data") for each in configmaps}
    found: list[Address] = []
    for container in items_at(pod_spec, "containers"):
        found += _read(dict(variables(container, maps)))
    return tuple(dict.fromkeys(found))


def variables(container: Object, maps: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and value of the environment, as far as they stand in the open (never from Secrets)."""
    for each in items_at(container, "envFrom"):
        for key, value in maps.get(str(at(each, "configMapRef", "name")), {}).items():
            yield f"{each.get('prefix') or ''}{key}", str(value)
    for each in items_at(container, "env"):
        key = at(each, "valueFrom", "configMapKeyRef")
        value = maps.get(str(at(key, "name")), {}).get(str(at(key, "key"))) if key else each.get("value")
        if value is not None:
            yield str(each.get("name")), str(value)


def _read(environment: Mapping[str, str]) -> Iterator[Address]:
    for name, value in environment.items():
        for part in value.split(","):
            found = _address(name, part.strip(), environment)
            if found is not None:
                yield found


def _address(name: str, value: str, environment: Mapping[str, str]) -> Address | None:
    match = _URL.match(value) or _PAIR.match(value)
    if match is None and (not _ADDRESS_NAME.search(name) or not _BARE.match(value)):
        return None
    host = match["host"] if match else value
    port = match["port"] if match else _port_beside(name, environment)
    parts = _CLUSTER.match(host.lower())
    if parts is None or host.lower() in _PLACES or host.replace(".", "").isdigit():
        return None
    external = "." in host and not re.search(r"\.svc(\.|$)", host.lower())
    namespace = parts["namespace"] or ""
    return None if external and host.count(".") > 1 else Address(
        name, parts["service"], int(port) if port else None, namespace, value, certain=match is not None and not external)


def _port_beside(name: str, environment: Mapping[str, str]) -> str | None:
    """``DB_PORT`` for ``DB_HOST``."""
    stem = _ADDRESS_NAME.sub("", name)
    for other, value in environment.items():
        match = _PORT_NAME.match(other)
        if match and match["stem"].rstrip("_.-") == stem and value.isdigit():
            return value
    return None
