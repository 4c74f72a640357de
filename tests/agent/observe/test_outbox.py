"""What waits for the collector."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.observe.outbox import Outbox
from tests.agent.observe.collector import until


def test_a_batch_is_made_of_whole_groups() -> None:
    sent: list[Sequence[int]] = []
    box: Outbox[int] = Outbox(lambda batch: sent.append(batch) is None, name="t", queue_items=100, batch_items=5, delay_seconds=60)
    for group in ([1, 2], [3, 4], [5, 6, 7], [8] * 9):
        box.put(group)
    box.close()

    assert box.join(5)
    assert [n for batch in sent for n in batch] == [1, 2, 3, 4, 5, 6, 7, *[8] * 9]
    assert [8] * 9 in sent


def test_full_means_dropped_whole_and_at_once() -> None:
    release = threading.Event()
    box: Outbox[int] = Outbox(lambda _: release.wait(10), name="t", queue_items=4, batch_items=1, delay_seconds=0.01)
    box.put([0])
    assert until(lambda: box._sending)
    started = time.monotonic()
    taken = [box.put([1, 2, 3]), box.put([4, 5]), box.put([6])]
    took = time.monotonic() - started
    release.set()
    box.close()

    assert (taken, box.dropped) == ([True, False, True], 2)
    assert took < 0.5
    assert box.join(5)


def test_a_flush_waits_no_longer_than_it_may() -> None:
    release = threading.Event()
    box: Outbox[int] = Outbox(lambda _: release.wait(10), name="t", queue_items=4, batch_items=1, delay_seconds=60)
    box.put([1])
    started = time.monotonic()
    flushed = box.flush(0.2)
    took = time.monotonic() - started
    release.set()

    assert (flushed, took < 1.0) == (False, True)
    assert box.flush(5)
    box.close()


def test_after_the_end_nothing_is_taken() -> None:
    box: Outbox[int] = Outbox(lambda _: True, name="t", queue_items=4, batch_items=1, delay_seconds=60)
    box.close()

    assert box.join(5)
    assert not box.put([1])
    assert box.dropped == 1


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=7), max_size=40), st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_everything_is_sent_once_and_in_order_or_counted(groups: list[list[int]], batch: int) -> None:
    sent: list[int] = []
    box: Outbox[int] = Outbox(lambda part: sent.extend(part) is None, name="t", queue_items=20, batch_items=batch, delay_seconds=60)
    taken = [n for group in groups if box.put(group) for n in group]
    box.close()

    assert box.join(5)
    assert sent == taken
    assert len(sent) + box.dropped == sum(map(len, groups))
