"""Changes on record: deploys, settings, scaling and flags, near a moment or within a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import Field

from telemetry.models import Found, Result, Window
from telemetry.records import Change
from tools.incident import iso
from tools.log_inputs import Span
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome

COLUMNS = ["time", "kind", "title", "service", "actor", "before", "version", "id", "source"]


class ChangesInput(Span):
    """Which changes."""

    service: str | None = Field(default=None, description="Exact service name; null: any")
    limit: int = Field(default=20, ge=1, le=200, description="1 to 200, newest first; null: 20")


Changes = Callable[[Window], Sequence[Change]]


def change_tools(changes: Changes) -> Registry:
    """``changes.list`` over what ``changes`` gives for a window. With no change on record at all it is not assessed."""

    def listed(given: ChangesInput) -> Outcome:
        held = changes(given.window())
        if not held and not changes(Window()):
            raise NotAssessed("no change was ever recorded here, so none can be excluded", where="changes",
                              remedy="feed them: oncalm import changes.json, or oncalm import --git REPO")
        chosen = [one for one in held if not given.service or one.service == given.service]
        newest = sorted(chosen, key=lambda one: -one.time)[: given.limit]
        rows = [[iso(one.time), one.kind, one.title, one.service, one.actor, one.before, one.version, one.id, one.source] for one in newest]
        result = Result(kind="table", columns=COLUMNS, rows=list(rows)) if rows else Result(kind="none")
        found = Found(result=result, total=len(chosen), searched=len(held), window=given.window(), excerpt=[])
        return Outcome(found, query=given.model_dump(mode="json"), reason=None if chosen else "no change is on record in this window")

    return Registry([Tool(
        "changes.list", "Deploys, settings, scaling and flags on record, newest first. Use it to see what was changed before a symptom began.",
        "read", ChangesInput, listed, timeout=30.0, freshness="closed_window", tags=("changes",),
    )])
