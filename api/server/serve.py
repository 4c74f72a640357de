"""``oncalm serve``: everything under one address, until a signal ends it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.door.hosts import Receive, Scope, Send
from api.ingestion.receiver import tell
from api.serving import listen, run, shown
from telemetry.errors import WriterBusyError
from telemetry.store import version

if TYPE_CHECKING:
    from api.actions.desk import Desk
    from api.actions.notifications import Teller
    from api.door.building import DoorSettings
    from api.server.joining import Joined
    from api.wiring.product import Product
    from telemetry.inbox.inbox import Inbox

_CONNECTIONS = 2_000
_GRACE = 15
_AT_ONCE = {False: 4, True: 16}
"""Runs that work at once, by whether a model is asked: those mostly wait for it."""
_SWITCH = 0.001
"""Seconds of a thread that computes, after which another that wants to may: the loop wants to hundreds of times a second."""


@dataclass
class Receiving:
    """OTLP beside the rest: the inbox, and what empties it into the store."""

    product: Product
    inbox: Inbox

    def start(self) -> None:
        """Begin to empty it."""
        from api.ingestion.committer import Committer

        self._committer = Committer(self.product.home, self.inbox, index=self.product.index, tell=tell)
        self._committer.start()

    def stop(self) -> None:
        """Put what was received into the store."""
        if not self._committer.stop():
            tell(f"the inbox still holds {self.inbox.size:,} bytes; the next start puts them into the store")
        self.inbox.close()


def built(product: Product, desk: Desk, opener: Callable[[], Desk], teller: Teller | None, keeping: DoorSettings, host: str, port: int, *, most_bytes: int,
          made: Joined) -> Callable[[], None]:
    """What serves until SIGINT or SIGTERM, listening already; port 0 takes a free one. ``opener`` opens a desk for a thread of its own; ``made``: the other parts.

    Beyond loopback there must be a key or an identity provider. Raises UsageError for that, and a host or port that cannot be used.
    """
    import uvicorn

    from api.actions.reconciler import Reconciler
    from api.door.building import check_door, open_door
    from api.door.protocol import hurried
    from api.door.route_table import check_route_table
    from api.door.routes import router as door_routes
    from api.page.routes import router as page
    from api.server.app import create_app
    from api.server.kept import Kept
    from api.server.runs import Runs
    from api.server.services import Services

    product.home.mkdir(parents=True, exist_ok=True)
    version.check(product.home)
    check_door(host, desk.journal, keeping)
    listening = listen(host, port)
    services = Services(product, desk, Kept(desk.journal.database, product.home), Runs(_AT_ONCE[product.thinking is not None]))
    services.background.append(Reconciler(opener, teller))
    services.routers.append(page(services, made.incidents, made.summaries))
    for part in made.parts:
        services.routers += part.routers()
        services.background.append(part)
    services.collectors += made.collectors
    _receive(services, product, most_bytes)
    door = open_door(_nothing, host, desk.journal, keeping)
    services.routers.append(door_routes(door))
    door.app = app = create_app(services)
    check_route_table(app)
    config = uvicorn.Config(
        door, http=hurried(), log_config=None, access_log=False, server_header=False, limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30, timeout_graceful_shutdown=_GRACE, ws="none", lifespan="on")

    def serve() -> None:
        sys.setswitchinterval(_SWITCH)
        gc.collect()
        gc.freeze()  # modules and routes stay: no need to look through them again and again
        run(config, listening, f"serving {product.home} at {shown(listening, host)}", ending=services.runs.close)
        door.reception.close()

    return serve


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """What a door is made around, before the application is there."""


def _receive(services: object, product: Product, most_bytes: int) -> None:
    """Take OTLP from those who may write, unless another process of this home does."""
    from fastapi import APIRouter, Depends

    from api.door.needs import Needs
    from api.routes.otlp import router
    from api.server.services import Services
    from telemetry.inbox.inbox import Inbox
    from telemetry.store.receipts import receipts

    assert isinstance(services, Services)  # noqa: S101 - imported late
    try:
        known = receipts(product.home)
        inbox = Inbox(product.home, most_bytes=most_bytes, after=known.done, known=known.known)
    except WriterBusyError as error:
        tell(f"OTLP is received by another process ({error.what}); this one answers questions only")
        return
    guarded = APIRouter(dependencies=[Depends(Needs("responder"))])
    guarded.include_router(router(inbox))
    services.routers.append(guarded)
    services.background.append(Receiving(product, inbox))
