"""What a server's no means: an obstacle while a preview is made, an error when the action was to be done."""

from __future__ import annotations

import re

from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.reading import Unserved
from telemetry.sources.kubernetes.resources import Resource
from tools.actions.action import Obstacle, Target
from tools.actions.errors import RefusedError, WorldChangedError

_RBAC = re.compile(r'cannot (\w+) resource "([^"]+)"')
_QUOTA = re.compile(r"exceeded quota|exceeds the (?:maximum|limit)|maximum (?:cpu|memory) usage per", re.IGNORECASE)
_NO_DRY_RUN = re.compile(r"dry[ -]?run", re.IGNORECASE)
_BUDGET = re.compile(r"disruption budget", re.IGNORECASE)
_PASSING = frozenset({"forbidden", "no_dry_run"})
"""With these the action's own reading of the object stands in for the dry run."""


def unseen(trouble: Trouble, target: Target) -> Obstacle:
    """Why a target cannot even be read."""
    if isinstance(trouble, Unserved):
        return Obstacle("missing_kind", f"{trouble.what}: there is no {target.kind} in this cluster", "install the extension, or take an action on what the cluster has")
    if trouble.code == 401:
        return Obstacle("credentials", trouble.what, trouble.remedy)
    if trouble.code == 403:
        return Obstacle("forbidden", trouble.what, trouble.remedy)
    return Obstacle("no_cluster", trouble.what, trouble.remedy or "see that the API server answers")


def hindrance(trouble: Trouble, one: Resource, verb: str, part: str, namespace: str) -> Obstacle:
    """Why a dry run was refused."""
    if trouble.code == 401:
        return Obstacle("credentials", f"the API server does not accept the credentials: {trouble.what}", "renew the token or certificate of the kubeconfig's user")
    if trouble.code == 403 and _RBAC.search(trouble.said):
        plural = f"{one.plural}/{part}" if part else one.plural
        grant = f'grant: apiGroups: ["{one.group}"], resources: ["{plural}"], verbs: ["{verb}"]{f" in {namespace}" if namespace else ""} (deploy/rbac-write.yaml)'
        return Obstacle("forbidden", f"permission is lacking: {trouble.what}", grant, blocking=False)
    if _BUDGET.search(trouble.said):
        return Obstacle("disruption_budget", trouble.what, "bring up more pods first")
    if _QUOTA.search(trouble.said):
        return Obstacle("quota", trouble.what, "raise the quota, or take less")
    if trouble.code == 400 and _NO_DRY_RUN.search(trouble.said):
        return Obstacle("no_dry_run", f"the server cannot try it: {trouble.what}", "see which webhook has side effects", blocking=False)
    if not trouble.code:
        return Obstacle("no_cluster", trouble.what, trouble.remedy or "see that the API server answers")
    return Obstacle("rejected", f"the API server refuses it ({trouble.code}): {trouble.what}", "correct the parameters, or see the admission rule that it names")


def passing(obstacle: Obstacle) -> bool:
    """Whether the preview may go on without a dry run."""
    return obstacle.kind in _PASSING


def not_done(trouble: Trouble, target: Target) -> RefusedError:
    """The error for an action that a server refused, or that was not sent. Nothing was changed."""
    if trouble.code in {404, 409} or trouble.code == 422 and "metadata.uid" in trouble.said:
        why = "is gone" if trouble.code == 404 else "is not what it was when the action was previewed"
        return WorldChangedError(f"{target} {why}; nothing was changed: {trouble.what}", where=str(target), remedy="propose the action again and have it approved")
    said = f"the API server refused it ({trouble.code})" if trouble.code else "it was not sent"
    return RefusedError(f"{said}: {trouble.what}", where=str(target), remedy=trouble.remedy or "correct what it names and propose the action again")
