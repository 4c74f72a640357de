"""How well root causes are found, on public incidents: the right service among the first, with no model.

DIR is a folder laid out like one of the sets; which one is told by its files. The code under test gets telemetry, when
the alert came and what it named; labels stay here.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evals.rca.cases import Case, Truth, detect
from evals.rca.loaders import LOADERS
from evals.rca.peer import ranked as peer
from signals.diagnosis import Diagnosis
from signals.observed import Entity
from signals.suspects import rank

WORST = 99
"""Rank of an answer that is not among the suspects."""


def run(folder: Path, report: Path | None = None) -> dict[str, Any]:
    """Every case of ``folder``; ``report`` is a Markdown file to write, with its plots beside it."""
    begun = time.perf_counter()
    loader = detect(folder, LOADERS)
    cases, problems = loader.cases(folder)
    outcomes, unread = [], list(problems)
    for case in cases:
        try:
            outcomes.append(_outcome(case))
        except (OSError, ValueError, KeyError) as error:
            unread.append(f"{case.id}: {error!r}")
    found: dict[str, Any] = {
        "suite": "rca", "data": loader.name, "cases": len(outcomes), "could_not_run": len(unread),
        "metrics": metrics([(o["truth"], o["rank"]) for o in outcomes]) | _places(outcomes) | {
            "seconds_per_case": round(sum(o["seconds"] for o in outcomes) / max(len(outcomes), 1), 3)},
        "baseline": metrics([(o["truth"], o["peer"]) for o in outcomes]), "seconds": round(time.perf_counter() - begun, 1),
        "failures": [*({"case": u, "wrong": "could not run"} for u in unread), *(_failure(o) for o in outcomes if o["rank"] > 1)],
    }
    if report is not None:
        from evals.rca.report import write

        write(report, found, outcomes)
    return found


def _outcome(case: Case) -> dict[str, Any]:
    observed = case.observe()
    begun = time.perf_counter()
    found = rank(observed, at=case.at, windows=case.windows, symptom=case.symptom, aspect=case.aspect)
    seconds = time.perf_counter() - begun
    return {"case": case.id, "truth": case.truth, "rank": place(found, case.truth), "seconds": seconds, "found": found,
            "peer": _place(peer(observed, found.windows), case.truth),
            "position": _position(found, case.truth) if case.truth.positions else None}


def place(found: Diagnosis, truth: Truth) -> int:
    """Rank of the right answer among the suspects, 1 best."""
    return _place([suspect.entity for suspect in found.suspects], truth)


def _place(entities: Iterable[Entity], truth: Truth) -> int:
    return next((at for at, entity in enumerate(entities, start=1) if entity.name in truth.names), WORST)


def _position(found: Diagnosis, truth: Truth) -> int:
    """Rank of the right code position among those of all suspects."""
    positions = [position for suspect in found.suspects for position in suspect.positions]
    return next((at for at, name in enumerate(positions, start=1) if name in truth.positions), WORST)


def metrics(ranks: Sequence[tuple[Truth, int]]) -> dict[str, Any]:
    """``as1``, ``as3``, ``as5`` (share of cases with the answer among the first k) and ``avg5``; also by fault and group."""
    found: dict[str, Any] = _shares([at for _, at in ranks])
    for name, key in (("per_fault", "fault"), ("per_group", "group")):
        parts: dict[str, list[int]] = defaultdict(list)
        for truth, at in ranks:
            if getattr(truth, key):
                parts[getattr(truth, key)].append(at)
        if parts:
            found[name] = {part: _shares(places) | {"cases": len(places)} for part, places in sorted(parts.items())}
    return found


def _shares(ranks: Sequence[int]) -> dict[str, float]:
    def within(most: int) -> float:
        return sum(at <= most for at in ranks) / max(len(ranks), 1)

    return {"as1": round(within(1), 4), "as3": round(within(3), 4), "as5": round(within(5), 4),
            "avg5": round(sum(map(within, range(1, 6))) / 5, 4)}


def _places(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How often the code position was right, where the set knows it."""
    known = [o["position"] for o in outcomes if o["position"] is not None]
    return {f"position_as{most}": round(sum(at <= most for at in known) / len(known), 4) for most in (1, 3)} if known else {}


def _failure(outcome: dict[str, Any]) -> dict[str, Any]:
    found: Diagnosis = outcome["found"]
    first = [f"{s.entity.name} ({s.cause}, {s.score:.2f}): {s.statement}" for s in found.suspects[:4]]
    return {"case": outcome["case"], "wanted": f"{', '.join(sorted(outcome['truth'].names))} ({outcome['truth'].fault})",
            "rank": outcome["rank"], "found": "\n          ".join(first) or "nobody"}
