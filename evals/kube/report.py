"""The report of a run as Markdown, with a plot of right answers per cause beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(path: Path, document: Mapping[str, Any]) -> None:
    """``path`` gets the text, ``path`` with ``.svg`` the plot (left out, and said so, where altair is not installed)."""
    ours, peer = document["metrics"], document["baseline"]
    plot = picture(ours["per_cause"], peer["per_cause"])
    lines = [f"# Kubernetes diagnosis on {', '.join(document['data'])}", "",
             f"{document['cases']} cases, {document['could_not_run']} could not run, {ours['seconds_per_case']:.1f} s each. "
             "`a1`: taxonomy, object and root cause of the first answer are right; `partial`: the share of the three; "
             "`a3`: one of the first three answers is right. The peer matches keywords in events.", "",
             *rows("", {"all": ours}, {"all": peer}), ""]
    if plot:
        path.with_suffix(".svg").write_text(plot, "utf-8")
        lines += [f"![a1 per cause]({path.with_suffix('.svg').name})", ""]
    else:
        lines += ["(No plot: altair and vl-convert are not installed.)", ""]
    for name in ("per_namespace", "per_taxonomy", "per_cause"):
        lines += [f"## {name.replace('_', ' ').capitalize()}", "", *rows(name.removeprefix("per_"), ours[name], peer[name]), ""]
    lines += ["## Wrong first answers", "", *(_failure(each) for each in document["failures"])]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def rows(head: str, ours: Mapping[str, Mapping[str, Any]], peer: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A Markdown table: ours beside the peer's."""
    lines = [f"| {head} | cases | a1 | partial | a3 | peer a1 | peer partial |", "|---|---|---|---|---|---|---|"]
    for name, each in ours.items():
        other = peer.get(name, {})
        lines.append(f"| {name} | {each.get('cases', '')} | {each['a1']:.2f} | {each['partial']:.2f} | {each['a3']:.2f} "
                     f"| {other.get('a1', 0.0):.2f} | {other.get('partial', 0.0):.2f} |")
    return lines


def _failure(each: Mapping[str, Any]) -> str:
    if "could_not_run" in each:
        return f"- {each['case']} could not run: {each['could_not_run']}"
    return f"- {each['case']}: {each['truth']}; said {'; '.join(each['said']) or 'nothing'}"


def picture(ours: Mapping[str, Mapping[str, Any]], peer: Mapping[str, Mapping[str, Any]]) -> str:
    """Bars of a1 per cause, ours and the peer's, as SVG; empty without altair."""
    try:
        import altair as alt
        import vl_convert
    except ImportError:
        return ""
    data = [{"cause": name, "who": who, "a1": float(scores[name]["a1"])} for who, scores in (("ours", ours), ("keywords", peer))
            for name in scores]
    chart = alt.Chart(alt.Data(values=data)).mark_bar().encode(
        x=alt.X("a1:Q", scale=alt.Scale(domain=[0, 1])), y=alt.Y("cause:N", title=None),
        yOffset="who:N", color=alt.Color("who:N", title=None)).properties(width=360, title="a1 per cause")
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))
