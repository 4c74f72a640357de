"""An investigation as callers get it: the contract of ``oncalm investigate --json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from agent.answer import assemble
from agent.proofs import proofs
from agent.state import State
from tools.incident import NAME

_NOTHING: dict[str, Any] = {"window": {"start": None, "end": None}, "baseline": [], "chosen": "", "suspects": [], "ruled_out": [],
                            "timeline": [], "not_assessed": [], "graph": {"calls": [], "services": []}, "bursts": [], "probes": []}


def document(state: State, analyst: str, seconds: float) -> dict[str, Any]:
    """The answer of a run that weighed an incident, with its windows, suspects, timeline, graph and proposals.

    A suspect's ``evidence`` are ids of results; ``signs`` are the observations it rests on.
    """
    answer = assemble(state, analyst, seconds)
    weighed = next((result for result in state.get("results", {}).values() if result["tool"] == NAME and result.get("output")), None)
    made = weighed["output"] if weighed else _NOTHING
    suspects = reordered(made["suspects"], answer["claims"] if answer["analyst"] != "offline" else (), answer["answer"])
    return {
        **answer, "id": _id(state), "window": made["window"], "baseline": made["baseline"][0] if made["baseline"] else None,
        "baselines": made["baseline"], "windows_chosen": made["chosen"],
        "suspects": [{**one, "evidence": _evidence(one, state)} for one in suspects],
        "ruled_out": [*answer["ruled_out"], *(one for one in _excluded(made) if one["text"] not in {r["text"] for r in answer["ruled_out"]})],
        "timeline": made["timeline"], "not_assessed": list(dict.fromkeys([*made["not_assessed"], *answer["unchecked"]])),
        "graph": made["graph"], "bursts": made["bursts"], "proposals": [], "probes": made.get("probes", []),
    }


def reordered(suspects: Sequence[dict[str, Any]], claims: Sequence[Mapping[str, Any]], first: str) -> list[dict[str, Any]]:
    """The suspects in a model's order: the one its checked answer names goes first, if a checked claim about it cites more
    than the weighing itself. Without such a reason the order stays."""
    opening = first.split("\n", 1)[0]
    named = sorted((opening.find(one["entity"]["name"]), at) for at, one in enumerate(suspects) if one["entity"]["name"] in opening)
    if not named or named[0][1] == 0:
        return list(suspects)
    chosen = suspects[named[0][1]]
    reasons = [claim["text"] for claim in claims if chosen["entity"]["name"] in claim["text"] and set(claim["evidence"]) - {"E1"}]
    if not reasons:
        return list(suspects)
    rest = [one for one in suspects if one is not chosen]
    return [{**one, "rank": rank, **({"moved": reasons} if one is chosen else {})} for rank, one in enumerate([chosen, *rest], start=1)]


def _evidence(suspect: Mapping[str, Any], state: State) -> list[str]:
    """Ids of the results that show a suspect: the weighing, and what was fetched about it."""
    refs = {ref for sign in suspect["signs"] for ref in sign["refs"]}
    return list(proofs(refs, suspect["entity"]["name"], state.get("results", {})))


def _excluded(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"text": f"{one['entity']['name']}: {one['why']}", "evidence": ["E1"]} for one in made["ruled_out"]]


def _id(state: State) -> str:
    told = f"{state['question']}\n{state['now']}\n{state.get('window')}"
    return f"inv-{hashlib.sha256(told.encode()).hexdigest()[:10]}"
