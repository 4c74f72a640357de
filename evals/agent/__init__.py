"""Scenarios for the whole agent: invented systems, questions an engineer asks, and what an answer must never do.

Cases are YAML (``cases/``, described by ``scenario``). The telemetry is written by ``generate``; expected values are
counted from the generated records by ``truth``. Nothing of OnCalm is used for either, and no OnCalm output is copied.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.agent import recorded
from evals.agent.generate import records
from evals.agent.judge import Judge
from evals.agent.keywords import NAME, Keywords
from evals.agent.report import complaints, failures, metrics, verdicts
from evals.agent.running import Analyst, Local, Outcome, measure
from evals.agent.scenario import Scenario, Tools, load_all

if TYPE_CHECKING:
    from api.wiring.model import Thinking


def run(
    folder: Path, *, analyst: Analyst = "offline", repeats: int = 1, case: str | None = None, record: bool = False,
    baseline: Path = recorded.PATH,
) -> dict[str, Any]:
    """All cases, or the one named ``case`` or ``SYSTEM/CASE``. Raises :class:`ValueError` for what cannot be asked for."""
    begun = time.perf_counter()
    if record and (case or analyst != "offline"):
        raise ValueError("--record-baseline is for a whole offline run")
    thinking = _thinking() if analyst == "llm" else None
    scenarios = chosen(load_all(), case)
    outcomes = measure(scenarios, folder, lambda home, one: Local(home, one, analyst, thinking), analyst=analyst, repeats=repeats)
    found = verdicts(outcomes)
    if record:
        recorded.record(complaints(found), baseline)
    plain = metrics(verdicts(_plain(scenarios)))
    return {
        "suite": "agent", "data": f"{len(scenarios)} invented systems, {analyst} analyst, {repeats} repeats",
        "cases": len(found), "could_not_run": sum(not each.ran for each in found), "metrics": metrics(found),
        "baseline": {"name": NAME, **{name: plain[name] for name in ("right", "unsafe", "per_class", "per_trait")},
                     "recorded": recorded.compare(complaints(found), recorded.read(baseline))},
        "seconds": round(time.perf_counter() - begun, 1), "failures": failures(found),
    }


def chosen(scenarios: Sequence[Scenario], case: str | None) -> list[Scenario]:
    """Scenarios with the cases of that name only. Raises :class:`ValueError` when there is none."""
    if case is None:
        return list(scenarios)
    system, _, name = case.rpartition("/")
    kept = [
        one.model_copy(update={"cases": cases}) for one in scenarios if system in {"", one.system}
        if (cases := [each for each in one.cases if each.name == name])
    ]
    if not kept:
        raise ValueError(f"there is no case {case!r}")
    return kept


def _plain(scenarios: Sequence[Scenario]) -> Iterator[Outcome]:
    """The baseline's outcomes; it has no tools, and its words count as much as its data."""
    for scenario in scenarios:
        held = records(scenario)
        answering = Keywords(held)
        judge = Judge(held, typed=False)
        for case in scenario.cases:
            bare = case.model_copy(update={"tools": Tools()})
            answer = answering.answer(case.ask[-1], case.name)
            yield Outcome(scenario.system, case, "", judge.wrong(bare, answer), tuple(judge.unsafe(bare, answer)), answer["answer"])


def _thinking() -> Thinking:
    from api.settings import Settings

    found = Settings().thinking()
    if found is None:
        raise ValueError("no model is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own")
    return found
