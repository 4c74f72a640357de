"""Pairs of questions that look alike and are not the same: what was answered for one must not answer the other."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent.scripted.server import ScriptedServer
from api.wiring.product import Product
from evals.cost.model import investigator
from evals.cost.storm import thinking

NOW = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
"""When every question is asked; the log ends just before."""


class Pair(BaseModel):
    """``first`` is asked, and again; then ``second``, which must be thought about anew. ``why`` says what differs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    first: str
    second: str
    why: str
    environments: tuple[str, str] = ("", "")
    """Of the two, where that is what differs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``reused``: the first question asked again took no model call. ``wrong``: the second one took none either.

    ``ran`` is False when the model did not answer one of them, so that the pair shows nothing.
    """

    pair: Pair
    ran: bool
    reused: bool
    wrong: bool


def pairs() -> list[Pair]:
    """Those that ship with the suite."""
    return [Pair.model_validate(one) for one in json.loads(Path(__file__).with_name("pairs.json").read_text())]


def outcomes(folder: Path) -> Iterator[Outcome]:
    """Ask every pair over one store, each beginning with empty caches."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gateway.log").write_text("".join(_lines()))
    store = Product(folder / "home")
    store.ingest([folder / "gateway.log"])
    store.index()
    with ScriptedServer(investigator) as server:
        for pair in pairs():
            shutil.rmtree(folder / "home" / "cache", ignore_errors=True)
            asked = ((pair.first, 0), (pair.first, 0), (pair.second, 1))
            first, again, second = (
                Product(store.home, thinking=thinking(server, environment=pair.environments[at])).ask(question, now=NOW)
                for question, at in asked
            )
            ran = all(answer["analyst"] == "llm" for answer in (first, again, second))
            yield Outcome(pair, ran, reused=not _thought(again), wrong=not _thought(second) or bool(second.get("recall")))


def _thought(answer: dict[str, Any]) -> bool:
    """Whether a model was asked, at least once, for this answer, and for its first step."""
    calls = answer["usage"].get("calls", [])
    return answer["usage"]["model_calls"] > 0 and not calls[0]["stored"]


def _lines() -> Iterator[str]:
    """A day of a gateway's log: two environments, services, users and hosts with names that look alike."""
    chance = random.Random(3)
    at = NOW - timedelta(hours=27)
    while at < NOW:
        env = chance.choice(("production", "production", "staging"))
        service = chance.choice(("payments", "payments-v2", "cart"))
        status = chance.choice((200, 200, 200, 200, 500, 502, 503))
        level, said = ("error", chance.choice(("payment failed: timeout", "request failed: upstream reset"))) if status >= 500 \
            else ("warn", "slow request served") if chance.random() < 0.1 else ("info", "request served")
        yield (f'time={at:%Y-%m-%dT%H:%M:%SZ} level={level} service={service} env={env} host=db-{chance.choice((1, 2, 10))} '
               f'user={chance.choice(("ann", "anna", "bob"))} tenant={chance.choice(("acme", "acme-eu"))} '
               f'ip=10.0.0.{chance.choice((1, 10, 100))} order={chance.choice((4711, 4712, 4713))} '
               f'status={status} took={chance.randrange(20, 3000)}ms msg="{said}"\n')
        at += timedelta(seconds=chance.randrange(60, 140))
