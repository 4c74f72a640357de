"""The answer as callers get it: the contract of ``oncalm ask --json``."""

from __future__ import annotations

from typing import Any

from agent.state import State

NOTHING_USED = {"model_calls": 0, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}


def assemble(state: State, analyst: str, seconds: float) -> dict[str, Any]:
    """Turn a finished run's state into the documented JSON document."""
    triage, summary = state["triage"], state["summary"]
    usage = dict(state.get("usage", {}))
    prompts = usage.pop("prompts", {})
    query = summary.get("query") or triage.get("query") or {}
    results = sorted(state.get("results", {}).items(), key=lambda pair: int(pair[0].lstrip("E")))
    evidence = [_evidence(name, result) for name, result in results]
    window = query.get("window") or {"start": None, "end": None}
    return {
        "question": state["question"],
        "analyst": "offline" if state.get("fallback") else analyst,
        **({"fallback": state["fallback"], "fallback_kind": state.get("fallback_kind", "")} if state.get("fallback") else {}),
        "query": {
            "window": window,
            "filters": query.get("filters", []),
            "operation": query.get("operation"),
            "group_by": query.get("group_by", []),
            "field": query.get("field"),
            "stats": query.get("stats", []),
            "bucket": query.get("bucket"),
            "limit": query.get("limit"),
            "baseline": query.get("baseline"),
            "interpretation": summary["interpretation"],
        },
        "result": {k: v for k, v in summary["result"].items() if v is not None or k == "value" and
                   summary["result"]["kind"] == "scalar"},
        "answer": summary["answer"],
        **({"parts": summary["parts"]} if summary.get("parts") else {}),
        "evidence": evidence,
        "confidence": summary["confidence"],
        "claims": summary["claims"],
        "ruled_out": summary["ruled_out"],
        "unchecked": summary["unchecked"],
        "dropped": summary["dropped"],
        "notes": summary["notes"],
        **({"recall": summary["recall"]} if summary.get("recall") else {}),
        "understood": triage.get("refusal") is None or bool((state.get("conclusion") or {}).get("answer")),
        "usage": {**NOTHING_USED, **usage, "seconds": round(seconds, 3)},
        "prompts": prompts,
    }


def _evidence(name: str, result: dict[str, Any]) -> dict[str, Any]:
    found = result.get("found") or {}
    return {
        "id": name, "tool": result["tool"], "status": result["status"], "query": result["query"],
        "window": result["window"], "total": result["total"], "searched": result.get("searched", 0),
        "excerpt": found.get("excerpt", []), **({"error": result["error"]} if result.get("error") else {}),
    }
