"""Answers and diagnoses for a terminal: the words, the data, the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from api.terminal import folding
from api.terminal.printing import printable, sparkline, table


def answer(found: dict[str, Any], *, brief: bool = False, whole: bool = False) -> None:
    """The sentence, the data, the reading, the lines. A long answer is folded unless ``whole`` is asked for."""
    out = Console(highlight=False)
    folded = folding.folds(found, brief=brief) and not whole
    out.print(f"\n[bold cyan]? {printable(found['question'])}[/]")
    out.print(f"[bold]{printable(folding.sentences(found['answer']) if folded else found['answer'])}[/]")
    _result(out, found["result"], limit=folding.ROWS if folded else 8 if brief else 40)
    query = found["query"]
    if query["operation"]:
        _aside(out, f"read as: {query['interpretation']} · confidence {found['confidence']:.2f}", cut=folded)
    if folded:
        for line in folding.evidence(found["evidence"], found["answer"]):
            _aside(out, line, cut=True)
    else:
        for at, evidence in enumerate(found["evidence"]):
            _evidence(out, evidence, found["result"]["kind"] if at == 0 else "", lines=3 if brief else 2 if at and not whole else 5)
    _beside(out, found, folded=folded)
    for note in folding.notes(found.get("notes", []))[: 0 if brief else folding.NOTES if folded else 4]:
        _aside(out, f"note: {note}", cut=folded)


def _beside(out: Console, found: dict[str, Any], *, folded: bool) -> None:
    """What was ruled out or not checked, and who answered at what cost."""
    for label, key in (("ruled out", "ruled_out"), ("not checked", "unchecked")):
        given = found[key]
        shown = given[: folding.SIDE] if folded else given
        for item in shown:
            _aside(out, f"{label}: {_said(item)}", cut=folded)
        if len(given) > len(shown):
            _aside(out, f"{label}: {len(given) - len(shown)} more ({folding.MORE})", cut=folded)
    if found.get("fallback"):
        out.print(f"[yellow]answered without a model: {printable(found['fallback'])}[/]")
    elif used := _used(found["usage"]):
        out.print(f"[dim]{used}[/]")


def _aside(out: Console, text: str, *, cut: bool) -> None:
    """A line of less weight, cut at the edge where lines are few."""
    out.print(f"[dim]{printable(text)}[/]", no_wrap=cut, overflow="ellipsis" if cut else None)


def _said(item: str | dict[str, Any]) -> str:
    """A statement with what it rests on, and of when its figures are if they are old."""
    if isinstance(item, str):
        return item
    return f"{item['text']} [{', '.join(item['evidence'])}]" + (f" ({item['figures']})" if item.get("figures") else "")


def investigation(found: dict[str, Any], *, brief: bool = False) -> None:
    """The diagnosis in words, when what began, and which results show it."""
    out = Console(highlight=False)
    out.print(f"\n[bold cyan]? {printable(found['question'])}[/]")
    first, *rest = found["answer"].split("\n")
    out.print(f"[bold]{printable(first)}[/]")
    for line in rest:
        out.print(printable(line))
    if found["analyst"] != "offline" and found["suspects"]:
        told = "; ".join(f"{one['rank']}. {one['entity']['kind']} {one['entity']['name']} ({one['cause']}) {one['score']:.2f}" for one in found["suspects"][:4])
        out.print(f"weighed without the model: {printable(told)}")
    out.print(f"[dim]{printable(found['query']['interpretation'])} · confidence {found['confidence']:.2f}[/]")
    _timeline(out, found["timeline"], most=6 if brief else 16)
    for evidence in found["evidence"]:
        _evidence(out, evidence, "", lines=1 if brief else 2)
    _proposals(out, found)
    for one in found.get("probes", ())[:2]:
        for place in one.get("places", ())[:1]:
            out.print(f"[dim]to look into the kernel, proposed only when you ask:[/] {printable(place['command'])}")
    if found.get("fallback"):
        out.print(f"[yellow]answered without a model: {printable(found['fallback'])}[/]")
    elif used := _used(found["usage"]):
        out.print(f"[dim]{used}[/]")
    for path in found.get("pictures", []):
        out.print(f"[dim]drawn: {printable(path)}[/]")


def _proposals(out: Console, found: dict[str, Any]) -> None:
    """What could be done about the cause, with its dry run; or why nothing is proposed."""
    for one in found.get("proposals", ()):
        target = one["target"]
        out.print(f"\n[bold]Proposed: {printable(one['action'])} {printable(target['kind'])} {printable(target['namespace'])}/{printable(target['name'])}[/] "
                  f"· {one['decision'].replace('_', ' ')} · risk {one['risk']:.2f}")
        for edit in one["dry_run"]:
            out.print(f"  {printable(str(edit['path']))}: {printable(str(edit['before']))} → {printable(str(edit['after']))}")
        for why in one["why"]:
            out.print(f"- {printable(why)}")
    if found.get("no_action"):
        out.print(f"\nNo action is proposed: {printable(found['no_action'])}")
    if outcome := found.get("approval_outcome"):
        out.print(printable(outcome["told"]))
    if (asked := found.get("approval")) and (outcome is None or outcome["state"] == "pending"):
        out.print(f"[bold]waits for approval:[/] oncalm approvals approve {printable(asked)}")
    elif asked and outcome and outcome["state"] in {"succeeded", "unknown"}:
        out.print(f"[bold]verify it:[/] oncalm approvals watch {printable(asked)}")


def _timeline(out: Console, entries: Sequence[dict[str, Any]], *, most: int) -> None:
    if not entries:
        return
    chosen = sorted(sorted(entries, key=lambda one: -one["strength"])[:most], key=lambda one: one["time"])
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="what began when (UTC)", title_justify="left", title_style="dim")
    for name in ("time", "entity", "what"):
        drawn.add_column(name, no_wrap=name == "time", overflow="fold")
    for one in chosen:
        drawn.add_row(one["time"][11:19], printable(one["entity"]["name"]), printable(one["statement"]))
    out.print(drawn)


def _used(use: dict[str, Any]) -> str:
    """What the answer cost, beside the day's total; empty when no model had a part in it."""
    calls = use.get("calls", [])
    stored = sum(call["stored"] for call in calls)
    parts = []
    if use["model_calls"]:
        cached = f" ({use['cached_tokens']:,} of them cached)" if use["cached_tokens"] else ""
        parts.append(f"{use['model_calls']} model calls, {use['input_tokens']:,} tokens in{cached}, {use['output_tokens']:,} out"
                     + _cost(use["cost_usd"]))
    if stored:
        parts.append(f"{stored} replies kept from before")
    day = use.get("spent", {}).get("day")
    if parts and day:
        parts.append(f"today {day['input_tokens'] + day['output_tokens']:,} tokens" + _cost(day["cost_usd"]))
    return "; ".join(parts)


def _cost(usd: float | None) -> str:
    return "" if usd is None else f", ${usd:,.4f}"


def _result(out: Console, result: dict[str, Any], *, limit: int) -> None:
    kind = result["kind"]
    if kind == "series":
        rows = result["rows"]
        out.print(f"[green]{sparkline([r[1] for r in rows])}[/]")
        if rows:
            peak = max(r[1] for r in rows)
            out.print(f"[dim]{rows[0][0]} … {rows[-1][0]}, {len(rows)} buckets, highest {peak:,}[/]")
    elif kind == "table":
        rows = result["rows"]
        out.print(table(result["columns"], rows[:limit]))
        if len(rows) > limit:
            out.print(f"[dim]… {len(rows) - limit:,} more rows (--json shows all)[/]")
    elif kind == "lines":
        for line in result["lines"][:limit]:
            _line(out, line)


def _evidence(out: Console, evidence: dict[str, Any], kind: str, *, lines: int) -> None:
    status = evidence["status"].replace("_", " ")
    out.print(f"[dim]{evidence['id']} {evidence['tool']}: {status}, {folding.seen(evidence)}[/]")
    if evidence.get("error"):
        out.print(f"[red]{printable(evidence['error'])}[/]")
    if kind != "lines":
        for line in evidence["excerpt"][:lines]:
            _line(out, line, most=0 if len(evidence["excerpt"]) > 1 else 6)


def _line(out: Console, line: dict[str, Any], *, most: int = 6) -> None:
    """One record; of one that has several lines, the first and ``most`` others."""
    first, *rest = line["text"].split("\n")
    where = f"{line['source'].rsplit('/', 1)[-1]}:{line['line_no']}"
    out.print(f"  [dim]{printable(where)}[/] {printable(first)}", soft_wrap=True)
    for more in rest[:most]:
        out.print(f"  [dim]{' ' * len(where)}[/] {printable(more)}", soft_wrap=True)
    if len(rest) > most:
        out.print(f"  [dim]{' ' * len(where)} … {len(rest) - most} more lines[/]")
