"""Who calls whom, coloured by suspicion: callers on the left, what they rest on to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 760, 380
_MOST = 40
"""Nodes that are drawn: suspects and what is next to them first."""


def graph(found: dict[str, Any]) -> alt.LayerChart | None:
    """Nodes are entities (their probability as colour, 0 to 1), lines are calls from left to right."""
    import altair as alt

    scores = {one["entity"]["name"]: one["score"] for one in found["suspects"]}
    calls = [(caller["name"], callee["name"]) for caller, callee in found["graph"]["calls"] if caller["name"] != callee["name"]]
    names = _chosen(scores, calls, found["graph"].get("services", []))
    if len(names) < 2:
        return None
    places = _places(names, [pair for pair in calls if set(pair) <= set(names)])
    lines = [{"x": places[a][0], "y": places[a][1], "x2": places[b][0], "y2": places[b][1]} for a, b in calls if {a, b} <= set(names)]
    nodes = [{"name": name, "x": places[name][0], "y": places[name][1], "suspicion": scores.get(name, 0.0)} for name in names]
    axis = {"axis": None, "scale": alt.Scale(domain=[-0.12, 1.12])}
    edges = alt.Chart(alt.Data(values=lines)).mark_rule(color="#b2babb", size=1.5).encode(
        x=alt.X("x:Q", **axis), y=alt.Y("y:Q", **axis), x2="x2:Q", y2="y2:Q")
    dots = alt.Chart(alt.Data(values=nodes)).encode(x=alt.X("x:Q", **axis), y=alt.Y("y:Q", **axis))
    circles = dots.mark_circle(size=900, stroke="#566573", strokeWidth=1, opacity=1).encode(
        color=alt.Color("suspicion:Q", title="probability", scale=alt.Scale(domain=[0, 1], range=["#eaeded", "#c0392b"])))
    labels = dots.mark_text(dy=26, fontSize=12, color="#1b2631").encode(text="name:N")
    figures = dots.transform_filter("datum.suspicion > 0").mark_text(fontSize=10, fontWeight="bold", color="#1b2631").encode(
        text=alt.Text("suspicion:Q", format=".2f"))
    return alt.layer(edges, circles, labels, figures).properties(width=WIDTH, height=HEIGHT, title="Calls, coloured by suspicion")


def _chosen(scores: dict[str, float], calls: list[tuple[str, str]], services: list[dict[str, Any]]) -> list[str]:
    """Suspects, their neighbours, then the others, up to the number that can be read."""
    near = [name for pair in calls if set(pair) & set(scores) for name in pair]
    rest = [name for pair in calls for name in pair] + [one["name"] for one in services]
    return list(dict.fromkeys([*(name for name in scores if name in {*near, *rest}), *near, *rest]))[:_MOST]


def _places(names: list[str], calls: list[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Columns by depth of the calls (cycles count as one), rows within a column spread evenly; 0 to 1."""
    import networkx as nx

    whole = nx.DiGraph()
    whole.add_nodes_from(names)
    whole.add_edges_from(calls)
    folded = nx.condensation(whole)
    depth = {}
    for layer, members in enumerate(nx.topological_generations(folded)):
        for member in members:
            for name in folded.nodes[member]["members"]:
                depth[name] = layer
    deepest = max(depth.values()) or 1
    columns: dict[int, list[str]] = {}
    for name in names:
        columns.setdefault(depth[name], []).append(name)
    return {name: (layer / deepest, 1 - (row + 1) / (len(column) + 1)) for layer, column in columns.items() for row, name in enumerate(column)}
