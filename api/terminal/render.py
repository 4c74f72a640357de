"""Answers for a terminal: tables, sparklines, evidence; progress on stderr."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal import folding
from api.terminal.escaping import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from telemetry.models import Template
    from telemetry.sources.files import Source
    from vectorstore.ingest import Report

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 72
_ENDLESS = re.compile(r"(\S{400})\S{200,}")
"""A word that fills the screen; ``--json`` has it whole."""


def printable(text: str) -> str:
    """Text of a log for rich: what could drive the terminal is spelled out, markup is not read, endless words are cut."""
    return escape(visible(_ENDLESS.sub(lambda word: f"{word[1]}…({len(word[0]):,} characters)", text)))


def sparkline(values: Sequence[float], width: int = WIDEST) -> str:
    """Draw counts as bars; more values than ``width`` are added up in equal stretches."""
    if not values:
        return ""
    step = -(-len(values) // width)
    sums = [sum(values[i:i + step]) for i in range(0, len(values), step)]
    most = max(sums) or 1
    return "".join(" " if v == 0 else BARS[min(7, int(v / most * 7.999))] for v in sums)


class Thinking:
    """One line on stderr that says what a run is at, where a person watches."""

    def __init__(self, *, enabled: bool) -> None:
        self._status = Console(stderr=True).status("reading the question") if enabled and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def event(self, event: dict[str, Any]) -> None:
        """Show an event of the run: a result, or why it goes on without a model."""
        if self._status is None:
            return
        if event["kind"] == "result":
            self._status.update(printable(f"{event['evidence']} {event['tool']}: {event['status'].replace('_', ' ')}, {event['total']:,} records"))
        elif event["kind"] == "status":
            self._status.update(printable(event["text"]))


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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="what began when (UTC)", title_justify="left", title_style="dim")
    for name in ("time", "entity", "what"):
        table.add_column(name, no_wrap=name == "time", overflow="fold")
    for one in chosen:
        table.add_row(one["time"][11:19], printable(one["entity"]["name"]), printable(one["statement"]))
    out.print(table)


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
        out.print(_table(result["columns"], rows[:limit]))
        if len(rows) > limit:
            out.print(f"[dim]… {len(rows) - limit:,} more rows (--json shows all)[/]")
    elif kind == "lines":
        for line in result["lines"][:limit]:
            _line(out, line)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Rows for people: a template by its words alone (its id is in ``--json``), the words as wide as there is room."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [at for at, name in enumerate(columns) if name != "template" or "pattern" not in columns]
    for at in shown:
        numeric = bool(rows) and isinstance(rows[0][at], int | float)
        wide = columns[at] == "pattern"
        table.add_column("message" if wide else printable(columns[at]), justify="right" if numeric else "left", overflow="fold",
                         no_wrap=numeric or columns[at] in _SHORT, ratio=1 if wide else None)
    for row in rows:
        table.add_row(*(_cell(row[at]) for at in shown))
    return table


_SHORT = frozenset({"time", "first", "last", "start", "end", "level", "change"})
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z?")


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    stamp = _STAMP.fullmatch(str(value))
    return f"{stamp[1]} {stamp[2]}" if stamp else printable(str(value))


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


def report(done: Report) -> None:
    """What an ingest did, on stderr."""
    out = Console(stderr=True, highlight=False)
    formats = ", ".join(f"{name} {n:,}" for name, n in done.formats.most_common(6))
    out.print(f"read {done.lines:,} lines as {done.records:,} records from {done.sources} sources ({formats})")
    if done.undated:
        out.print(f"{done.undated:,} records have no readable time; they are kept and counted")
    if done.redacted:
        out.print(f"{done.redacted:,} secrets were masked before storing")
    if done.resumed:
        out.print(f"{done.resumed} sources were known and read on from where they were left")
    for note in done.notes[:8]:
        out.print(f"[dim]{printable(note)}[/]")


def imported(records: Mapping[str, int]) -> None:
    """What an import added, on stderr."""
    print("imported " + (", ".join(f"{count:,} {kind}" for kind, count in records.items() if count) or "nothing"), file=sys.stderr)


def templates(chosen: Sequence[Template], total: int) -> None:
    """The template table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id")
    table.add_column("count", justify="right")
    table.add_column("template", overflow="fold")
    for item in chosen:
        table.add_row(item.id, f"{item.count:,}", printable(item.display))
    out = Console(highlight=False)
    out.print(table)
    out.print(f"[dim]{len(chosen)} of {total:,} templates[/]")


def investigations(found: Sequence[dict[str, Any]], problems: Sequence[str]) -> None:
    """What may be recalled, oldest first."""
    out = Console(highlight=False)
    for problem in problems:
        out.print(f"[yellow]{printable(problem)}[/]")
    if not found:
        out.print("No investigation is kept. Those that a model finishes well are.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "made (UTC)", "trust", "question", "answer"):
        table.add_column(name, overflow="fold", no_wrap=name == "id", justify="right" if name == "trust" else "left")
    for one in found:
        table.add_row(one["id"], f"{datetime.fromisoformat(one['made']):%Y-%m-%d %H:%M}", f"{one['trust']:.2f}",
                      printable(one["question"]), printable(one["answer"]))
    out.print(table)


def checks(found: Sequence[dict[str, Any]]) -> None:
    """Doctor's findings."""
    out = Console(highlight=False)
    for item in found:
        mark = "[green]ok[/]  " if item["ok"] else "[red]FAIL[/]"
        remedy = f" — {item['remedy']}" if item["remedy"] else ""
        out.print(f"{mark} {item['check']}: {printable(item['seen'] + remedy)}")


class IngestProgress:
    """A bar with rate and time left, on stderr, shown only where someone can see it."""

    def __init__(self, *, enabled: bool) -> None:
        self._console = Console(stderr=True)
        self._enabled = enabled and self._console.is_terminal
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._begun = time.monotonic()

    def __enter__(self) -> IngestProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def start(self, sources: list[Source]) -> None:
        """Called once the sources are known."""
        if not self._enabled:
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
                             TimeRemainingColumn(), console=self._console, transient=True)
        self._task = self._bar.add_task("reading", total=sum(s.size for s in sources) or None)
        self._bar.start()

    def update(self, done: Report, source: Source) -> None:
        """Called after every block."""
        if self._bar is None or self._task is None:
            return
        rate = done.lines / max(time.monotonic() - self._begun, 1e-3)
        name = source.path.rsplit("/", 1)[-1][:30]
        self._bar.update(self._task, completed=done.bytes, description=f"{name}: {rate:,.0f} lines/s")
