"""What ``oncalm doctor`` says of the configured sources."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from api.wiring.product import Product
    from telemetry.sources.opening import AnySource


def source_checks(product: Product) -> list[dict[str, Any]]:
    """One entry per source, asked side by side: reachable, or why not."""
    try:
        opened = product.sources()
    except OnCalmError as error:
        return [{"check": "sources", "ok": False, "seen": error.what, "remedy": error.remedy}]
    with opened as sources:
        if not len(sources):
            return []
        with ThreadPoolExecutor(8, thread_name_prefix="source") as pool:
            return list(pool.map(_one, sources))


def _one(source: AnySource) -> dict[str, Any]:
    answer = source.check()
    ok = answer.status == "complete"
    seen = answer.records[0] if ok and answer.records else f"{answer.status.replace('_', ' ')}: {answer.reason}"
    return {"check": f"source {source.name}", "ok": ok, "seen": seen, "remedy": answer.remedy}
