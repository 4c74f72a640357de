"""Sources as a configuration file makes them, over servers of tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from telemetry.sources import config
from telemetry.sources.opening import AnySource, open_source

_ADAPTER: TypeAdapter[config.Source] = TypeAdapter(config.Source)


def opened(kind: str, url: str, environment: Mapping[str, str] | None = None, **more: Any) -> Any:
    """A source of a kind at an address."""
    entry = _ADAPTER.validate_python({"name": "here", "kind": kind, "url": url, **more})
    source: AnySource = open_source(entry, (environment or {}).get)
    return source
