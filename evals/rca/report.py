"""A page in Markdown of one run, with plots as SVG beside it (Vega-Lite through vl-convert, no browser)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.rca.scoring import Outcome

METRICS = ("as1", "as3", "as5", "avg5")


def write(page: Path, result: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Write the page, and its two plots under the same name."""
    page.parent.mkdir(parents=True, exist_ok=True)
    accuracy, chances = page.with_suffix(".accuracy.svg"), page.with_suffix(".confidence.svg")
    accuracy.write_text(_accuracy(result), encoding="utf-8")
    chances.write_text(_confidence(outcomes), encoding="utf-8")
    ours, peer = result["metrics"], result["baseline"]
    lines = [
        f"# Root causes in {result['data']}", "",
        f"{result['cases']} cases, {result['could_not_run']} could not run, {result['seconds']:.1f} s in all, "
        f"{ours['seconds_per_case']:.3f} s of CPU a case. Nothing is trained on labels, but rules and constants were chosen "
        "while looking at public cases: no fault type was held out. Figures by type stand below.", "",
        *_table("", {"all": ours}, {"all": peer}),
        *_table("By fault type", ours["per_type"], peer["per_type"]),
        *(_table("By group", ours["per_group"], peer["per_group"]) if "per_group" in ours else []),
        f"![accuracy]({accuracy.name})", "", f"![confidence of right and wrong answers]({chances.name})", "",
        f"Brier score of the first suspect's probability: {ours['brier']:.3f}.", "",
    ]  # fmt: skip
    if "robustness" in ours:
        lines += _robustness(ours["robustness"])
    lines += ["## Not first", ""] + [f"- {f['case']} ({f['fault']}): {', '.join(f['expected'])} at place {f['place'] or 'none'}; "
                                     f"first was {f['first']}. {f['because']}" for f in result["failures"]]  # fmt: skip
    page.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _table(title: str, ours: Mapping[str, Any], peer: Mapping[str, Any]) -> list[str]:
    head = ([f"## {title}", ""] if title else []) + [f"| | {' | '.join(METRICS)} | baseline {' | '.join(METRICS)} |", "|---|" + "---|" * 8]
    rows = ["| " + " | ".join([name, *(f"{values[m]:.3f}" for m in METRICS), *(f"{peer[name][m]:.3f}" for m in METRICS)]) + " |"
            for name, values in ours.items()]  # fmt: skip
    return [*head, *rows, ""]


def _robustness(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows = [f"| {name} | {' | '.join(f'{values[m]:.3f}' for m in (*METRICS, 'stays'))} |" for name, values in found.items()]
    return ["## Perturbed", "", f"| | {' | '.join(METRICS)} | first stays first |", "|---|" + "---|" * 5, *rows, ""]


def _accuracy(result: Mapping[str, Any]) -> str:
    rows = [{"type": fault, "who": who, "avg5": values["avg5"]}
            for who, part in (("OnCalm", result["metrics"]), ("baseline", result["baseline"]))
            for fault, values in part["per_type"].items()]  # fmt: skip
    return _svg({
        "data": {"values": rows}, "mark": "bar", "width": 420, "title": f"Avg@5 in {result['data']}",
        "encoding": {
            "x": {"field": "avg5", "type": "quantitative", "scale": {"domain": [0, 1]}},
            "y": {"field": "type", "type": "nominal", "title": None}, "yOffset": {"field": "who"},
            "color": {"field": "who", "type": "nominal", "title": None},
        },
    })  # fmt: skip


def _confidence(outcomes: Sequence[Outcome]) -> str:
    rows = [{"probability": o.chance, "answer": "right" if o.place == 1 else "wrong"} for o in outcomes]
    return _svg({
        "data": {"values": rows}, "mark": {"type": "tick", "thickness": 2}, "width": 420, "title": "Probability of the first suspect",
        "encoding": {"x": {"field": "probability", "type": "quantitative", "scale": {"domain": [0, 1]}},
                     "y": {"field": "answer", "type": "nominal", "title": None}, "color": {"field": "answer", "type": "nominal", "legend": None}},
    })  # fmt: skip


def _svg(chart: dict[str, Any]) -> str:
    """Drawn by the Vega-Lite that altair's release is made for."""
    import altair as alt
    import vl_convert

    version = ".".join(str(alt.SCHEMA_VERSION).removeprefix("v").split(".")[:2])
    return str(vl_convert.vegalite_to_svg(chart, vl_version=version))
