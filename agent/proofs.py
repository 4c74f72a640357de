"""Which results of a run show what a sign of an investigation says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tools.incident import NAME


def proofs(refs: Collection[str], entity: str, results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Evidence ids, in their order, of the results (as JSON) that were found about ``refs``: the weighing, and what was
    fetched of the templates, changes and spans that they name. Spans are those of ``entity``."""
    templates = {ref.removeprefix("template:") for ref in refs if ref.startswith("template:")}
    for name, result in sorted(results.items(), key=lambda pair: int(pair[0].lstrip("E"))):
        if result["status"] != "found":
            continue
        tool, query = result["tool"], result["query"]
        changed = tool == "changes.list" and any(ref.startswith("change:") for ref in refs)
        spans = tool.startswith("traces.") and query.get("service") == entity and any(ref.startswith("span:") for ref in refs)
        lines = tool.startswith("logs.") and bool(templates & _templates(query))
        if tool == NAME or changed or spans or lines:
            yield name


def _templates(query: Mapping[str, Any]) -> set[str]:
    """The template ids that a query selects."""
    found = set(query.get("templates") or ())
    for item in query.get("filters") or ():
        if item.get("field") == "template":
            found |= {item["value"]} if isinstance(item["value"], str) else set(item["value"] or ())
    return found
