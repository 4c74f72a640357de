"""The same message has the same template id however its log was cut, restarted or read again."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from api.wiring.product import Product
from telemetry.store.reader import Reader
from tests.vectorstore import imitated_systems
from tests.vectorstore.keying import key
from vectorstore.miner import Miner

MESSAGES = [
    message for groups in (imitated_systems.LINUX, imitated_systems.MAC) for same in groups.values() for message in same
]
Random(3).shuffle(MESSAGES)  # noqa: S311 - not for secrets
CUTS = st.lists(st.tuples(st.integers(1, len(MESSAGES) - 1), st.booleans()), max_size=6)


def mined(cuts: list[tuple[int, bool]], **limits: int) -> dict[str, str]:
    """The template id of each key, when the miner stops at the cuts and there starts anew or goes on."""
    miner = Miner(**limits)
    restarts = dict(cuts)
    for at, message in enumerate(MESSAGES):
        if at in restarts:
            miner.assign()
            miner = Miner.restore(json.loads(json.dumps(miner.snapshot()))) if restarts[at] else miner
        miner.add([miner.generalise(key(message))[0]])
    return {text: assigned.template for text, assigned in miner.assign().keys.items()}


@settings(max_examples=40, deadline=None)
@given(CUTS)
def test_mined_ids_depend_on_no_cut(cuts: list[tuple[int, bool]]) -> None:
    assert mined(cuts) == mined([])


@settings(max_examples=40, deadline=None)
@given(CUTS)
def test_full_miners_ids_depend_on_no_cut(cuts: list[tuple[int, bool]]) -> None:
    assert mined(cuts, keys_per_cluster=2, clusters=20) == mined([], keys_per_cluster=2, clusters=20)


def stored(folder: Path, cuts: list[int]) -> list[tuple[str, str]]:
    """Lines and template ids, when the log grew to each cut and was ingested by a new process each time."""
    lines = [f"Jun 14 15:{at // 60:02}:{at % 60:02} combo kernel: {text}\n" for at, text in enumerate(MESSAGES)]
    path, home = folder / "grown.log", folder / "home"
    for low, high in pairwise([0, *sorted(set(cuts)), len(lines)]):
        with path.open("a") as handle:
            handle.writelines(lines[low:high])
        Product(home).ingest([path])
    return shown(home)


def shown(home: Path) -> list[tuple[str, str]]:
    """Each line of the home and its template's id."""
    reader = Reader(home)
    rows = reader.rows(f"SELECT line, key_id FROM {reader._scan(reader.segments)} ORDER BY line_no")
    found = [(line, reader.template_of(number)) for line, number in rows]
    reader.close()
    return found


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, len(MESSAGES) - 1), max_size=4))
def test_stored_ids_depend_on_no_cut(cuts: list[int]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        assert stored(Path(one), cuts) == stored(Path(other), [])


def test_reading_again_changes_no_id(tmp_path: Path) -> None:
    once = stored(tmp_path, [])
    Product(tmp_path / "home").ingest([tmp_path / "grown.log"])

    assert shown(tmp_path / "home") == once
