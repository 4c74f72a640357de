"""Asking the product every case and counting what was right, per class and per system."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from evals.query.cases import Case
from evals.query.expect import Answer

LATER = datetime(2031, 5, 17, 10, 30, tzinfo=UTC)
"""When the questions are asked: long after any of the logs, so that "last 2 hours" means the logs' own."""


class Product(Protocol):
    """The seam to what is measured: read files once, then answer questions."""

    def ingest(self, paths: Sequence[Path]) -> None:
        """Read logs."""
        ...

    def answer(self, question: str, conversation: str) -> Answer:
        """The ``ask --json`` document."""
        ...


class Local:
    """OnCalm in this process, over a home folder of its own."""

    def __init__(self, home: Path) -> None:
        from api.wiring.product import Product as Wired

        self._wired = Wired(home)

    def ingest(self, paths: Sequence[Path]) -> None:
        """Read logs and index their templates."""
        self._wired.ingest(list(paths))
        self._wired.index()

    def answer(self, question: str, conversation: str) -> Answer:
        """Ask in a conversation."""
        return self._wired.ask(question, conversation=conversation, now=LATER)


@dataclass(frozen=True)
class Outcome:
    """How one case went."""

    case: Case
    complaint: str
    ran: bool
    seconds: float
    said: str


def run_cases(product: Product, cases: Iterable[Case]) -> list[Outcome]:
    """Ask all turns of every case; a crash is a case that could not run, and counts as wrong."""
    return [_run(product, case) for case in cases]


def _run(product: Product, case: Case) -> Outcome:
    begun, answer = time.perf_counter(), {}
    try:
        for turn in case.turns:
            answer = product.answer(turn, case.id)
    except Exception as error:  # noqa: BLE001 - any crash of the product is a result here, and is reported
        return Outcome(case, f"{type(error).__name__}: {error}", ran=False, seconds=time.perf_counter() - begun, said="")
    seconds = time.perf_counter() - begun
    return Outcome(case, case.wrong(answer), ran=True, seconds=seconds, said=str(answer.get("answer", "")))


def measure(
    systems: Iterable[tuple[str, Sequence[Path], list[Case]]], make: Callable[[Path], Product] = Local
) -> list[Outcome]:
    """Each system in a home of its own, asked its cases."""
    outcomes: list[Outcome] = []
    for _, paths, cases in systems:
        with tempfile.TemporaryDirectory() as folder:
            product = make(Path(folder))
            product.ingest(paths)
            outcomes += run_cases(product, cases)
    return outcomes


def report(outcomes: Sequence[Outcome], data: str, seconds: float) -> dict[str, Any]:
    """The contract of ``python -m evals query --json``."""
    wrong = [outcome for outcome in outcomes if outcome.complaint]
    return {
        "suite": "query", "data": data, "cases": len(outcomes),
        "could_not_run": sum(not outcome.ran for outcome in outcomes),
        "metrics": {
            "exact": 1 - len(wrong) / len(outcomes) if outcomes else 0.0,
            "per_class": _rates(outcomes, lambda outcome: outcome.case.group),
            "per_system": _rates(outcomes, lambda outcome: outcome.case.system),
        },
        "baseline": {},
        "seconds": round(seconds, 1),
        "failures": [
            {"case": each.case.id, "class": each.case.group, "asked": list(each.case.turns),
             "wrong": each.complaint, "answer": each.said[:300]}
            for each in wrong
        ],
    }


def _rates(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> dict[str, str]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        groups[key(outcome)].append(not outcome.complaint)
    return {name: f"{sum(right)}/{len(right)}" for name, right in sorted(groups.items())}
