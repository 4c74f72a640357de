"""What the cluster tools take: few plain fields that a model fills well."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tools.log_inputs import Closed

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=253)]
Selector = Annotated[str, StringConstraints(max_length=1000)]
_NAMESPACE = "Null: all that may be read"


class InNamespace(Closed):
    """Where to look."""

    namespace: Name | None = Field(default=None, description=_NAMESPACE)


class GetInput(InNamespace):
    """Objects of a kind."""

    kind: Name = Field(description="As pods, deployments, services, nodes, pvc, ingresses, hpa")
    name: Name | None = Field(default=None, description="Exact name; null: all")
    labels: Selector | None = Field(default=None, description="Label selector, as app=cart,tier!=db")
    limit: int = Field(default=50, ge=1, le=500, description="1 to 500; null: 50")


class DescribeInput(InNamespace):
    """One object."""

    kind: Name = Field(description="As pod, deployment, service, node")
    name: Name = Field(description="Exact name")


class LogsInput(InNamespace):
    """Containers of one pod, or of the pods of a selector."""

    pod: Name | None = Field(default=None, description="Exact name; null: by labels")
    labels: Selector | None = Field(default=None, description="Label selector of pods, as app=cart; at most 5 pods are read")
    container: Name | None = Field(default=None, description="Null: every container")
    previous: bool = Field(default=False, description="Whether the run before the last restart is wanted: why a container crashed")
    tail: int = Field(default=200, ge=1, le=5000, description="Newest lines of each container, 1 to 5000; null: 200")
    since_seconds: int | None = Field(default=None, ge=1, le=604_800, description="Only lines so new")
    contains: str | None = Field(default=None, max_length=200, description="Only lines with this text, case ignored")


class EventsInput(InNamespace):
    """Events, the newest first."""

    kind: Name | None = Field(default=None, description="Of objects of this kind, as Pod")
    name: Name | None = Field(default=None, description="Of the object of this name, or whose name begins so with a hyphen behind")
    warnings_only: bool = Field(default=False, description="Whether only warnings count")
    since_minutes: int | None = Field(default=None, ge=1, le=10_080, description="Only those seen so lately")
    limit: int = Field(default=50, ge=1, le=500, description="1 to 500; null: 50")


class RolloutInput(InNamespace):
    """The revisions of one workload."""

    name: Name = Field(description="Name of the workload")
    kind: Literal["deployment", "statefulset", "daemonset"] = Field(default="deployment", description="Null: deployment")


class TopInput(InNamespace):
    """Who uses most."""

    kind: Literal["pods", "nodes"] = Field(default="pods", description="Null: pods")
    by: Literal["cpu", "memory"] = Field(default="cpu", description="Null: cpu")
    limit: int = Field(default=30, ge=1, le=200, description="1 to 200; null: 30")


class EndpointsInput(InNamespace):
    """Services and who is behind them."""

    service: Name | None = Field(default=None, description="Exact name; null: all")


class NamedInput(InNamespace):
    """All of a sort, or what concerns one."""

    name: Name | None = Field(default=None, description="Exact name; null: all")


class WebhooksInput(Closed):
    """Admission webhooks are of the whole cluster."""

    resource: Name | None = Field(default=None, description="Only those that are asked about this resource, as pods; null: all")


class ProbesInput(InNamespace):
    """Probes of workloads."""

    name: Name | None = Field(default=None, description="Of the workload of this name; null: of all")


class ChangesInput(InNamespace):
    """What was changed lately."""

    name: Name | None = Field(default=None, description="Of the workload, ConfigMap or node of this name; null: of all")
    since_minutes: int | None = Field(default=None, ge=1, le=525_600, description="Only what is so new")
    limit: int = Field(default=30, ge=1, le=200, description="1 to 200; null: 30")


class DiagnoseInput(InNamespace):
    """Everything that is wrong, likeliest cause first."""

    symptom: str | None = Field(default=None, max_length=500, description="What was reported, in words")
    limit: int = Field(default=15, ge=1, le=100, description="1 to 100; null: 15")
