"""The cluster on the command line: ``oncalm cluster diagnose``, and what ``oncalm doctor`` says of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from api.terminal.escaping import json_line
from api.terminal.printing import printable
from tools.result import NotAssessed

if TYPE_CHECKING:
    from telemetry.records import Change
    from telemetry.sources.kubernetes.configuration import Access
    from telemetry.sources.protocols import Answer

DONE, FAILED, NOTHING = 0, 1, 3
_SHOWN = 10
_KINDS = 12


def diagnose(access: Access, namespace: str | None, symptom: str, *, as_json: bool) -> int:
    """Print what is wrong, the likeliest cause first. 3: nothing; 1: the cluster could not be asked."""
    from tools.cluster.asking import Asking, clock
    from tools.cluster.diagnosis import diagnosed
    from tools.cluster.tools import open_cluster

    with closing(open_cluster(access)) as cluster:
        try:
            found = diagnosed(Asking(cluster, clock), namespace or "", symptom).document()
        except NotAssessed as error:
            found = {"findings": [], "not_assessed": {"cluster": str(error)}, "searched": 0, "looked_at": {}, "notes": []}
    status = "not_assessed" if not found["looked_at"] else "found" if found["findings"] else "nothing_found"
    document = {"namespace": namespace, "status": status, **found}
    if as_json:
        print(json_line(document))
    else:
        _shown(document)
    return {"found": DONE, "nothing_found": NOTHING}.get(status, FAILED)


def changes(access: Access, namespace: str | None, home: Path | None, *, as_json: bool) -> int:
    """Print the cluster's changes, oldest first, and keep them in ``home`` when one is given."""
    from telemetry.sources.kubernetes.history import read_changes
    from tools.cluster.tools import open_cluster

    with closing(open_cluster(access)) as cluster:
        answer = read_changes(cluster, namespace or "")
    if home is not None and answer.records:
        from telemetry.store.beyond import RecordWriter

        with RecordWriter(home) as writer:
            writer.add_changes(list(answer.records))
            writer.commit()
    if as_json:
        print(json_line({"status": answer.status, "reason": answer.reason, "remedy": answer.remedy, "changes": [asdict(one) for one in answer.records],
                         "kept": home is not None, "notes": list(answer.notes)}))
    else:
        _listed(answer)
    if answer.status in {"failed", "not_assessed"}:
        return FAILED
    return DONE if answer.records else NOTHING


def _listed(answer: Answer[Change]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    for one in answer.records:
        when = datetime.fromtimestamp(one.time / 1_000_000, UTC)
        by = f" [dim]by {printable(one.actor)}[/]" if one.actor else ""
        out.print(f"{when:%Y-%m-%d %H:%M:%SZ} {printable(f'{one.namespace}: ' if one.namespace else '')}{printable(one.title)}{by}")
    if not answer.records and answer.status == "complete":
        out.print("nothing was rolled out, scaled, configured or cordoned, as far as objects tell")
    if answer.reason:
        out.print(f"[yellow]{printable(answer.status.replace('_', ' '))}[/]: {printable(answer.reason)}{printable(f' — {answer.remedy}' if answer.remedy else '')}")
    for note in answer.notes:
        out.print(f"[dim]{printable(note)}[/]")


def _shown(document: dict[str, Any]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    findings = document["findings"]
    if document["status"] == "not_assessed":
        out.print(f"[red]not assessed[/]: {printable('; '.join(document['not_assessed'].values()))}")
        return
    looked = ", ".join(f"{count} {kind}" for kind, count in list(document["looked_at"].items())[:_KINDS])
    if not findings:
        out.print(f"nothing found: no rule finds anything wrong in {printable(looked)}")
    for one in findings[:_SHOWN]:
        _finding(out, one)
    if len(findings) > _SHOWN:
        out.print(f"and {len(findings) - _SHOWN} weaker findings (--json has all)")
    if findings:
        out.print(f"[dim]looked at {printable(looked)}[/]")
    for kind, why in document["not_assessed"].items():
        out.print(f"[yellow]not assessed[/] {printable(f'{kind}: {why}')}")
    for note in document["notes"]:
        out.print(f"[dim]{printable(note)}[/]")


def _finding(out: Console, one: dict[str, Any]) -> None:
    where = f" in {one['namespace']}" if one["namespace"] else ""
    out.print(f"[bold]{one['rank']}. {printable(_named(one['entity']) + where)}[/] — {printable(one['cause'])} (strength {one['strength']})")
    out.print(f"   {printable(one['statement'])}")
    if one["consequence_of"]:
        out.print(f"   a consequence of {printable(_named(one['consequence_of']))}")
    if one["explains"]:
        out.print(f"   explains {printable(', '.join(map(_named, one['explains'])))}")
    out.print(f"   [dim]would be refuted by: {printable(one['refute'])}[/]")


def _named(entity: dict[str, str]) -> str:
    return f"{entity['kind']} {entity['name']}"
