"""The commands about incidents: ``oncalm incidents list|show|acknowledge|mitigate|resolve|reopen|investigate|propose|note|link``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.actions.cli import desk_of, me
from api.options import AsJson

Ident = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or how it begins.")]
Why = Annotated[str, typer.Option("--why", help="Why, in words.")]

incidents = typer.Typer(no_args_is_help=True, help="See what alerts made, and lead it through its life.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(incidents, name="incidents")


def _incidents(context: typer.Context) -> Any:
    from api.environment import variable
    from api.incidents.alerting import opened
    from api.incidents.config import read
    from api.settings import load

    settings = load()
    home = context.obj or context.find_root().obj or settings.home
    told = read(settings.alerts or home / "alerts.yaml", variable, needed=settings.alerts is not None)
    return opened(home, told, state_url=settings.database())


@incidents.command("list")
def listed(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    service: Annotated[str, typer.Option(help="Of one service.")] = "",
    severity: Annotated[str, typer.Option(help="Of one severity.")] = "",
    top: Annotated[int, typer.Option(help="How many to show.", min=1, max=500)] = 50,
    as_json: AsJson = False,
) -> None:
    """List incidents, the newest first."""
    from api.incidents.commands import listed as run

    raise typer.Exit(run(_incidents(context), every=every, service=service, severity=severity, top=top, as_json=as_json))


@incidents.command()
def show(context: typer.Context, ident: Ident, as_json: AsJson = False) -> None:
    """Show one: its timeline, alerts, participants, links, and what its investigation found."""
    from api.incidents.commands import shown as run

    raise typer.Exit(run(_incidents(context), ident, as_json=as_json))


def _step(name: str, told: str) -> None:
    def command(context: typer.Context, ident: Ident, why: Why = "", as_json: AsJson = False) -> None:
        from api.incidents.commands import step as run

        raise typer.Exit(run(_incidents(context), me(), ident, name, why=why, as_json=as_json))

    command.__doc__ = told
    incidents.command(name)(command)


for _name, _told in (("acknowledge", "Look after it."), ("mitigate", "Say that it hurts nobody any more."), ("resolve", "Say that it is over, and why."),
                     ("reopen", "Say that it is not over."), ("investigate", "Have it investigated again by `oncalm serve`.")):
    _step(_name, _told)


@incidents.command()
def propose(context: typer.Context, ident: Ident, as_json: AsJson = False) -> None:
    """Put the first action that its investigation proposes before people."""
    from api.incidents.commands import proposed as run

    raise typer.Exit(run(_incidents(context), me(), ident, desk_of(context), as_json=as_json))


@incidents.command()
def note(context: typer.Context, ident: Ident, text: Annotated[list[str], typer.Argument(help="What to note.")], as_json: AsJson = False) -> None:
    """Put words into its timeline."""
    from api.incidents.commands import noted as run

    raise typer.Exit(run(_incidents(context), me(), ident, " ".join(text), as_json=as_json))


@incidents.command()
def link(
    context: typer.Context, ident: Ident, url: Annotated[str, typer.Argument(help="A link of http or https; it is never fetched.")],
    title: Annotated[str, typer.Option(help="What it is.")] = "", as_json: AsJson = False,
) -> None:
    """Put a link beside it."""
    from api.incidents.commands import linked as run

    raise typer.Exit(run(_incidents(context), me(), ident, url, title, as_json=as_json))
