"""Run a set's cases through the product's own ranking and through the peer, and count."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.rca import baseline
from evals.rca.cases import Case, Loader, detect
from evals.rca.leave_out import left_out, ranks
from evals.rca.loaders import LOADERS
from evals.rca.perturb import PERTURBATIONS
from evals.rca.scoring import Outcome, brier, figures, inner, place, tables
from signals.diagnosis import Diagnosis
from signals.suspects import rank
from telemetry.errors import OnCalmError


def run(folder: Path, *, robust: bool | None = None, leave_out: bool | None = None, report: Path | None = None) -> dict[str, Any]:
    """Score one set; ``robust`` also perturbs it, ``leave_out`` also leaves each fault type out, ``report`` writes a page."""
    began = time.perf_counter()
    home, loader = _home(folder)
    cases, missing = loader.cases(home)
    outcomes, failed = _outcomes(cases)
    ours = tables(outcomes) | {"brier": brier(outcomes), "seconds_per_case": _mean([o.seconds for o in outcomes])}
    if positions := inner(outcomes):
        ours["inner"] = positions
    if robust:
        ours["robustness"] = robustness(cases, outcomes)
    if leave_out:
        readable = {outcome.id for outcome in outcomes}
        chosen = [case for case in cases if case.id in readable]
        ours["left_out"] = left_out(ranks(chosen), [case.truth.fault for case in chosen])
    result: dict[str, Any] = {
        "suite": "rca", "data": loader.name, "cases": len(outcomes), "could_not_run": len(missing) + len(failed),
        "why_not": [*missing, *failed], "metrics": ours,
        "baseline": {"name": "BARO's RobustScorer over raw series", **tables(outcomes, peer=True)},
        "failures": [_wrong(outcome) for outcome in outcomes if outcome.place != 1],
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip
    if report is not None:
        from evals.rca.report import write

        write(report, result, outcomes)
    return result


def diagnose(case: Case) -> Diagnosis:
    """What the product says of one case, given no more than the on-caller has."""
    return rank(case.observe(), at=case.at, windows=case.windows, symptom=case.symptom, aspect=case.aspect)


def robustness(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """The figures under each perturbation, and in how many cases the right one stays first (or stays not first)."""
    places = {outcome.id: outcome.place for outcome in outcomes}
    found = {}
    for name, perturb in PERTURBATIONS.items():
        ranked = []
        for case in (case for case in cases if case.id in places):
            changed = perturb(case.observe(), case)
            said = rank(changed.observed, at=case.at, windows=case.windows, symptom=changed.symptom, aspect=case.aspect)
            ranked.append((places[case.id], place([s.entity.name for s in said.suspects], changed.truth)))
        stays = sum((a == 1) == (b == 1) for a, b in ranked) / max(1, len(ranked))
        found[name] = figures([b for _, b in ranked]) | {"stays": round(stays, 4)}
    return found


def _home(folder: Path) -> tuple[Path, Loader]:
    """The folder itself, or the only one inside it that an archive unpacks into."""
    try:
        return folder, detect(folder, LOADERS)
    except ValueError:
        inner = [path for path in sorted(folder.iterdir()) if path.is_dir()]
        if len(inner) != 1:
            raise
        return inner[0], detect(inner[0], LOADERS)


def _outcomes(cases: Sequence[Case]) -> tuple[list[Outcome], list[str]]:
    """A case whose telemetry cannot be read could not run; it is not wrong."""
    found, failed = [], []
    for case in cases:
        try:
            observed = case.observe()
        except (OSError, ValueError, KeyError, IndexError, OnCalmError) as error:
            failed.append(f"{case.id}: {error!r}")
            continue
        began = time.process_time()
        said = rank(observed, at=case.at, windows=case.windows, symptom=case.symptom, aspect=case.aspect)
        seconds = time.process_time() - began
        first = said.suspects[0] if said.suspects else None
        found.append(Outcome(
            case.id, case.truth, place([s.entity.name for s in said.suspects], case.truth),
            place(baseline.rank(observed, said.windows), case.truth), first.entity.name if first else "none found",
            first.score if first else 0.0, seconds, first.statement if first else "",
            next((n for n, each in enumerate(first.positions if first else (), start=1) if each in case.truth.positions), 0),
        ))  # fmt: skip
    return found, failed


def _wrong(outcome: Outcome) -> dict[str, object]:
    return {"case": outcome.id, "fault": outcome.truth.fault, "expected": sorted(outcome.truth.names), "first": outcome.first,
            "place": outcome.place, "because": outcome.statement}  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / max(1, len(values)), 4)
