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

from agent.decision.telling import Owner
from api.actions.config import Also
from api.actions.desk import Desk
from api.actions.proposals import proposals
from api.wiring.product import Product
from evals.actions.cluster import objects
from telemetry.models import Window
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from telemetry.sources.web import Limits
from tools.actions.notices import Channel
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
        if "access" in one:
            _served(folder, one["access"], now)
        with closing(Cluster(ApiServer(access))) as cluster, closing(Desk(folder, access, also=lambda: _also(one))) as desk:
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
    names = ("rate", "rate", "p95", "p95")
    services = [{"name": name, **{when: {names[at]: load[at], names[at + 2]: load[at + 2]} for at, when in enumerate(("before", "during"))}}
                for name, load in one.get("load", {}).items()]
    flows = [dict(zip(("caller", "callee", "before", "during"), each, strict=True)) for each in one.get("flows", ())]
    return {"id": "scenario", "answer": "", "suspects": suspects, "ruled_out": [], "timeline": [],
            "window": _window(now, 12, 0), "baseline": _window(now, 60, 12), "graph": {"calls": calls, "services": services, "flows": flows}}


def _window(now: datetime, start: int, end: int) -> dict[str, str]:
    return {name: (now - timedelta(minutes=minutes)).isoformat() for name, minutes in (("start", start), ("end", end))}


def _served(home: Path, told: Mapping[str, Any], now: datetime) -> None:
    """An access log: ``addresses`` that ask once in ``every`` seconds each, and ``flood``, of one more address, requests a second of the last
    twelve minutes; with ``proxied`` all of ``addresses`` are one."""
    lines, begin = [], now - timedelta(minutes=60)
    for second in range(3600):
        at = begin + timedelta(seconds=second)
        asks = [1 if told.get("proxied") else number for number in range(told["addresses"]) if second % told["every"] == number % told["every"]]
        asks += [250] * (told.get("flood", 0) if second >= 2880 else 0)
        lines += [f'203.0.113.{number} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /search?q=x HTTP/1.1" 200 512 "-" "agent/1.0"\n' for number in asks]
    (home / "access.log").write_text("".join(lines), "utf-8")
    Product(home).ingest([home / "access.log"], service=told["service"])


def _also(one: Mapping[str, Any]) -> Also:
    """Channels by name: the kind, then globs of namespaces. Nothing is ever sent to them."""
    told = one.get("channels", {})
    return Also(tuple(Channel(name, kind, "http://127.0.0.1:9/") for name, (kind, *_) in told.items()),
                tuple(Owner(name, kind, tuple(spaces)) for name, (kind, *spaces) in told.items()))


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
