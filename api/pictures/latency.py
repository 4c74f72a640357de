"""How long each service took before and during: two dots a service, from the median to the 95th percentile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 620, 34
_MOST = 20
_LEAST = 1e-6


def latency(found: dict[str, Any]) -> alt.FacetChart | alt.LayerChart | None:
    """Durations in milliseconds on a logarithmic scale; the services whose 95th percentile grew most first."""
    import altair as alt

    services = [one for one in found["graph"].get("services", []) if one["before"] and one["during"]]
    services.sort(key=lambda one: -_grown(one))
    if not services:
        return None
    order = [one["name"] for one in services[:_MOST]]
    rows = [{"service": one["name"], "when": when, "p50": _ms(one[when]["p50"]), "p95": _ms(one[when]["p95"])}
            for one in services[:_MOST] for when in ("before", "during")]
    colour = alt.Color("when:N", title=None, sort=["before", "during"],
                       scale=alt.Scale(domain=["before", "during"], range=["#7f8c8d", "#c0392b"]))
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("service:N", sort=order, title=None), yOffset=alt.YOffset("when:N", sort=["before", "during"]), color=colour)
    scale = alt.Scale(type="log")
    bars = base.mark_rule(size=3).encode(x=alt.X("p50:Q", scale=scale, title="ms, median to 95th percentile"), x2="p95:Q")
    medians = base.mark_point(filled=True, size=60).encode(x=alt.X("p50:Q", scale=scale))
    tails = base.mark_tick(thickness=3, size=14).encode(x=alt.X("p95:Q", scale=scale))
    return alt.layer(bars, medians, tails).properties(width=WIDTH, height=max(ROW * len(order), 80), title="Latency before and during")


def _grown(one: dict[str, Any]) -> float:
    return float(one["during"]["p95"]) / max(float(one["before"]["p95"]), _LEAST)


def _ms(seconds: float) -> float:
    return max(float(seconds), _LEAST) * 1000
