"""The miner: stable ids, bounded growth, snapshots that go on as the original would."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.miner import CATCH_ALL, Miner, template_id

WORDS = st.sampled_from("open close <:ip:> <:number:> alpha1 beta2 user for x=<:id:>".split())
KEYS = st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), max_size=30)


def mined(*keys: str, **limits: int) -> Miner:
    miner = Miner(**limits)
    miner.add(keys)
    return miner


def test_same_statement_one_template() -> None:
    found = mined("link to <:ip:> lost at a1", "link to <:ip:> lost at b2").assign()

    assert [t.pattern for t in found.templates.values()] == ["link to <*> lost at <*>"]


def test_id_is_first_keys_digest() -> None:
    found = mined("link <:ip:> up").assign()

    assert list(found.templates) == [template_id("link <:ip:> up")]
    assert len(template_id("x")) == 10


def test_ids_survive_new_keys() -> None:
    miner = mined("link to <:ip:> lost at a1")
    before = set(miner.assign().templates)
    miner.add(["link to <:ip:> lost at b2"])

    assert set(miner.assign().templates) == before


def test_known_key_changes_nothing() -> None:
    miner = mined("disk <:path:> full")
    miner.assign()
    miner.add(["disk <:path:> full"])

    assert miner.assign().changed == frozenset()


def test_changed_names_new_keys() -> None:
    miner = mined("disk <:path:> full")
    miner.assign()
    miner.add(["pump started"])

    assert miner.assign().changed == {"pump started"}


def test_slot_names_reach_display() -> None:
    miner = Miner()
    miner.add(["stored <:id:> twice"], [("block",)])

    found = Miner.restore(json.loads(json.dumps(miner.snapshot()))).assign()

    shown = [(t.display, t.params) for t in found.templates.values()]
    assert shown == [("stored <block> twice", (("block", "id"),))]


def test_full_cluster_generalises() -> None:
    miner = mined("copied item a1 to shelf", "copied item b2 to shelf", keys_per_cluster=2)

    assert miner.generalise("copied item c3 to shelf") == ("copied item <:word:> to shelf", ("c3",))


def test_room_left_keeps_key() -> None:
    miner = mined("copied item a1 to shelf")

    assert miner.generalise("copied item c3 to shelf") == ("copied item c3 to shelf", ())


def test_too_many_clusters_catch_all() -> None:
    miner = mined("one thing", clusters=1)

    assert miner.generalise("quite another longer thing") == (CATCH_ALL, ("quite another longer thing",))


def test_unknown_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        Miner.restore({"version": 99})


@given(KEYS, KEYS)
def test_snapshot_goes_on_alike(first: list[str], second: list[str]) -> None:
    miner = mined(*first)
    twin = Miner.restore(json.loads(json.dumps(miner.snapshot())))
    for one in (miner, twin):
        one.add(second)

    assert miner.assign().keys == twin.assign().keys
    assert miner.assign().templates == twin.assign().templates


@given(KEYS, KEYS)
def test_steps_equal_one_go(first: list[str], second: list[str]) -> None:
    steps = mined(*first)
    steps.assign()
    steps.add(second)

    assert steps.assign().templates == mined(*first, *second).assign().templates


@given(KEYS)
def test_every_key_has_template(keys: list[str]) -> None:
    found = mined(*keys).assign()

    assert all(found.keys[key].template in found.templates for key in keys)
