"""``oncalm receive``: a server for OTLP alone, until a signal ends it."""

from __future__ import annotations

import sys

from api.door.single_token import Gate, check_binding
from api.ingestion.committer import Committer
from api.routes.otlp import Limits, router
from api.serving import listen, run, shown
from api.wiring.product import Product
from telemetry.inbox.inbox import Inbox
from telemetry.store import version
from telemetry.store.receipts import receipts

_CONNECTIONS = 256
_GRACE = 10


def serve(product: Product, host: str, port: int, token: str | None, *, most_bytes: int, limits: Limits | None = None) -> int:
    """Receive until SIGINT or SIGTERM; port 0 takes a free one. Returns the number of records put into the store.

    Without ``token`` the host must be a loopback one. Raises UsageError for a host, port or token that cannot be used,
    WriterBusyError when another process receives into the home.
    """
    check_binding(host, token, "receive")
    version.check(product.home)
    known = receipts(product.home)
    inbox = Inbox(product.home, most_bytes=most_bytes, after=known.done, known=known.known)
    try:
        return _serve(product, inbox, host, port, token, limits)
    finally:
        inbox.close()


def _serve(product: Product, inbox: Inbox, host: str, port: int, token: str | None, limits: Limits | None) -> int:
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router(inbox, limits))
    config = uvicorn.Config(
        Gate(app, host, token), log_config=None, access_log=False, server_header=False, limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30, timeout_graceful_shutdown=_GRACE, ws="none", lifespan="off",
    )
    listening = listen(host, port)
    committer = Committer(product.home, inbox, index=product.index, tell=tell)
    committer.start()
    passed = f"; {inbox.damaged} damaged entries of the inbox are passed over" if inbox.damaged else ""
    run(config, listening, f"receiving OTLP at {shown(listening, host)} into {product.home}{passed}")
    tell("ending; what was received goes into the store")
    if not committer.stop():
        tell(f"the inbox still holds {inbox.size:,} bytes; the next `oncalm receive` puts them into the store")
    return committer.records


def tell(what: str) -> None:
    """A sentence for whoever watches."""
    print(f"oncalm: {what}", file=sys.stderr, flush=True)


