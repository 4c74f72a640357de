"""Scenarios that go the whole way: an investigation's document and a cluster over HTTP, through the product's own path.

Nothing is taken for granted: facts are read from API objects, previews are the catalogue's own dry runs against the double
of an API server, the policy is read from its file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.desk import Desk
from api.proposing import proposals
from evals.actions.cluster import objects
from telemetry.models import Window
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.web import Limits
from tools.cluster.double import ApiDouble, kubeconfig
from tools.cluster.seen import see

_LIMITS = Limits(2, 10, 20)


def ended(one: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], str]:
    """What comes of a scenario: ``none``, ``refuse``, or an action with its target; its parameters; and why."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name, ApiDouble(objects(one["cluster"], now), token="t0ken") as double:  # noqa: S106 - the double's
        folder = Path(name)
        access = Access(str(kubeconfig(folder, double)), limits=_LIMITS)
        if "policy" in one:
            (folder / "policy.yaml").write_text(one["policy"], "utf-8")
        with closing(Cluster(ApiServer(access))) as cluster, closing(Desk(folder, access)) as desk:
            seen = see(cluster, Window(start=now - timedelta(hours=1), end=now))
            made, why = proposals(document(one, now), seen, desk)
    if not made:
        return "none", {}, why
    first = made[0]
    if first["decision"] == "refuse":
        return "refuse", {}, "; ".join(first["why"])
    target = first["target"]
    where = f"{target['namespace']}/" if target["namespace"] else ""
    return f"{first['action']} {target['kind']} {where}{target['name']}", first["params"], first["why"][0]


def document(one: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The part of ``oncalm investigate --json`` that a scenario is about."""
    suspects = [_suspect(rank, each, now) for rank, each in enumerate(one["suspects"], start=1)]
    calls = [[_entity(caller), _entity(callee)] for caller, callee in one.get("calls", ())]
    return {"id": "scenario", "answer": "", "suspects": suspects, "ruled_out": [], "timeline": [], "graph": {"calls": calls, "services": []}}


def _suspect(rank: int, told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    entity, at = _entity(told["entity"]), (now - timedelta(minutes=12)).isoformat()
    signs = [{"kind": kind, "entity": entity, "aspect": aspect, "statement": "", "strength": strength, "at": at, "refs": []}
             for kind, aspect, strength in told.get("signs", ())]
    for_it, against = ([sign for sign in signs if (sign["strength"] >= 0) is good] for good in (True, False))
    return {"rank": rank, "entity": entity, "cause": told["cause"], "statement": told.get("statement", ""), "score": told["score"], "signs": for_it,
            "against": against, "victims": [_entity(each) for each in told.get("victims", ())], "positions": []}


def _entity(text: str) -> dict[str, str]:
    kind, name = text.split()
    return {"kind": kind, "name": name}
