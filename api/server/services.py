"""What the server's routes work with: one object, made by the command and by tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from api.server.runs import Runs

if TYPE_CHECKING:
    from fastapi import APIRouter
    from prometheus_client.registry import Collector

    from api.actions.desk import Desk
    from api.server.kept import Kept
    from api.wiring.product import Product


class Background(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Begin; returns at once."""
        ...

    def stop(self) -> None:
        """End in order; it may take some seconds."""
        ...


class Part(Background, Protocol):
    """A part of the server with routes of its own: alerts, summaries, Slack."""

    def routers(self) -> list[APIRouter]:
        """Its routes."""
        ...


@dataclass
class Services:
    """``product`` and ``desk`` are shared by all requests; ``kept`` is the server's own part of the state database."""

    product: Product
    desk: Desk
    kept: Kept
    runs: Runs = field(default_factory=Runs)
    routers: list[APIRouter] = field(default_factory=list)
    """Of what else is met under this address: alerts, Slack, summaries, the page."""
    background: list[Background] = field(default_factory=list)
    collectors: list[Collector] = field(default_factory=list)
    """Of metrics of the parts, for ``/metrics``."""

    @property
    def home(self) -> Path:
        """The home that is served."""
        return self.product.home
