"""When what began: bursts of templates over time, with the changes and the incident's edges across them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 760, 24
_LABEL = 64
_MOST = 12
_LINES, _LETTER = 6, 5.6
"""Lines of words above the rows; pixels of a letter, about."""


def timeline(found: dict[str, Any]) -> alt.LayerChart | None:
    """Rows of templates (darker: more records), else of what began; dashed lines are changes."""
    import altair as alt

    bursts = found.get("bursts") or []
    rows = _heat(bursts) or _beginnings(found["timeline"])
    if not rows:
        return None
    names = list(dict.fromkeys(row["what"] for row in rows))
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("what:N", sort=names, title=None, axis=alt.Axis(labelLimit=420, ticks=False)))
    if bursts:
        main = base.mark_rect().encode(
            x=alt.X("start:T", **_utc()), x2="end:T",
            color=alt.Color("count:Q", title="records", scale=alt.Scale(scheme="oranges", type="sqrt")))
    else:
        main = base.mark_point(filled=True, size=80, color="#c0392b").encode(x=alt.X("start:T", **_utc()))
    layers = [_window(found["window"]), main, *_changes(found["timeline"], rows)]
    return alt.layer(*layers).properties(width=WIDTH, height=max(ROW * len(names), 90), title="What began when")


def _heat(bursts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for one in bursts[:_MOST]:
        start, step = datetime.fromisoformat(one["start"]), timedelta(seconds=one["step"])
        rows += [{"what": _short(one["pattern"]), "count": count, "start": (start + at * step).isoformat(),
                  "end": (start + (at + 1) * step).isoformat()} for at, count in enumerate(one["counts"]) if count]
    return rows


def _beginnings(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"what": _short(one["statement"]), "count": 1, "start": one["time"], "end": one["time"]} for one in entries[:_MOST]]


def _window(window: dict[str, Any]) -> alt.Chart:
    import altair as alt

    shade = alt.Chart(alt.Data(values=[window])).mark_rect(color="#f5b7b1", opacity=0.25)
    return shade.encode(x=alt.X("start:T", **_utc()), x2="end:T")


def _changes(entries: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[alt.Chart]:
    """Changes as dashed lines with their words, which stand above one another where they would meet."""
    import altair as alt

    told = _placed([one for one in entries if one["kind"] == "change"], rows)
    if not told:
        return []
    base = alt.Chart(alt.Data(values=told)).encode(x=alt.X("time:T", **_utc()))
    lines = base.mark_rule(strokeDash=[5, 4], color="#1f618d", size=1.5)
    words = base.mark_text(align="left", dx=4, dy=-6, baseline="bottom", color="#1f618d", fontSize=11).encode(
        text="said:N")
    return [lines, *(words.transform_filter(f"datum.line == {line}").encode(y=alt.value(-14 * line)) for line in range(_LINES))]


def _placed(changes: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each change with the lowest line of words that has room for its own; one for which none has, keeps its rule only."""
    moments = [datetime.fromisoformat(str(one[name])).timestamp() for one in rows for name in ("start", "end")]
    moments += [datetime.fromisoformat(str(one["time"])).timestamp() for one in changes]
    pixel = (max(moments) - min(moments)) / WIDTH or 1.0
    taken, told = [float("-inf")] * _LINES, []
    for one in sorted(changes, key=lambda each: datetime.fromisoformat(str(each["time"]))):
        at, said = datetime.fromisoformat(str(one["time"])).timestamp(), _short(one["statement"])
        line = next((number for number, until in enumerate(taken) if until <= at), -1)
        if line >= 0:
            taken[line] = at + (len(said) + 2) * _LETTER * pixel
        told.append({"time": one["time"], "said": said, "line": line})
    return told


def _utc() -> dict[str, Any]:
    import altair as alt

    return {"title": "UTC", "scale": alt.Scale(type="utc"), "axis": alt.Axis(format="%H:%M:%S", labelOverlap=True)}


def _short(text: str) -> str:
    first = " ".join(text.split("\n", 1)[0].split())
    return first if len(first) <= _LABEL else f"{first[: _LABEL - 1]}…"
