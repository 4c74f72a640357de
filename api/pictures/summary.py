"""Draws a summary: errors over time by service, templates that burst, error budgets. What there is no data for is not drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from agent.summaries.document import Summary
from api.pictures import drawable, rendered

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT, ROW, MOST = 720, 220, 24, 10
Ending = Literal["svg", "png", "pdf"]


def pictures(summary: Summary, kind: Ending = "png") -> dict[str, bytes]:
    """The pictures by name (``errors``, ``templates``, ``budgets``), those that can be drawn."""
    return {name: _rendered(chart, kind) for name, draw in _WAYS.items() if (chart := draw(summary)) is not None}


def drawable_of(summary: Summary) -> list[str]:
    """The names of those that can be drawn; nothing is."""
    return [name for name, draw in _WAYS.items() if draw(summary) is not None]


def picture(summary: Summary, name: str, kind: Ending = "png") -> bytes | None:
    """One of them; None for a name that is none, and where there is nothing to draw."""
    chart = _WAYS[name](summary) if name in _WAYS else None
    return _rendered(chart, kind) if chart is not None else None


def errors(summary: Summary) -> alt.Chart | None:
    """Errors over time, a line for each service."""
    import altair as alt

    chart = summary.facts.chart
    if chart is None or not chart.errors:
        return None
    rows = [{"time": (chart.start + timedelta(seconds=at * chart.step)).isoformat(), "errors": count, "service": service}
            for service, counts in chart.errors.items() for at, count in enumerate(counts)]
    return alt.Chart(_data(rows)).mark_line(interpolate="step-after").encode(
        x=alt.X("time:T", title="UTC", scale=alt.Scale(type="utc")), y=alt.Y("errors:Q", title="errors logged"), color=alt.Color("service:N", title=None),
    ).properties(width=WIDTH, height=HEIGHT, title="Errors over time")


def bursts(summary: Summary) -> alt.Chart | None:
    """Templates that are new or more frequent, over time: darker is more."""
    import altair as alt

    told = [one for one in summary.facts.templates.items if one.change != "vanished" and any(one.counts)][:MOST]
    period = summary.period
    rows = []
    for number, one in enumerate(told):
        step = (period.end - period.start) / len(one.counts)
        rows += [{"what": f"{number + 1}. {one.pattern}", "records": count, "start": (period.start + at * step).isoformat(),
                  "end": (period.start + (at + 1) * step).isoformat()} for at, count in enumerate(one.counts) if count]
    if not rows:
        return None
    return alt.Chart(_data(rows)).mark_rect().encode(
        x=alt.X("start:T", title="UTC", scale=alt.Scale(type="utc")), x2="end:T", y=alt.Y("what:N", title=None, sort=None, axis=alt.Axis(labelLimit=380, ticks=False)),
        color=alt.Color("records:Q", scale=alt.Scale(scheme="oranges", type="sqrt")),
    ).properties(width=WIDTH, height=max(ROW * len(told), 60), title="Templates that are new or burst")


def budgets(summary: Summary) -> alt.LayerChart | None:
    """The used share of every budget, with a line where it is used up."""
    import altair as alt

    rows = [{"name": one.name, "used": min(one.used, 2.0), "over": one.used >= 1} for one in summary.facts.budgets.items if one.used is not None][:MOST]
    if not rows:
        return None
    bars = alt.Chart(_data(rows)).mark_bar().encode(
        y=alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=380)), x=alt.X("used:Q", title="used share of the budget (cut at 200%)", axis=alt.Axis(format="%")),
        color=alt.Color("over:N", legend=None, scale=alt.Scale(domain=[False, True], range=["#8a9ba8", "#b3261e"])))
    line = alt.Chart(alt.Data(values=[{"at": 1.0}])).mark_rule(strokeDash=[4, 3]).encode(x="at:Q")
    return alt.layer(bars, line).properties(width=WIDTH, height=max(ROW * len(rows), 60), title="Error budgets")


_WAYS: Mapping[str, Callable[[Summary], alt.TopLevelMixin | None]] = {"errors": errors, "templates": bursts, "budgets": budgets}


def _data(rows: list[dict[str, Any]]) -> alt.Data:
    import altair as alt

    return alt.Data(values=drawable(rows))


def _rendered(chart: alt.TopLevelMixin, kind: Ending) -> bytes:
    if kind != "pdf":
        return rendered(chart, kind)
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf(chart.to_json()))
