"""API objects without their secrets, made before anything else sees them.

What is taken out: whatever a Secret holds (it is never asked for; should a server send it all the same it is dropped),
the annotation in which ``kubectl apply`` keeps a whole object, values of variables and arguments whose names say that
they are secret, and everything :mod:`telemetry.redact` finds in other texts. Names of Secrets and of their keys stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from telemetry.masks import HIDDEN, hides, masked, masked_value
from telemetry.redact import KEY_LINES, key_block, key_body
from telemetry.secret_kinds import MARK

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PLAIN = frozenset({
    "name", "namespace", "uid", "resourceVersion", "kind", "apiVersion", "image", "imageID", "containerID", "labels", "matchLabels",
    "creationTimestamp", "generateName", "podIP", "hostIP", "ip", "ips", "podIPs", "hostIPs", "clusterIP", "clusterIPs", "nodeName",
    "secretName", "claimName", "serviceAccountName", "volumeName", "storageClassName", "ownerReferences", "selector", "managedFields",
    "fieldPath", "mountPath", "key", "topologyKey", "resources", "requests", "limits", "capacity", "allocatable", "images", "continue",
})
"""Fields that hold names, addresses and quantities: Kubernetes lets nothing else stand there."""
_LOUD = frozenset({"caBundle", "binaryData"})
"""Large and of no use here."""
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)$")
_SECRET_KEY = re.compile(r"(?i)(?:^|[._-])(?:pass(?:wd|word|phrase)?|pwd|dsn|tls\.key|private[._-]?key)$")


def without_secrets(each: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object that holds no secret value."""
    found = {key: _walked(key, value) for key, value in each.items() if key not in _LOUD}
    if each.get("kind") == "Secret":
        found["data"] = {str(key): "" for part in ("data", "stringData") for key in each.get(part) or {}}
        found.pop("stringData", None)
    return found


def hidden(name: str, value: str) -> str:
    """The value of a variable or key of this name as it may be shown."""
    if value and (hides(name) or _SECRET_KEY.search(name)):
        return HIDDEN
    return masked_value(name, value)


def _walked(key: str, value: Any) -> Any:
    if key in _PLAIN:
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return _pairs(value) if key in {"annotations", "data", "stringData"} else _mapping(value)
    if isinstance(value, list):
        return _arguments(value) if key in {"args", "command"} else [_walked("", one) for one in value]
    return value


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """A variable, a header, a parameter: ``{name: …, value: …}``; or any other map."""
    name, said = value.get("name"), value.get("value")
    if isinstance(name, str) and isinstance(said, str):
        return {**value, "value": hidden(name, said)}
    return {key: _walked(key, one) for key, one in value.items() if key not in _LOUD}


def _pairs(value: Mapping[str, Any]) -> dict[str, Any]:
    """Annotations, or what a ConfigMap holds."""
    return {str(key): hidden(str(key), one) if isinstance(one, str) else _walked("", one) for key, one in value.items() if key != APPLIED}


def _arguments(value: Sequence[Any]) -> list[Any]:
    """A command line: ``--password=x`` and ``--password x`` alike."""
    found: list[Any] = []
    secret = False
    for one in value:
        said = one if isinstance(one, str) else ""
        found.append(HIDDEN if secret and said and not said.startswith("-") else _argument(one))
        match = _FLAG.match(said)
        secret = bool(match and (hides(match[1]) or _SECRET_KEY.search(match[1])))
    return found


def _argument(one: Any) -> Any:
    if not isinstance(one, str):
        return _walked("", one)
    name, equals, value = one.partition("=")
    if equals and re.fullmatch(r"-{0,2}[\w.-]+", name):
        return f"{name}={hidden(name.lstrip('-'), value)}"
    return masked(one)


def masked_lines(lines: Iterable[str]) -> Iterator[str]:
    """Lines of a log without their secrets, also those of a private key that goes over several lines."""
    left = 0
    for line in lines:
        shown = masked(line)
        if left:
            inside = key_body(line)
            left = 0 if inside is None or key_block(line) == "end" else left - 1
            yield shown if inside is None and key_block(line) is None else f"{MARK}private-key]"
            continue
        left = KEY_LINES if key_block(line) == "begin" else 0
        yield f"{MARK}private-key]" if left else shown
