"""The labelled sessions of the public data set ``anomaly``: HDFS blocks, Hadoop containers, BGL lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.parsing import templates
from signals.anomaly.sessions import Session

NORMAL = "-"
"""BGL's label of a line that is no alert."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One session and its truth. ``kind`` is "" for a normal one; ``group`` is what it is a part of, "" for nothing."""

    session: Session
    kind: str
    group: str = ""

    @property
    def abnormal(self) -> bool:
        """Whether the data set calls it abnormal."""
        return self.kind != ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sessions to split, or, where the data set has its own split, ``test`` apart from what may be learnt from."""

    name: str
    sessions: tuple[Labelled, ...]
    test: tuple[Labelled, ...] = ()


def hdfs(folder: Path) -> Corpus | None:
    """``*.jsonl`` of ``{session, label, templates}``; files named test are the test set when others are there too."""
    files = sorted(folder.glob("*.jsonl"))
    tests = [each for each in files if "test" in each.stem]
    if not files:
        return None
    if len(tests) == len(files):
        tests = []
    rest = [each for each in files if each not in tests]
    return Corpus("hdfs", _lines(rest), _lines(tests))


def _lines(files: Sequence[Path]) -> tuple[Labelled, ...]:
    rows = [json.loads(line) for each in files for line in each.read_text("utf-8").splitlines() if line.strip()]
    return tuple(Labelled(row["templates"], "abnormal" if int(row["label"]) else "") for row in rows)


def hadoop(folder: Path) -> Corpus | None:
    """``hadoop_sequences``: a file per kind, a line per container: ``application/container,event event …``.

    A kind's label is the application's: most containers of an application with a fault ran as ever.
    """
    home = folder / "hadoop_sequences"
    files = {each.name: each for each in sorted(home.glob("hadoop_*")) if each.is_file()} if home.is_dir() else {}
    kinds = [name for name in files if name.startswith("hadoop_test_abnormal_")] or [n for n in files if n == "hadoop_test_abnormal"]
    normal = [name for name in files if name in {"hadoop_train", "hadoop_test_normal"}]
    if not kinds or not normal:
        return None
    sessions = [one for name in normal for one in _containers(files[name], "")]
    sessions += [one for name in kinds for one in _containers(files[name], name.removeprefix("hadoop_test_"))]
    return Corpus("hadoop", tuple(sessions))


def _containers(file: Path, kind: str) -> list[Labelled]:
    rows = [line.partition(",") for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [Labelled(tuple(events.split()), kind, name.partition("/")[0]) for name, _, events in rows]


def bgl(folder: Path) -> Corpus | None:
    """Lines of Blue Gene/L, a session each; the template is the product's own, found without the label's column."""
    homes = [folder / "BGL", folder.parent / "parsing" / "BGL", folder.parent.parent / "parsing" / "parsing" / "BGL"]
    logs = [log for home in homes for log in sorted(home.glob("*.log"))]
    if not logs:
        return None
    rows = [line.partition(b" ") for line in logs[0].read_bytes().splitlines() if line.strip()]
    found = templates([rest for _, _, rest in rows])
    kinds = ["" if label == NORMAL else label for label in (first.decode("latin-1") for first, _, _ in rows)]
    return Corpus("bgl", tuple(Labelled((template,), kind) for template, kind in zip(found, kinds, strict=True)))
