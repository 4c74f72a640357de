"""Who we are to which API server: a kubeconfig and a context of it, or the service account of the pod we run in.

Read by the official client into a configuration of this one question: nothing global is set, nothing is written back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.errors import UsageError
from telemetry.sources.answers import Trouble, clean
from telemetry.sources.web import Limits

IN_CLUSTER = "in-cluster"
"""Written instead of a path: the pod's own service account."""
_REMEDY = "name a kubeconfig and a context that it has"


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom the API server takes us, instead of our own account (Kubernetes: user impersonation). Raises UsageError."""

    user: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for one in (self.user, *self.groups):
            if not one or not one.isascii() or not one.isprintable() or one != one.strip() or len(one) > 253:
                raise UsageError("this is no user or group of Kubernetes", where="impersonation", remedy="use 1 to 253 printable ASCII characters")
        if "system:masters" in self.groups or self.user == "system:admin":
            raise UsageError("system:masters is above every rule of RBAC", where="impersonation", remedy="name a group that a role is bound to")

    def headers(self) -> list[tuple[str, str]]:
        """What every request carries."""
        return [("Impersonate-User", self.user), *(("Impersonate-Group", group) for group in self.groups)]


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster, as whom, within which bounds.

    ``kubeconfig`` may name several files, as ``KUBECONFIG`` does; None and ``in-cluster`` mean the pod's service account.
    ``commands`` permits what a kubeconfig wants run to log in (exec plugins and auth providers).
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    """Those that may be looked into; none: every one that the credentials may list."""
    commands: bool = False
    limits: Limits = Limits()
    impersonation: Impersonation | None = None

    @property
    def inside(self) -> bool:
        """Whether the pod's own service account is meant."""
        return self.kubeconfig in {None, IN_CLUSTER}


def configuration(access: Access) -> Any:
    """The official client's ``Configuration``. Raises Trouble, not assessed, that says what is missing."""
    return _inside() if access.inside else _from_file(access)


def usual_kubeconfig() -> str:
    """Where kubectl looks when nothing is named (``KUBECONFIG``, else ``~/.kube/config``); in a pod without one ``in-cluster``."""
    from kubernetes.config.incluster_config import SERVICE_TOKEN_FILENAME
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

    usual = str(KUBE_CONFIG_DEFAULT_LOCATION)
    there = any(Path(one).expanduser().is_file() for one in usual.split(os.pathsep) if one)
    return IN_CLUSTER if not there and Path(SERVICE_TOKEN_FILENAME).is_file() else usual


def _inside() -> Any:
    from kubernetes import client, config

    found = client.Configuration()
    try:
        config.load_incluster_config(found)
    except (config.ConfigException, OSError) as error:
        raise _unusable(f"this is no pod of a cluster: {clean(error, 200)}",
                        "name a kubeconfig (ONCALM_KUBECONFIG), or run OnCalm in the cluster with a service account") from None
    return found


def _from_file(access: Access) -> Any:
    from kubernetes import client, config

    named = access.kubeconfig or ""
    context = _context(_document(named), access.context, named)
    if not access.commands:
        _no_commands(context)
    found = client.Configuration()
    try:
        config.load_kube_config(named, context=str(context["name"]), client_configuration=found, persist_config=False)
    except Exception as error:  # noqa: BLE001 - the client raises what its parts raise, down to AttributeError
        raise _unusable(f"the context {clean(context['name'], 80)} of {named} cannot be used: {clean(error, 200)}", "correct it") from None
    if access.commands and _command(context["user"]) and not (found.api_key.get("BearerToken") or found.cert_file):
        raise _unusable(f"the login command {_command(context['user'])!r} gave no credentials", "run it by hand to see why")
    return found


def _document(named: str) -> Mapping[str, Any]:
    """The merged content of the files. Raises Trouble."""
    from kubernetes.config.kube_config import KubeConfigMerger

    paths = [Path(one).expanduser() for one in named.split(os.pathsep) if one]
    if not any(path.is_file() for path in paths):
        raise _unusable(f"there is no kubeconfig at {named}", "name one (ONCALM_KUBECONFIG, --kubeconfig)")
    try:
        merged = KubeConfigMerger(os.pathsep.join(map(str, paths))).config
    except Exception as error:  # noqa: BLE001 - whatever YAML and the client's merger raise
        raise _unusable(f"{named} is no kubeconfig: {clean(error, 200)}") from None
    value = _plain(merged)
    if not isinstance(value, dict):
        raise _unusable(f"{named} is no kubeconfig: it holds no map")
    return value


def _plain(node: Any) -> Any:
    """What the client's nodes hold, which remember the file they are from."""
    value = getattr(node, "value", node)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _context(document: Mapping[str, Any], wanted: str | None, named: str) -> Mapping[str, Any]:
    """``name``, ``cluster`` and ``user`` of the context. Raises Trouble that names those there are."""
    contexts = _named(document, "contexts", "context")
    name = wanted or str(document.get("current-context") or "")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        what = f"no context {clean(name, 80)!r}" if name else "no current context"
        raise _unusable(f"{named} has {what}; it has: {clean(known, 300)}", "name one of them (ONCALM_KUBE_CONTEXT, --context)")
    own = contexts[name]
    for part, inner in (("clusters", "cluster"), ("users", "user")):
        refers = own.get(inner)
        if (refers or inner == "cluster") and refers not in _named(document, part, inner):
            raise _unusable(f"the context {clean(name, 80)!r} of {named} names the {inner} {clean(refers, 80)!r}, which is not in it")
    return {"name": name, "user": _named(document, "users", "user").get(str(own.get("user")), {})}


def _named(document: Mapping[str, Any], plural: str, inner: str) -> dict[str, Mapping[str, Any]]:
    """The entries of one of a kubeconfig's lists by name."""
    listed = document.get(plural)
    pairs = [(str(one.get("name")), one.get(inner)) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {name: value if isinstance(value, dict) else {} for name, value in pairs}


def _command(user: Mapping[str, Any]) -> str:
    """What the client would run to log in, "" for nothing."""
    plugin, provider = user.get("exec"), user.get("auth-provider")
    if isinstance(plugin, dict):
        return str(plugin.get("command") or "?")
    return f"auth-provider {provider.get('name')}" if isinstance(provider, dict) else ""


def _no_commands(context: Mapping[str, Any]) -> None:
    command = _command(context["user"])
    if command:
        raise _unusable(f"the context {clean(context['name'], 80)!r} logs in by a command ({clean(command, 80)}), and none is run unasked",
                        "permit it with ONCALM_KUBE_COMMANDS=true, or use a token or certificate of a service account")


def _unusable(what: str, remedy: str = _REMEDY) -> Trouble:
    return Trouble(what, status="not_assessed", remedy=remedy)
