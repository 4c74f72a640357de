"""The cluster tools as a registry: each call asks the live cluster, and only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from telemetry.models import Found
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.connection import ApiServer
from telemetry.sources.kubernetes.reading import Cluster
from tools.cluster import inputs
from tools.cluster.admission import service_accounts, webhooks
from tools.cluster.asking import Asking, clock
from tools.cluster.capacity import quotas, top
from tools.cluster.changing import changes
from tools.cluster.diagnosis import diagnose
from tools.cluster.endpoints import endpoints
from tools.cluster.events import events
from tools.cluster.logs import logs
from tools.cluster.looking import describe, get
from tools.cluster.probes import probes
from tools.cluster.rollouts import rollout_history
from tools.cluster.storage import storage
from tools.registry import Registry, Tool
from tools.result import Outcome, Passages

SECONDS = 60.0
DIAGNOSE_SECONDS = 180.0
_TOOLS: tuple[tuple[str, str, type[BaseModel], Callable[..., Outcome], type[BaseModel], float], ...] = (
    ("get", "List live Kubernetes objects of a kind, as kubectl get.", inputs.GetInput, get, Found, SECONDS),
    ("describe", "One live Kubernetes object in full, with its events and who owns it, as kubectl describe.", inputs.DescribeInput, describe, Passages, SECONDS),
    ("logs", "The newest log lines of live containers; with previous those of the run before the last restart. Use it for a crash.",
     inputs.LogsInput, logs, Found, SECONDS),
    ("events", "What Kubernetes said lately (an hour is kept): failed scheduling, pulls, probes, kills.", inputs.EventsInput, events, Found, SECONDS),
    ("rollout_history", "Revisions of a workload: when, which images, what changed between them.", inputs.RolloutInput, rollout_history, Found, SECONDS),
    ("changes", "What was rolled out, scaled, configured or cordoned in the live cluster, newest first, with who did it.",
     inputs.ChangesInput, changes, Found, SECONDS),
    ("top", "CPU and memory that pods or nodes use now, beside requests and limits.", inputs.TopInput, top, Found, SECONDS),
    ("quotas", "Resource quotas and how full they are; limit ranges.", inputs.InNamespace, quotas, Found, SECONDS),
    ("endpoints", "Services with the pods behind them; says where a selector, port or readiness breaks the way.", inputs.EndpointsInput, endpoints, Found, SECONDS),
    ("storage", "Volume claims, why they wait, and the volumes and classes there are.", inputs.NamedInput, storage, Found, SECONDS),
    ("webhooks", "Admission webhooks and whether anybody answers them; use it when objects are refused or creation hangs.",
     inputs.WebhooksInput, webhooks, Found, SECONDS),
    ("service_accounts", "Service accounts, their pull secrets, and those that pods want and that do not exist.", inputs.NamedInput, service_accounts, Found, SECONDS),
    ("probes", "Startup, liveness and readiness probes of workloads, and how they failed lately.", inputs.ProbesInput, probes, Found, SECONDS),
    ("diagnose", "Everything that is wrong in the live cluster by rules, the likeliest cause first, each with what would refute it. "
     "The first look at a cluster.", inputs.DiagnoseInput, diagnose, Found, DIAGNOSE_SECONDS),
)


def cluster_tools(cluster: Cluster, now: Callable[[], int] = clock) -> Registry:
    """The tools over one cluster; whoever opened it closes it. Nothing is asked before the first call."""
    return Registry([_tool(cluster, now, *each) for each in _TOOLS])


def open_cluster(access: Access) -> Cluster:
    """A cluster to ask; nothing is read or sent yet."""
    return Cluster(ApiServer(access))


def _tool(cluster: Cluster, now: Callable[[], int], name: str, purpose: str, given: type[BaseModel], call: Callable[..., Outcome],
          output: type[BaseModel], seconds: float) -> Tool[Any]:
    return Tool(f"cluster.{name}", purpose, "read", given, lambda asked: call(Asking(cluster, now), asked), output=output, timeout=seconds,
                freshness="live", tags=("cluster",))
