"""How well abnormal sessions are found by a detector that saw normal ones only.

Each of several seeds draws half of the normal sessions to learn from; the rest and all abnormal ones are the test.
Thresholds come from the learnt half alone. Where a data set has its own test file, that is the test. Labels stay here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evals.anomaly.data import Corpus, Labelled, bgl, hadoop, hdfs
from evals.anomaly.scoring import (
    Figures,
    Flags,
    ceiling,
    figures,
    look_normal,
    new_count_vectors,
    over_seeds,
    rarest_template,
)
from signals.anomaly.detector import SessionDetector
from signals.anomaly.sessions import Session

SEEDS = range(5)
Detect = Callable[[Sequence[Session], Sequence[Session]], Flags]
Split = tuple[list[Session], list[Labelled]]


def run(folder: Path) -> dict[str, Any]:
    """Measure what is there; the headline figures are those of the HDFS sessions. Raises ValueError for none of them."""
    began = time.perf_counter()
    blocks, others = hdfs(folder), {"hadoop": hadoop(folder), "bgl": bgl(folder)}
    if blocks is None:
        raise ValueError("no .jsonl of sessions")
    parts = [blocks, *(each for each in others.values() if each)]
    missing = [f"{name}: not there" for name, each in others.items() if each is None]
    ours = {each.name: _part(each, ours_flags) for each in parts}
    new = {each.name: _part(each, new_count_vectors) for each in parts}
    rare = {each.name: _part(each, rarest_template) for each in parts}
    return {
        "suite": "anomaly",
        "data": [each.name for each in parts],
        "cases": sum(len(each.sessions) + len(each.test) for each in parts),
        "could_not_run": len(missing),
        "why_not": missing,
        "metrics": ours.pop("hdfs") | _limits(blocks) | ours,
        "baseline": {"name": "new count vectors", **new.pop("hdfs"), **new, "rarest template": rare.pop("hdfs") | rare},
        "seconds": round(time.perf_counter() - began, 2),
    }


def ours_flags(train: Sequence[Session], test: Sequence[Session]) -> Flags:
    """What the product's detector says."""
    return [bool(score > 0) for score in SessionDetector.fit(train).scores(test)]


def splits(corpus: Corpus) -> list[Split]:
    """For each seed: normal sessions to learn from, and the labelled test. Whole groups go to one side."""
    if corpus.test:
        return [([one.session for one in corpus.sessions if not one.abnormal], list(corpus.test))]
    return [_split(corpus.sessions, seed) for seed in SEEDS]


def _split(sessions: Sequence[Labelled], seed: int) -> Split:
    names = {one.group or str(at): None for at, one in enumerate(sessions) if not one.abnormal}
    order = list(names)
    random.Random(seed).shuffle(order)
    learnt = set(order[: len(order) // 2])
    inside = [not one.abnormal and (one.group or str(at)) in learnt for at, one in enumerate(sessions)]
    train = [one.session for one, mine in zip(sessions, inside, strict=True) if mine]
    return train, [one for one, mine in zip(sessions, inside, strict=True) if not mine]


def _part(corpus: Corpus, detect: Detect) -> dict[str, Any]:
    each = [(test, detect(train, [one.session for one in test])) for train, test in splits(corpus)]
    found: dict[str, Any] = over_seeds([figures([one.abnormal for one in test], flags) for test, flags in each])
    found["distinguishable"] = over_seeds([_distinguishable(test, flags) for test, flags in each])
    kinds = sorted({one.kind for one in corpus.sessions if one.abnormal})
    if len(kinds) > 1:
        found["recall_by_type"] = {kind: over_seeds([_of_kind(t, f, kind) for t, f in each])["recall"] for kind in kinds}
    if any(one.group for one in corpus.sessions):
        found["by_group"] = over_seeds([_by_group(test, flags) for test, flags in each])
    return found


def _limits(corpus: Corpus) -> dict[str, Any]:
    """What the data itself allows."""
    tests = [test for _, test in splits(corpus)]
    hidden = sum(look_normal(tests[0]))
    return {
        "ceiling_f1": round(sum(map(ceiling, tests)) / len(tests), 4),
        "abnormal": sum(one.abnormal for one in tests[0]),
        "abnormal_that_look_normal": hidden,
    }


def _distinguishable(test: Sequence[Labelled], flags: Flags) -> Figures:
    """The figures without the abnormal sessions that no reader of the sequence can tell from normal ones."""
    kept = [(one.abnormal, flag) for one, flag, same in zip(test, flags, look_normal(test), strict=True) if not same]
    return figures([truth for truth, _ in kept], [flag for _, flag in kept])


def _of_kind(test: Sequence[Labelled], flags: Flags, kind: str) -> Figures:
    kept = [(one.abnormal, flag) for one, flag in zip(test, flags, strict=True) if one.kind in ("", kind)]
    return figures([truth for truth, _ in kept], [flag for _, flag in kept])


def _by_group(test: Sequence[Labelled], flags: Flags) -> Figures:
    """A group is abnormal when any of its sessions is, in truth and in what was found."""
    truth: dict[str, bool] = {}
    found: dict[str, bool] = {}
    for one, flag in zip(test, flags, strict=True):
        truth[one.group] = truth.get(one.group, False) or one.abnormal
        found[one.group] = found.get(one.group, False) or flag
    return figures(list(truth.values()), [found[name] for name in truth])
