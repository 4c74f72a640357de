"""The commands ``oncalm serve`` and ``oncalm chat``."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("serve")(serve)
    app.command("chat")(chat)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8080,
    inbox: Annotated[str, typer.Option(help="How much received telemetry may wait for the store, as 1GB.")] = "1GB",
) -> None:
    """Serve chat, investigations, approvals, records and OTLP over HTTP until a signal ends it."""
    from api.ingestion.commands import inbox_size
    from api.options import product_of
    from api.settings import load
    from api.wiring.home import seldom_collecting

    with seldom_collecting():
        from api.server.joining import joined
        from api.server.serve import built

        settings = load()
        home = context.obj or settings.home
        teller = settings.teller(home)

        def desk() -> Any:
            return settings.desk(home, settings.cluster(), lambda: teller)

        product = product_of(context)
        product.me = None  # who asks nothing in their own name is OnCalm, not whoever started it
        shared = desk()
        if product.desk is not None:
            product.desk = shared
        made = joined(settings, home, product, shared)
        server = built(product, shared, desk, teller, settings.door(), host, port, most_bytes=inbox_size(inbox), made=made)
    server()


def chat(
    context: typer.Context,
    conversation: Annotated[str | None, typer.Option(help="Go on with this one (of `oncalm ask --conversation`, or of the server).")] = None,
    analyst: Annotated[str, typer.Option(help="auto, offline or llm.")] = "auto",
    server: Annotated[str | None, typer.Option(help="Ask a running `oncalm serve` at this URL (or ONCALM_SERVER), with the key in ONCALM_KEY.")] = None,
) -> None:
    """Talk in the terminal: follow-ups know what was said."""
    from api.options import analyst_of, product_of
    from api.settings import load
    from api.terminal.chat import talk

    settings = load()
    history = (context.obj or settings.home) / "chat_history"
    if not (server or settings.server):
        raise typer.Exit(talk(product_of(context), conversation, analyst_of(analyst), history=history))
    from api.terminal.remote_chat import Remote

    remote = Remote(server or settings.server, settings.key.get_secret_value() if settings.key else None)
    context.call_on_close(remote.close)
    typer.echo(f"{remote.url}: you are {remote.check()}", err=True)
    if conversation:
        remote.go_on(conversation)
    raise typer.Exit(talk(remote, conversation, analyst_of(analyst), history=history))
