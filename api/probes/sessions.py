"""Sessions of probes as the command line, HTTP and the page show them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.errors import NotFoundError
from tools.actions.probes import read_result, results

_MOST = 200


def sessions_of(home: Path) -> list[dict[str, Any]]:
    """The newest first, a line each; at most two hundred."""
    return [{"session": path.stem, **_line(read_result(path))} for path in results(home / "probes")[:_MOST]]


def session_of(home: Path, session: str) -> dict[str, Any]:
    """One, by its whole name. Raises NotFoundError."""
    for path in results(home / "probes"):
        if path.stem == session:
            return read_result(path)
    raise NotFoundError("there is no such session", where=f"probe {session[:40]}", remedy="GET /v1/probes lists them")


def flame_of(found: Mapping[str, Any]) -> str | None:
    """The flame graph of a session's stacks as SVG; None where it has none."""
    from ebpf.signals.flame import svg

    folded = (found["result"] or {}).get("summary", {}).get("folded")
    if not folded:
        return None
    name = found["head"].get("spec", {}).get("name", "")
    lines = folded if isinstance(folded, list) else str(folded).splitlines()
    return svg(lines, f"{name} on {found['head'].get('target', '')}", "samples" if name == "cpu_profile" else "microseconds")


def _line(result: Mapping[str, Any]) -> dict[str, Any]:
    head, ended = result["head"], result["result"] or result["error"] or {}
    return {"probe": head.get("spec", {}).get("name", ""), "target": head.get("target", ""), "node": head.get("node", ""), "approval": head.get("approval", ""),
            "started": head.get("started", ""), "seen": ended.get("summary", {}).get("counts", {}).get("seen"),
            "ended": ended.get("ended") or ended.get("what") or "it runs, or was killed"}
