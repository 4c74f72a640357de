"""A kind of probe at work in this process, by either loader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ebpf import wire
from ebpf.kind import Aim, Options
from ebpf.kinds import kinds
from ebpf.loaders.interface import Loader


class Watch:
    """A kind of probe at work by one loader, in this process."""

    def __init__(self, loader: Loader, name: str, aim: Aim, options: Options | None = None) -> None:
        kind, options = kinds()[name], options or Options(budget=0)
        places = kind.places(aim, options)
        self.loaded = loader.load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
        self.loaded.attach(places)
        self.reader = kind.reader(aim, options, wire.epoch())
        self.told: list[Mapping[str, Any]] = []

    def finish(self) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
        """Its documents and summary; nothing is attached any more."""
        self.loaded.detach()
        while self.loaded.poll(0, lambda data: self.told.extend(self.reader.event(data))):
            pass
        summary = self.reader.summary(self.loaded)
        self.loaded.close()
        return self.told, summary
