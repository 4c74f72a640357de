"""What an API server's refusals mean, and what to grant or correct."""

from __future__ import annotations

import re

from telemetry.sources.answers import Trouble, clean

_USER = re.compile(r'User "([^"]+)"')
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):(.+)")
_NO_SUCH_RESOURCE = re.compile(r"could not find the requested resource|404 page not found", re.IGNORECASE)


def absent(trouble: Trouble) -> bool:
    """Whether the server does not know the resource at all, which is another thing than an object that is not there."""
    return trouble.code == 404 and (not trouble.said or bool(_NO_SUCH_RESOURCE.search(trouble.said)))


def told(trouble: Trouble, verb: str, full: str, namespace: str) -> Trouble:
    """The trouble with what it means for these permissions; others are given back as they are.

    ``full`` is the resource as RBAC names it: ``deployments.apps``, ``pods/log``.
    """
    if trouble.code == 401:
        return Trouble("the API server does not accept the credentials (401)", status="not_assessed", code=401, said=trouble.said,
                       remedy="renew the token or certificate of the kubeconfig's user")
    if trouble.code == 403:
        return _forbidden(trouble, verb, full, namespace)
    if trouble.code in {503, 504} and full.endswith("metrics.k8s.io"):
        return Trouble(f"metrics-server does not answer ({trouble.code})", status="not_assessed", code=trouble.code, said=trouble.said,
                       remedy="look at the metrics-server's pods and its APIService")
    return trouble


def _forbidden(trouble: Trouble, verb: str, full: str, namespace: str) -> Trouble:
    user = _USER.search(trouble.said)
    account = _ACCOUNT.fullmatch(user[1]) if user else None
    who = f"the service account {account[2]} of {account[1]}" if account else f"the user {clean(user[1], 100)}" if user else "the service account"
    plural, _, group = full.partition(".")
    where = f"in {namespace}" if namespace else "in the whole cluster"
    grant = f"grant: apiGroups: [\"{group}\"], resources: [\"{plural}\"], verbs: [\"{verb}\"] (deploy/rbac-read.yaml has all)"
    if not namespace and "cluster scope" in trouble.said:
        grant += ", or name namespaces in ONCALM_KUBE_NAMESPACES"
    return Trouble(f"{who} may not {verb} {plural}{f'.{group}' if group else ''} {where}", status="not_assessed", code=403, said=trouble.said,
                   remedy=grant)
