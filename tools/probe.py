"""``probe.propose`` and ``probe.results``: ask people for a look into the kernel, and read what such looks told.

Proposing attaches nothing: it resolves the target, predicts the price and asks for an approval, which people give
elsewhere. Nothing here can give one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from ebpf.catalog import CATALOG
from tools.actions.probes import ProbeParams, read_result, results
from tools.registry import Registry, Tool
from tools.result import Outcome, Output, Passage, Passages

_SESSIONS = 5
_CALLS = 8
_KNOWN = "; ".join(f"{entry.name}: {entry.tells}" for entry in CATALOG.values())


class Meaning(BaseModel):
    """One outcome."""

    seen: str = Field(min_length=1, max_length=300)
    means: str = Field(min_length=1, max_length=300)


class ProposeInput(ProbeParams):
    """Which probe, where, and what its outcomes would mean."""

    node: str = Field(min_length=1, max_length=253, description="The node, by its name")
    why: str = Field(min_length=1, max_length=500, description="Which suspects it would separate")
    outcomes: list[Meaning] = Field(min_length=2, max_length=6, description="What may be seen, and what each would mean")


class ResultsInput(BaseModel):
    """Which sessions."""

    session: str | None = Field(default=None, max_length=64, description="How a session's name begins; null: the newest")


Propose = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]
"""Node, parameters and reason; ``approval`` (None when refused), ``decision``, ``why``, ``price``, ``target``."""


def probe_tools(folder: Path, propose: Propose | None) -> Registry:
    """Both tools; without ``propose`` the reading one alone. ``folder`` holds the sessions of a home."""
    tools: list[Tool[Any]] = [Tool(
        "probe.results", "Read what eBPF probes saw: requests with status and latency, statements, connects, waits. Use it when a probe was run "
        "for this incident.", "read", ResultsInput, lambda given: _read(folder, given), output=Passages, freshness="live", tags=("probe",))]
    if propose is not None:
        tools.append(Tool(
            "probe.propose", f"Ask people to approve a bounded eBPF probe that would tell suspects apart when logs, traces and metrics do not. Nothing "
            f"is attached by this call. Probes: {_KNOWN}.", "probe", ProposeInput, lambda given: _propose(propose, given), output=Passages,
            freshness="never", tags=("probe",)))
    return Registry(tools)


def _propose(propose: Propose, given: ProposeInput) -> Output:
    told = given.model_dump(mode="json", exclude_none=True, exclude={"node", "why", "outcomes"})
    meant = "; ".join(f"if {one.seen}: {one.means}" for one in given.outcomes)
    asked = propose(given.node, told, f"{given.why}; {meant}")
    approval = asked.get("approval")
    words = (f"Asked for approval {approval}: {given.probe} on {asked['target']}, {asked['price']}. It is NOT attached until a person approves it."
             if approval else f"NOT asked, NOT attached: {asked['why']}")
    return _passages([Passage(title="what was asked", text=words, source=f"approval {approval}" if approval else "policy"), Passage(title="what it would mean", text=meant)])


def _read(folder: Path, given: ResultsInput) -> Outcome | Output:
    found = [path for path in results(folder) if path.stem.startswith(given.session or "")][:_SESSIONS if given.session is None else 1]
    if not found:
        return Outcome(_passages([]), query=given.model_dump(), reason="no probe has told anything" + (f" of {given.session}" if given.session else ""))
    return _passages([one for path in found for one in _told(path)])


def _told(path: Path) -> list[Passage]:
    from ebpf.telling import told_of

    return [Passage(title=f"probe {path.stem}", text=line.strip(), source=str(path.name)) for line in told_of(read_result(path), _CALLS)]


def _passages(found: list[Passage]) -> Passages:
    return Passages(total=len(found), searched=len(found), passages=found)
