"""What commands have in common: options, and the product that they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def product_of(context: typer.Context) -> Any:
    """The product over the home that the command names."""
    from api.environment import variable
    from api.settings import load
    from api.wiring.product import Product

    settings = load()
    me = settings.person() if settings.kube_impersonate else None
    desk = _desk(context.obj or settings.home, settings, me)
    if desk is not None:
        context.call_on_close(desk.close)
    return Product(
        context.obj or settings.home, embedding_path=settings.embedding_path, zone=settings.zone,
        thinking=settings.thinking(), observing=settings.observing(), traceparent=settings.traceparent,
        runbooks=settings.runbooks, sources=settings.sources, environment=variable, cluster=settings.cluster(),
        desk=desk, access_of=settings.access_of(settings.cluster()), me=me,
    )


def _desk(home: Path, settings: Any, me: Any) -> Any:
    """Who previews and decides on actions; nobody without a cluster."""
    cluster = settings.cluster()
    return settings.desk(home, cluster, me=me) if cluster is not None else None


def analyst_of(name: str) -> str:
    """The analyst of this name. Raises UsageError."""
    from telemetry.errors import UsageError

    if name not in {"auto", "offline", "llm"}:
        raise UsageError(f"there is no analyst {name!r}", where="--analyst", remedy="use auto, offline or llm")
    return name
