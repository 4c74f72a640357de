"""``oncalm serve``: everything under one address, until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.mcp_gate import Gate, check_binding
from api.receiver import tell
from api.serving import listen, run, shown
from telemetry.errors import WriterBusyError
from telemetry.store import version

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from api.desk import Desk
    from api.telling import Teller
    from api.wiring import Product
    from telemetry.inbox.inbox import Inbox

_CONNECTIONS = 2_000
_GRACE = 15


@dataclass
class Receiving:
    """OTLP beside the rest: the inbox, and what empties it into the store."""

    product: Product
    inbox: Inbox

    def start(self) -> None:
        """Begin to empty it."""
        from api.receiving import Committer

        self._committer = Committer(self.product.home, self.inbox, index=self.product.index, tell=tell)
        self._committer.start()

    def stop(self) -> None:
        """Put what was received into the store."""
        if not self._committer.stop():
            tell(f"the inbox still holds {self.inbox.size:,} bytes; the next start puts them into the store")
        self.inbox.close()


def serve(product: Product, desk: Desk, opener: Callable[[], Desk], teller: Teller | None, person: Person, host: str, port: int, token: str | None, *, most_bytes: int) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. ``opener`` opens a desk for a thread of its own.

    Without ``token`` the host must be a loopback one. Raises UsageError for a host, port or token that cannot be used.
    """
    import uvicorn

    from api.server.app import LocalPerson, create_app
    from api.server.kept import Kept
    from api.server.services import Services
    from api.tending import Caretaker

    check_binding(host, token, "serve")
    listening = listen(host, port)
    product.home.mkdir(parents=True, exist_ok=True)
    version.check(product.home)
    services = Services(product, desk, Kept(desk.journal.database, product.home))
    services.background.append(Caretaker(opener, teller))
    _receive(services, product, most_bytes)
    app = create_app(services)
    config = uvicorn.Config(
        Gate(LocalPerson(app, person), host, token), log_config=None, access_log=False, server_header=False, limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30, timeout_graceful_shutdown=_GRACE, ws="none", lifespan="on")
    run(config, listening, f"serving {product.home} at {shown(listening, host)}", ending=services.runs.close)


def _receive(services: object, product: Product, most_bytes: int) -> None:
    """Take OTLP, unless another process of this home does."""
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
    services.routers.append(router(inbox))
    services.background.append(Receiving(product, inbox))
