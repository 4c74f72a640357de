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
    from api.alert_file import read
    from api.alerting import Alerting, Book, by_product, opened
    from api.cli import product_of
    from api.commands import inbox_size
    from api.desk import Desk
    from api.server.serve import serve as run
    from api.settings import load, variable
    from api.slack.bot import incident_notices, slack_of
    from api.summarising import Summarising, Summing

    settings = load()
    home = context.obj or settings.home
    teller = settings.teller(home)

    def desk() -> Any:
        return Desk(home, settings.cluster(), policy=settings.policy, state_url=settings.database(), teller=lambda: teller)

    product = product_of(context)
    shared = desk()
    if product.desk is not None:
        product.desk = shared
    told = read(settings.alerts or home / "alerts.yaml", variable, needed=settings.alerts is not None)
    bot = slack_of(settings.slack(), settings.slack_users or home / "slack_users.yaml", home, product, shared,
                   lambda: [one.document() for one in incidents.list()[0]])
    incidents = opened(home, told, state_url=settings.database(), on_event=incident_notices(bot))
    summaries = Summarising(home, state_url=settings.database(), incidents=Book(incidents), thinking=product.thinking, variable=variable)
    parts: list[Any] = [Alerting(incidents, by_product(product)), Summing(summaries), *([bot] if bot else [])]
    run(product, shared, desk, teller, settings.door(), host, port, most_bytes=inbox_size(inbox), parts=parts, incidents=incidents)


def chat(
    context: typer.Context,
    conversation: Annotated[str | None, typer.Option(help="Go on with this one (of `oncalm ask --conversation`).")] = None,
    analyst: Annotated[str, typer.Option(help="auto, offline or llm.")] = "auto",
) -> None:
    """Talk in the terminal: follow-ups know what was said."""
    from api.cli import analyst_of, product_of
    from api.talking import talk

    raise typer.Exit(talk(product_of(context), conversation, analyst_of(analyst)))
