"""``python -m evals kube DIR``: diagnosis of recorded Kubernetes faults, against a keyword matcher over events.

DIR holds ``labels.json`` and ``cases/CASE/`` (:mod:`evals.kube.replay`). The code under test sees one capture of a cluster;
labels stay here. ``a1`` is the share of cases whose first answer has taxonomy, object and root cause right, ``a3`` whose
first three hold such an answer, ``partial`` the mean share of the three fields that the first answer has right.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.kube import keywords
from evals.kube.replay import Capture, load
from evals.kube.vocabulary import PREFIX, VOCABULARY
from signals.kube.diagnose import diagnose
from signals.kube.finding import Finding

FIELDS = ("fault_taxonomy", "fault_object", "root_cause")
Answer = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: what is right, what was said (best first), and by the peer."""

    label: Mapping[str, str]
    answers: tuple[Answer, ...]
    peer: tuple[Answer, ...]
    seconds: float
    findings: tuple[Finding, ...] = ()

    @property
    def truth(self) -> Answer:
        """The three fields."""
        return tuple(self.label[each] for each in FIELDS)  # type: ignore[return-value]


def run(folder: Path, report: Path | None = None) -> dict[str, Any]:
    """Score every case; with ``report``, write it as Markdown with a plot beside it."""
    started = time.perf_counter()
    labels = json.loads((folder / "labels.json").read_text("utf-8"))
    outcomes, missing = [], []
    for label in labels:
        try:
            capture = load(folder / "cases" / label["id"])
        except (OSError, ValueError, KeyError) as error:
            missing.append({"case": label["id"], "could_not_run": repr(error)})
            continue
        outcomes.append(judge(capture, label))
    document = {"suite": "kube", "data": [folder.name], "cases": len(outcomes), "could_not_run": len(missing),
                "metrics": metrics(outcomes, peer=False), "baseline": metrics(outcomes, peer=True),
                "seconds": time.perf_counter() - started, "failures": [*missing, *failures(outcomes)]}
    if report is not None:
        from evals.kube.report import write

        write(report, document)
    return document


def judge(capture: Capture, label: Mapping[str, str]) -> Outcome:
    """Diagnose one capture, and put the answer beside the truth."""
    started = time.perf_counter()
    findings = diagnose(capture.state, now=capture.now, namespace=capture.namespace or None, symptom=capture.symptom)
    answers = tuple(dict.fromkeys(each for each in map(answer, findings) if each is not None))
    guess = keywords.guess(capture.state, capture.namespace)
    return Outcome(label, answers[:3], (guess,) if guess else (), time.perf_counter() - started, tuple(findings[:4]))


def answer(finding: Finding) -> Answer | None:
    """A finding in the benchmark's words; None when it has none for it."""
    if finding.cause not in VOCABULARY:
        return None
    taxonomy, word = VOCABULARY[finding.cause]
    return taxonomy, f"{PREFIX.get(finding.entity.kind, 'app')}/{finding.entity.name}", word


def metrics(outcomes: Iterable[Outcome], *, peer: bool) -> dict[str, Any]:
    """All cases, then per namespace, taxonomy and cause."""
    outcomes = list(outcomes)
    scored: dict[str, Any] = _score(outcomes, peer=peer)
    for name, key in (("per_namespace", "namespace"), ("per_taxonomy", "fault_taxonomy"), ("per_cause", "root_cause")):
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for each in outcomes:
            groups[each.label[key]].append(each)
        scored[name] = {group: {**_score(own, peer=peer), "cases": len(own)} for group, own in sorted(groups.items())}
    if not peer:
        scored["seconds_per_case"] = sum(each.seconds for each in outcomes) / max(len(outcomes), 1)
    return scored


def _score(outcomes: list[Outcome], *, peer: bool) -> dict[str, float]:
    total = max(len(outcomes), 1)
    given = [(each.truth, each.peer if peer else each.answers) for each in outcomes]
    partial = [sum(mine == right for mine, right in zip(said[0], truth, strict=True)) / 3 if said else 0.0 for truth, said in given]
    return {"a1": sum(truth in said[:1] for truth, said in given) / total, "partial": sum(partial) / total,
            "a3": sum(truth in said for truth, said in given) / total}


def failures(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """The cases whose first answer is not right."""
    return [{"case": each.label["id"], "truth": " ".join(each.truth), "said": [" ".join(one) for one in each.answers],
             "why": [f"{one.strength} {one.cause} {one.entity.name}: {one.statement[:300]}" for one in each.findings]}
            for each in outcomes if each.truth not in each.answers[:1]]
