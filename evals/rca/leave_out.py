"""Leave one fault type out: what the figures of a type are when its cases had no say in the choice of constants.

Nothing is trained, but rules have constants that somebody chose. Each is tried at half and at twice what it is, one at a
time. For every fault type the settings are kept that do best on the cases of all *other* types (mean reciprocal rank);
where several do equally well nothing tells them apart, and the type's figures are the mean over them. What remains in
common is the rules themselves, which were written with all types in view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from statistics import mean
from typing import Any

from evals.rca.cases import Case
from evals.rca.scoring import figures, place
from signals import sources
from signals.diagnosis import Sign
from signals.suspects import rank

SHIPPED = "as shipped"
FACTORS = (0.5, 2.0)
WEIGHING = "weighing"


@dataclass(frozen=True, slots=True)
class Knob:
    """A constant, and the modules that know it."""

    name: str
    modules: tuple[str, ...]
    weighing: bool = False
    """Whether it only weighs signs, which are then gathered once."""


KNOBS = (
    *(Knob(name, ("signals.accounts",), weighing=True) for name in ("SIDE", "SURE", "ENOUGH", "OTHER", "CHANGED", "FADE")),
    *(Knob(name, ("signals.suspects",), weighing=True) for name in ("OFF_PATH", "UNTRACED", "OUTSIDE", "LIKE")),
    *(Knob(name, ("signals.metrics",)) for name in ("SATURATED", "SILENT", "NEWCOMER")),
    Knob("DRIFT", ("signals.shifts", "signals.windows")),
    Knob("FROM_NOTHING", ("signals.shifts",)),
    Knob("PEER_FLOOR", ("signals.shifts", "signals.metrics")),
    Knob("SHARE_FLOOR", ("signals.shifts",)),
    Knob("BLOCKS", ("signals.shifts",)),
    *(Knob(name, ("signals.evidence",)) for name in ("CAP", "DRIFT")),
    *(Knob(name, ("signals.logs",)) for name in ("LEAST", "PLAIN")),
    Knob("SURE", ("signals.logs.flow",)),
    Knob("LEAST_SHARE", ("signals.traces.latency",)),
)


def ranks(cases: Sequence[Case]) -> dict[str, list[int]]:
    """The rank of the truth in every case, under every setting."""
    found: dict[str, list[int]] = {}
    for case in cases:
        observed = case.observe()
        kept: dict[str, list[Sign]] = {}
        for label, changed in settings():
            with changed, _signs_once(kept, apart=not label.startswith(WEIGHING) and label != SHIPPED):
                said = rank(observed, at=case.at, windows=case.windows, symptom=case.symptom, aspect=case.aspect)
            found.setdefault(label, []).append(place([one.entity.name for one in said.suspects], case.truth))
    return found


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting's name, and a context in which it holds."""
    yield SHIPPED, _set({}, ())
    for knob in KNOBS:
        now = getattr(import_module(knob.modules[0]), knob.name)
        for factor in FACTORS:
            kind = WEIGHING if knob.weighing else "signs"
            yield f"{kind}: {knob.modules[0]}.{knob.name} x {factor:g}", _set({knob.name: type(now)(now * factor)}, knob.modules)


def left_out(found: Mapping[str, Sequence[int]], faults: Sequence[str]) -> dict[str, Any]:
    """Figures of each fault type under the settings that the other types prefer, and over all cases."""
    tables: dict[str, Any] = {}
    whole: dict[str, list[float]] = {}
    for fault in sorted(set(faults)):
        inside = [at for at, each in enumerate(faults) if each == fault]
        others = [at for at, each in enumerate(faults) if each != fault]
        merit = {label: round(mean(1 / p[at] if p[at] else 0.0 for at in others), 9) for label, p in found.items()} if others else {}
        best = [label for label in found if not merit or merit[label] == max(merit.values())]
        each = [figures([found[label][at] for at in inside]) for label in best]
        tables[fault] = {key: round(mean(one[key] for one in each), 4) for key in ("as1", "as3", "avg5")}
        tables[fault] |= {"shipped": figures([found[SHIPPED][at] for at in inside])["as1"], "cases": len(inside), "settings": len(best)}
        for key in ("as1", "as3", "avg5"):
            whole.setdefault(key, []).extend([tables[fault][key]] * len(inside))
    spread = sorted(figures(places)["as1"] for places in found.values())
    return {**{key: round(mean(values), 4) for key, values in whole.items()}, "per_type": tables,
            "settings": len(found), "as1_of_settings": {"worst": spread[0], "median": spread[len(spread) // 2], "best": spread[-1]}}


@contextmanager
def _set(values: Mapping[str, Any], modules: Sequence[str]) -> Iterator[None]:
    known = [import_module(name) for name in modules]
    before = [(module, name, getattr(module, name)) for module in known for name in values]
    for module, name, _ in before:
        setattr(module, name, values[name])
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextmanager
def _signs_once(kept: dict[str, list[Sign]], *, apart: bool) -> Iterator[None]:
    """Gather the signs of a case once for all settings that do not change them."""
    gather = sources.gather

    def remembered(*given: Any) -> list[Sign]:
        if "signs" not in kept:
            kept["signs"] = gather(*given)
        return kept["signs"]

    with _set({"gather": gather if apart else remembered}, ("signals.suspects",)):
        yield
