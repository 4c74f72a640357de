"""Results over windows that have ended are read once; lines that come late are never missed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.cache.counters import Counters
from agent.cache.disk import PlainCache
from agent.cache.tools import CachedTools
from api.wiring.product import Product
from telemetry.store.holdings import Holdings
from telemetry.store.reader import Reader
from tools.logs import log_tools
from tools.registry import Freshness, Registry

DAY = {"start": "2026-11-10T09:00:00Z", "end": "2026-11-10T10:00:00Z"}
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def line(day: str, clock: str) -> str:
    return f"2026-11-{day}T{clock}:00Z ERROR shop: payment 4711 failed after 3 s\n"


@pytest.fixture
def shop(product: Product, tmp_path: Path) -> Product:
    """A home with a little log of errors."""
    (tmp_path / "shop.log").write_text(line("10", "09:05") + line("10", "09:20") + line("10", "10:40"))
    product.ingest([tmp_path / "shop.log"])
    return product


@contextmanager
def cached(product: Product, folder: Path, **more: Any) -> Iterator[CachedTools]:
    """Cached log tools over the store as it is now."""
    with closing(Reader(product.home)) as reader:
        registry = log_tools(reader)
        yield CachedTools(registry, PlainCache(folder), Holdings(reader), **{"tool": registry.tool, "now": lambda: LATER, **more})


def test_second_call_is_answered_from_the_cache(shop: Product, tmp_path: Path) -> None:
    counters = Counters()
    with cached(shop, tmp_path / "c", counters=counters) as tools:
        first = tools.call("logs.count", DAY)
        second = tools.call("logs.count", DAY)

    assert not first.stored
    assert second.stored
    assert second.found == first.found
    assert counters.totals() == {"tools": {"hits": 1, "misses": 1}}


def test_other_arguments_miss(shop: Product, tmp_path: Path) -> None:
    with cached(shop, tmp_path / "c") as tools:
        tools.call("logs.count", DAY)

        assert not tools.call("logs.count", {**DAY, "contains": "root"}).stored
        assert not tools.call("logs.lines", DAY).stored


def test_lines_that_come_late_into_the_window_are_seen(shop: Product, tmp_path: Path) -> None:
    with cached(shop, tmp_path / "c") as tools:
        before = tools.call("logs.count", DAY)
    (tmp_path / "late.log").write_text(line("10", "09:30"))
    shop.ingest([tmp_path / "late.log"])
    with cached(shop, tmp_path / "c") as tools:
        after = tools.call("logs.count", DAY)

    assert not after.stored
    assert after.total == before.total + 1


def test_window_that_has_ended_outlives_lines_of_later(shop: Product, tmp_path: Path) -> None:
    with (tmp_path / "shop.log").open("a") as log:
        log.write(line("10", "11:00"))
    shop.ingest([tmp_path / "shop.log"])
    with cached(shop, tmp_path / "c") as tools:
        tools.call("logs.count", DAY)
        tools.call("logs.count", {})
    with (tmp_path / "shop.log").open("a") as log:
        log.write(line("10", "12:00"))
    shop.ingest([tmp_path / "shop.log"])
    with cached(shop, tmp_path / "c") as tools:
        closed, everything = tools.call("logs.count", DAY), tools.call("logs.count", {})

    assert closed.stored
    assert not everything.stored


def test_open_window_lives_shortly(shop: Product, tmp_path: Path) -> None:
    with cached(shop, tmp_path / "c", open_seconds=0.2) as tools:
        tools.call("logs.count", {})
        soon = tools.call("logs.count", {})
        time.sleep(0.3)
        late = tools.call("logs.count", {})

    assert soon.stored
    assert not late.stored


@pytest.mark.parametrize("freshness", ["live", "never"])
def test_state_of_this_moment_is_never_kept(shop: Product, tmp_path: Path, freshness: Freshness) -> None:
    from dataclasses import replace

    with closing(Reader(shop.home)) as reader:
        tool = log_tools(reader).tool("logs.count")
        assert tool is not None
        registry = Registry([replace(tool, freshness=freshness)])
        tools = CachedTools(registry, PlainCache(tmp_path / "c"), Holdings(reader), tool=registry.tool)
        tools.call("logs.count", DAY)

        assert not tools.call("logs.count", DAY).stored


def test_failed_call_is_made_again(shop: Product, tmp_path: Path) -> None:
    with cached(shop, tmp_path / "c") as tools:
        first = tools.call("logs.count", {"by": ["nonsense"]})
        second = tools.call("logs.count", {"by": ["nonsense"]})

    assert (first.status, second.status) == ("failed", "failed")
    assert not second.stored


def test_absence_is_known_anew_when_anything_was_read_since(shop: Product, tmp_path: Path) -> None:
    empty = {"start": "2026-11-11T00:00:00Z", "end": "2026-11-11T01:00:00Z"}
    with cached(shop, tmp_path / "c") as tools:
        assert tools.call("logs.count", empty).status == "nothing_found"
    (tmp_path / "next.log").write_text(line("11", "00:30"))
    shop.ingest([tmp_path / "next.log"])
    with cached(shop, tmp_path / "c") as tools:
        assert tools.call("logs.count", empty).status == "found"
