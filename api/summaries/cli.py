"""The commands about summaries: ``oncalm summary`` and ``oncalm schedules``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import AsJson

Services = Annotated[list[str] | None, typer.Option("--service", help="Only of this service; as often as needed.")]
Team = Annotated[str, typer.Option(help="Only of this team's services (teams.yaml).")]
KindOf = Annotated[str, typer.Option("--kind", help="period, handover or postmortem.")]

schedules = typer.Typer(no_args_is_help=True, help="Send summaries on a schedule, each once.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(schedules, name="schedules")
    app.command("summary")(summary)


def _summaries(context: typer.Context, *, thinking: bool = True) -> Any:
    from api.environment import variable
    from api.incidents.alerting import Book, opened
    from api.incidents.config import read
    from api.settings import load
    from api.summaries.service import Summarising

    settings = load()
    home = context.obj or context.find_root().obj or settings.home
    told = read(settings.alerts or home / "alerts.yaml", variable, needed=settings.alerts is not None)
    kept = settings.database() or (home / "state.db").exists()  # a home that keeps no state is left so
    book = Book(opened(home, told, state_url=settings.database())) if kept else None
    return Summarising(home, state_url=settings.database(), incidents=book, thinking=settings.thinking() if thinking else None, variable=variable)


def summary(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="The last span of time, as 24h (the default).")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the period.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the period.")] = None,
    service: Services = None,
    team: Team = "",
    kind: KindOf = "period",
    incident: Annotated[str, typer.Option(metavar="ID", help="With --kind postmortem: of which incident.")] = "",
    form: Annotated[str, typer.Option("--format", help="md, html, slack or json.")] = "md",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write it there, with its charts.")] = None,
    charts: Annotated[str, typer.Option(help="With --out: charts as svg, png or pdf.")] = "svg",
    keep: Annotated[bool, typer.Option("--keep", help="Keep it among the summaries that the server lists.")] = False,
    kept: Annotated[bool, typer.Option("--kept", help="List the summaries that are kept, and make none.")] = False,
    analyst: Annotated[str, typer.Option(help="auto or offline: whether a model may word it.")] = "auto",
) -> None:
    """Sum up what happened: what is open, what got worse, what changed, what to watch."""
    from api.summaries.commands import kept as list_kept
    from api.summaries.commands import summary as run

    if kept:
        raise typer.Exit(list_kept(_summaries(context), as_json=form == "json"))
    raise typer.Exit(run(_summaries(context, thinking=analyst != "offline"), since=since, start=start, end=end, services=service or [], team=team, kind=kind,
                         incident=incident, form=form, out=out, charts=charts, keep=keep))


@schedules.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call it.")],
    cron: Annotated[str, typer.Option(help="Minute, hour, day, month, weekday: '0 8 * * 1-5'.")],
    to: Annotated[list[str], typer.Option("--to", help="folder:PATH, mail:ADDRESS, webhook:VARIABLE, slack:CHANNEL, slack-hook:VARIABLE or apprise:VARIABLE.")],
    zone: Annotated[str, typer.Option(help="Its time zone, as Europe/Berlin.")] = "UTC",
    since: Annotated[str, typer.Option(help="How far each summary goes back.")] = "24h",
    kind: Annotated[str, typer.Option("--kind", help="period or handover.")] = "period",
    service: Services = None,
    team: Team = "",
    missed: Annotated[str, typer.Option(help="What becomes of missed ones: catch_up (once) or skip.")] = "catch_up",
    grace: Annotated[str, typer.Option(help="With skip: how late one may be.")] = "1h",
    as_json: AsJson = False,
) -> None:
    """Add a schedule. Secrets are named by the environment variable that holds them."""
    from api.summaries.commands import add as run

    told = {"name": name, "cron": cron, "zone": zone, "since": since, "kind": kind, "services": service or [], "team": team, "missed": missed, "grace": grace}
    raise typer.Exit(run(_summaries(context), told, to, as_json=as_json))


@schedules.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List schedules, when each is due next, and how the last deliveries went."""
    from api.summaries.commands import listed as run

    raise typer.Exit(run(_summaries(context), as_json=as_json))


@schedules.command("remove")
def remove(context: typer.Context, ident: Annotated[str, typer.Argument(metavar="ID", help="Its id or name.")], as_json: AsJson = False) -> None:
    """Remove a schedule; what waits to be sent is not sent."""
    from api.summaries.commands import remove as run

    raise typer.Exit(run(_summaries(context), ident, as_json=as_json))


@schedules.command("run")
def run_(context: typer.Context, once: Annotated[bool, typer.Option("--once", help="Do what is due now, and end.")] = False) -> None:
    """Make and send what is due, until a signal ends it; `oncalm serve` does it, too."""
    from api.summaries.commands import run

    raise typer.Exit(run(_summaries(context), once=once))
