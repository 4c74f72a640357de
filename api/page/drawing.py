"""Pictures of an investigation, as PNG: in SVG a browser would measure words by other fonts than those it was laid out with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Response

from api.errors import NotFoundError

PICTURES = ("timeline", "graph", "latency")


def drawn(found: Mapping[str, Any] | None, name: str) -> Response:
    """One of :data:`PICTURES` of an investigation's document. Raises NotFoundError where there is nothing to draw."""
    from api.pictures import drawable, rendered
    from api.pictures.graph import graph
    from api.pictures.latency import latency
    from api.pictures.timeline import timeline

    ways: dict[str, Callable[[dict[str, Any]], Any]] = {"timeline": timeline, "graph": graph, "latency": latency}
    chart = ways[name](drawable(dict(found))) if name in ways and found is not None and found.get("suspects") else None
    if chart is None:
        raise NotFoundError("there is nothing to draw", where=f"picture {name[:40]}", remedy="ask why something is wrong: investigations have pictures")
    return png(rendered(chart, "png"))


def png(data: bytes) -> Response:
    """A picture as an answer."""
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})
