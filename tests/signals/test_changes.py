"""Signs of changes: how near they are, in words an engineer would use."""

from __future__ import annotations

from signals import changes
from signals.observed import Observed, Window, Windows
from signals.topology import Topology
from telemetry.records import Change

SECOND = 1_000_000


def _told(*, begun: bool) -> str:
    change = Change("d1", 96 * SECOND, "deploy", "release 7", service="cart", version="7")
    windows = Windows((Window(0, 100 * SECOND),), Window(100 * SECOND, 200 * SECOND), begun=begun)
    return changes.signs(Observed(changes=(change,)), windows, Topology())[0].statement


def test_a_change_is_told_from_when_the_trouble_began() -> None:
    assert _told(begun=True).endswith("4 s before the trouble began")


def test_no_beginning_is_claimed_where_none_was_found() -> None:
    assert _told(begun=False).endswith("4 s before the time looked at")
