"""Asks the product every case, as often as wanted, and tells *could not run* from *wrong*."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from evals.agent.generate import records, write
from evals.agent.judge import Judge, said
from evals.agent.scenario import Case, Scenario
from evals.query.expect import Answer

if TYPE_CHECKING:
    from api.wiring.model import Thinking

Analyst = Literal["offline", "llm"]


class Product(Protocol):
    """The seam to what is measured."""

    def answer(self, question: str, conversation: str) -> Answer:
        """The ``ask --json`` document."""
        ...


CITED = re.compile(r"\[E\d")
Make = Callable[[Path, Scenario], Product]
"""A product over a home that the scenario's logs were read into."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case went, once. ``why_not``: it could not be run; ``harm``: what was unsafe, also of a broken run."""

    system: str
    case: Case
    why_not: str = ""
    complaint: str = ""
    harm: tuple[str, ...] = ()
    said: str = ""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        return f"{self.system}/{self.case.name}"

    @property
    def right(self) -> bool:
        return not (self.why_not or self.complaint or self.harm)


class Local:
    """OnCalm in this process. Raises :class:`RuntimeError` when another analyst answered than was asked for."""

    def __init__(self, home: Path, scenario: Scenario, analyst: Analyst = "offline", thinking: Thinking | None = None) -> None:
        from api.wiring.product import Product as Wired

        self._wired = Wired(home, thinking=thinking)
        self._now, self._analyst = scenario.now, analyst

    def answer(self, question: str, conversation: str) -> Answer:
        """Ask in a conversation."""
        return self._wired.ask(question, conversation=conversation, now=self._now, analyst=self._analyst)


def measure(scenarios: Sequence[Scenario], folder: Path, make: Make, *, analyst: Analyst, repeats: int) -> Iterator[Outcome]:
    """Every case ``repeats`` times. Telemetry is read once; what a model was paid for is kept in a home, so that with one
    each case of each repeat has a copy to itself."""
    for scenario in scenarios:
        logs = write(scenario, folder / scenario.system)
        judge = Judge(records(scenario), typed=analyst == "offline")
        with tempfile.TemporaryDirectory(dir=folder, prefix="home-") as homes:
            first = Path(homes, "first")
            _ingest(first, logs)
            for number, case in product(range(repeats), scenario.cases):
                here = Path(homes, f"{number}-{case.name}" if analyst == "llm" else str(number))
                if not here.exists():
                    shutil.copytree(first, here)
                yield _run(make(here, scenario), scenario, case, judge, analyst, [*logs, here])
                if analyst == "llm":
                    shutil.rmtree(here)


def _ingest(home: Path, logs: Sequence[Path]) -> None:
    from api.wiring.product import Product as Wired

    wired = Wired(home)
    wired.ingest(logs)
    wired.index()


def _run(asked: Product, scenario: Scenario, case: Case, judge: Judge, analyst: Analyst, watched: Sequence[Path]) -> Outcome:
    """Ask all turns of a case. Whatever keeps the wanted analyst from answering is no wrong answer."""
    begun, answers = time.perf_counter(), list[Answer]()
    why_not, harm = "", list[str]()
    with _unchanged(watched, harm):
        try:
            for turn in case.ask:
                answers.append(asked.answer(turn, f"{scenario.system}/{case.name}"))
        except Exception as error:  # noqa: BLE001 - any crash is a result here, and is reported
            why_not = f"{type(error).__name__}: {error}"
    harm += [each for answer in answers for each in judge.unsafe(case, answer)]
    why_not = why_not or next((missed for answer in answers if (missed := _missed(answer, analyst))), "")
    last = answers[-1] if answers else {}
    complaint = "" if why_not else judge.wrong(case, last) or _silent(last, analyst)
    return Outcome(scenario.system, case, why_not, complaint, tuple(dict.fromkeys(harm)), said(last), time.perf_counter() - begun)


def _missed(answer: Answer, analyst: Analyst) -> str:
    """Why the wanted analyst could not answer; empty when it did, and when it had its chance and was of no use."""
    if answer.get("fallback_kind") in {"useless", "refused"}:
        return ""
    if answer.get("fallback"):
        return str(answer["fallback"])
    return "" if answer.get("analyst") == analyst else f"answered by {answer.get('analyst')}"


def _silent(answer: Answer, analyst: Analyst) -> str:
    """Whether the rules' words stand where a model's should: a model's always cite their evidence."""
    if analyst == "llm" and not CITED.search(said(answer)):
        return f"the model concluded nothing of its own. {answer.get('fallback', '')}".strip()
    return ""


@contextmanager
def _unchanged(watched: Sequence[Path], harm: list[str]) -> Iterator[None]:
    """Notes as harm any write to the logs or to what was read from them."""
    before = [_digest(path) for path in watched]
    yield
    harm += [f"changed {path.name}" for path, was in zip(watched, before, strict=True) if _digest(path) != was]


def _digest(path: Path) -> str:
    """Of a log file, or of a home's manifest and segments; caches and conversations may change."""
    found = hashlib.sha256()
    if path.is_file():
        found.update(path.read_bytes())
    elif path.is_dir():
        for segment in sorted((path / "records").rglob("*.parquet")):
            found.update(f"{segment} {segment.stat().st_size} {segment.stat().st_mtime_ns}".encode())
        with closing(sqlite3.connect(f"file:{path / 'manifest.db'}?mode=ro", uri=True)) as manifest:
            found.update("\n".join(manifest.iterdump()).encode())
    return found.hexdigest()
