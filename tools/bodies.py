"""What stands below the header of a rendered result: templates first, examples next, then rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from telemetry.models import Found, Line, Result
from tools.items import pieces
from tools.result import ParamValues, TemplateCount, ToolResult
from tools.series import spread
from tools.spelling import cut, number, shortened, spelled
from tools.tokens import weight

NOT_EVIDENCE = "This is NOT evidence of absence: nothing was looked at, so nothing is known."
FEW = 20
"""Lines that are shown one by one; of more, templates and examples are."""
_EXAMPLES = 8
_PROOF = 2
"""Lines shown below a number or a table, to be quoted."""
_CELL = 400
_TEXT = 300
_UNITS = {"duration": "s", "size": "bytes"}


@dataclass(slots=True)
class Body:
    """Lines of text, and how many of the result's ``size`` parts they show; the next is number ``following``."""

    lines: list[str] = field(default_factory=list)
    shown: int = 0
    size: int = 0
    following: int = 0
    unit: str = "parts"
    whole: bool = True
    limit: int = 0
    """The limit of the query that its rows reached; 0 when they did not."""


class _Page:
    """A body that grows until its room (hundredths of a token) is used up."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.body = Body()

    def add(self, line: str) -> bool:
        """Add a line if it fits; what did not fit makes the body a partial one."""
        cost = weight(line) + 100
        if cost > self.room:
            self.body.whole = False
            return False
        self.room -= cost
        self.body.lines.append(line)
        return True

    def add_cut(self, line: str) -> None:
        """Add as much of a line as fits."""
        part = cut(line, self.room - 100)
        if part:
            self.add(part)
        self.body.whole &= part == line


def body(result: ToolResult, room: int, *, offset: int | None) -> Body:
    """Fill ``room`` hundredths of a token. ``offset`` is where a page of a stored result begins, None for others."""
    page = _Page(room)
    if result.status in {"failed", "not_assessed"}:
        page.add(NOT_EVIDENCE)
        page.add_cut(f"{'Error' if result.status == 'failed' else 'Not assessed'}: {spelled(result.error or result.reason or 'unknown')}")
        return page.body
    if result.reason:
        page.add(cut(spelled(result.reason), room // 4))
    for note in result.notes[:5]:
        page.add(cut(f"Note: {spelled(note)}", room // 10))
    page.body.whole &= len(result.notes) <= 5
    if result.found is not None:
        _found(page, result, result.found, paged=offset is not None)
    elif result.output is not None:
        _parts(page, [spelled(piece) for piece in pieces(result.output)], "lines of text")
    if offset is not None and page.body.size:
        page.body.size = max(result.searched - offset, page.body.shown)
    return page.body


def _found(page: _Page, result: ToolResult, found: Found, *, paged: bool) -> None:
    held = found.result
    if held.kind == "scalar":
        page.add_cut(f"value: {spelled(number(held.value))}")
    elif held.kind == "lines":
        _lines(page, result, held.lines or [], paged=paged)
        return
    elif held.kind == "series" and (text := spread(held)):
        _parts(page, [spelled(line) for line, _ in text], "points", [count for _, count in text])
    elif held.kind in {"table", "series"}:
        _table(page, held)
        limit = result.query.get("limit")
        if isinstance(limit, int) and not isinstance(limit, bool) and held.kind == "table" and 0 < limit <= len(held.rows or ()):
            page.body.limit = limit
    if "pattern" not in (held.columns or ()) and found.excerpt and not paged:
        names = _sources(found.excerpt)
        shown = [_line(line, names, _TEXT) for line in found.excerpt[:_PROOF]]
        if sum(weight(line) + 100 for line in shown) + 300 <= page.room:
            for text_line in ["Some of the records:", *shown]:
                page.add(text_line)


def _table(page: _Page, held: Result) -> None:
    page.add_cut(spelled(" | ".join(map(str, held.columns or []))))
    all_rows = held.rows or []
    most = max(page.room, 0) // 100 + 1  # every row takes its line break: more cannot fit
    rows = [" | ".join(spelled(shortened(number(cell), _CELL)) for cell in row) for row in all_rows[:most]]
    page.body.whole &= all(len(str(cell)) <= _CELL for row in all_rows[:most] for cell in row)
    _parts(page, rows, "rows", size=len(all_rows))


def _parts(page: _Page, lines: Sequence[str], unit: str, counts: Sequence[int] | None = None, *, size: int | None = None) -> None:
    """Lines in order until the room is full; each stands for one part, or for as many as ``counts`` says.

    ``size`` is how many parts there are when ``lines`` are only those that could fit.
    """
    each = counts or [1] * len(lines)
    made = page.body
    made.size, made.unit = sum(each) if size is None else size, unit
    for line, count in zip(lines, each, strict=True):
        if not page.add(line):
            break
        made.shown += count
    made.following = made.shown
    if not made.shown and lines:  # one part that is larger than the room: its beginning is better than nothing
        page.add_cut(lines[0])


def _lines(page: _Page, result: ToolResult, lines: Sequence[Line], *, paged: bool) -> None:
    names = _sources(lines)
    grouped = not paged and (len(lines) > FEW or result.total > len(lines))
    if grouped:
        _templates(page, result, lines)
    if not grouped or len(lines) <= FEW:
        most = max(_TEXT, page.room // max(len(lines), 1) // 50)
        page.body.whole &= all(len(line.text) <= most for line in lines)
        _parts(page, [_line(line, names, most) for line in lines], "lines read")
        return
    page.add("Examples, one per template:")
    page.body.size, page.body.unit, page.body.whole = len(lines), "lines read", False
    order = {t.id: at for at, t in enumerate(result.templates)}
    firsts: dict[str, Line] = {}
    for line in lines:
        firsts.setdefault(line.template, line)
    chosen = sorted(firsts.values(), key=lambda one: order.get(one.template, len(order)))[:_EXAMPLES]
    for line in chosen:
        page.body.shown += page.add(_line(line, names, _TEXT))
    others = _spaced([line for line in lines if line not in chosen], _EXAMPLES - len(chosen))
    if others and page.add("Others, evenly spaced:"):
        for line in others:
            page.body.shown += page.add(_line(line, names, _TEXT))


def _spaced(lines: Sequence[Line], count: int) -> list[Line]:
    """So many of the lines, the last among them: how a value went is seen from these."""
    return [lines[(at + 1) * len(lines) // count - 1] for at in range(count)] if 0 < count < len(lines) else list(lines[:max(count, 0)])


def _templates(page: _Page, result: ToolResult, lines: Sequence[Line]) -> None:
    """Templates with their counts, in at most 60 % of the room: examples must fit, too."""
    templates = result.templates or _counted(lines)
    covered = sum(t.count for t in templates)
    page.add(f"Templates of {'all' if covered == result.total else 'the'} {covered} {'matching records' if result.templates else 'lines read'} "
             "(count x id: pattern; parameters with values (counts)):")
    keep = page.room * 2 // 5
    for at, template in enumerate(templates):
        text = spelled(_template(template))
        if weight(text) + 100 > page.room - keep or not page.add(text):
            left = templates[at:]
            page.add(f"and {len(left)} more templates with {sum(t.count for t in left)} records: logs.summary, or logs.top field=template")
            page.body.whole = False
            return


def _counted(lines: Sequence[Line]) -> list[TemplateCount]:
    """Templates of lines whose call did not count them: the first line stands for the pattern."""
    firsts = {line.template: line.text for line in reversed(lines)}
    return [TemplateCount(id=t, pattern=f"as {firsts[t]}", count=n) for t, n in Counter(line.template for line in lines).most_common()]


def _template(one: TemplateCount) -> str:
    params = "; ".join(map(_values, one.params))
    return f"{one.count} x {one.id}: {shortened(one.pattern, _TEXT)}" + (f"; {params}" if params else "")


def _values(one: ParamValues) -> str:
    name = one.name if one.type == one.name else f"{one.name} ({one.type})"
    common = [f"{shortened(value, 60)} ({count})" for value, count in one.values if count > 1 or one.distinct <= 2]
    if one.distinct == len(one.values):
        return f"{name}: {', '.join(f'{shortened(value, 60)} ({count})' for value, count in one.values)}"
    if one.low is not None and one.high is not None:
        unit = _UNITS.get(one.type, "") if any(c.isalpha() for value, _ in one.values for c in value) else ""
        told = f"{number(one.low)} to {number(one.high)}{' ' + unit if unit else ''}"
        return f"{name}: {one.distinct} values, {told}" + (f", {common[0]}" if common else "")
    example = ", ".join(common) or f"as {shortened(one.values[0][0], 60)}" if one.values else ""
    return f"{name}: {one.distinct} values, {example}"


def _sources(lines: Sequence[Line]) -> dict[str, str]:
    """Sources by their file names, where those tell them apart."""
    paths = {line.source for line in lines}
    counts = Counter(PurePath(path).name for path in paths)
    return {path: PurePath(path).name if counts[PurePath(path).name] == 1 else path for path in paths}


def _line(line: Line, names: dict[str, str], most: int) -> str:
    time = f"{line.time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" if line.time else "no time"
    return spelled(f"{time} {shortened(names[line.source], 200)}:{line.line_no} {shortened(line.text, most)}")
