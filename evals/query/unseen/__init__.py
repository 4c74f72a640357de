"""Questions over generated systems; on those in ``HELD_OUT`` the question reader was never tuned.

Each system is a seeded generator (``systems/``) whose typed records are known before they are printed; truths are
computed from those. Cases are TOML (``cases/``). The systems in ``HELD_OUT`` are for judging only: their failures
are counted, never listed, so that nobody tunes on them.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.query.cases import Case
from evals.query.expect import Expect
from evals.query.running import Outcome, measure, report
from evals.query.unseen.pile import Pile

CASES = Path(__file__).parent / "cases"
OPEN = ("syslog", "postfix", "nginx", "kubejson", "postgres", "springboot", "celery", "haproxy", "logcat", "ciscoasa",
        "logfmt", "spark", "rabbitmq", "cbs", "alb", "envoy", "slurm", "jvmgc", "payments")
"""Systems whose failures may be looked at."""
HELD_OUT: tuple[str, ...] = ("ufw", "kafka", "mysql")
"""Systems that only rates are shown of."""


def run(folder: Path, *, reveal: bool = False) -> dict[str, Any]:
    """All cases over all systems, their logs written into ``folder``; ``reveal`` lists held-out failures too."""
    begun = time.perf_counter()
    outcomes = measure((name, [write(name, folder)], load(name)) for name in OPEN + HELD_OUT)
    whole = report(outcomes, folder.name, time.perf_counter() - begun)
    held = [each for each in outcomes if each.case.system in HELD_OUT]
    whole["suite"] = "unseen"
    whole["metrics"] |= {"held_out": _rates(held)}
    if not reveal:
        whole["failures"] = [each for each in whole["failures"] if each["case"].split("/")[0] not in HELD_OUT]
    return whole


def _rates(outcomes: list[Outcome]) -> dict[str, str]:
    """Of the held-out systems: right of all, in total and per class."""
    if not outcomes:
        return {}
    part = report(outcomes, "", 0)
    right = sum(not each.complaint for each in outcomes)
    return {"total": f"{right}/{len(outcomes)}", **part["metrics"]["per_class"]}


def write(name: str, folder: Path) -> Path:
    """Print a system's log into a folder of its own; the folder."""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    texts: dict[str, list[str]] = {}
    for event in build(name):
        texts.setdefault(event.source, []).append(event.text)
    for source, records in texts.items():
        (home / source).write_text("".join(f"{text}\n" for text in records), encoding="utf-8")
    return home


def build(name: str) -> Pile:
    """A system's records; the same on every call."""
    pile: Pile = import_module(f"evals.query.unseen.systems.{name}").build()
    return pile


def entries(name: str) -> list[dict[str, Any]]:
    """A system's cases as written."""
    found: list[dict[str, Any]] = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))["case"]
    return found


def truths(name: str) -> Mapping[str, Callable[[Pile], Expect]]:
    """What computes the expected answer of each case."""
    found: Mapping[str, Callable[[Pile], Expect]] = import_module(f"evals.query.unseen.systems.{name}").TRUTHS
    return found


def load(name: str) -> list[Case]:
    """A system's cases with expected answers, placeholders filled."""
    pile, known = build(name), truths(name)
    found = import_module(f"evals.query.unseen.systems.{name}").PLACES
    places = {place: find(pile) for place, find in found.items()}
    return [_case(name, entry, known[entry["id"]](pile), places) for entry in entries(name)]


def _case(name: str, entry: dict[str, Any], expect: Expect, places: dict[str, str]) -> Case:
    asked = entry["ask"] if isinstance(entry["ask"], list) else [entry["ask"]]
    turns = tuple(turn.format(**places) for turn in asked)
    return Case(f"{name}/{entry['id']}", name, entry["class"], turns, expect, tuple(entry.get("forbid", ())))
