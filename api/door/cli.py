"""The commands ``oncalm keys …``: API keys for people and programs that come over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.options import AsJson

if TYPE_CHECKING:
    from datetime import datetime

    from agent.audit.journal import Journal
    from agent.keys.keys import Key

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API keys that open `oncalm serve`.")
_UNITS = {"h": 1, "d": 24, "w": 24 * 7}


@keys.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is: a person or a program. Keys of one name are one person.")],
    role: Annotated[str, typer.Option(help="viewer, responder, approver or admin.")] = "viewer",
    scope: Annotated[list[str] | None, typer.Option(help="Narrow it to otlp, alerts, chat, predict or metrics; as often as needed.")] = None,
    expires: Annotated[str, typer.Option(help="When it ends: 12h, 90d, 8w, a date, or never.")] = "365d",
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once and kept nowhere."""
    from agent.keys.keys import Keys
    from api.settings import load
    from api.terminal.escaping import json_line

    journal = _journal(context)
    made, secret = Keys(journal).create(name, role, load().person(), scopes=scope or (), expires=ending(expires, journal.clock()))  # type: ignore[arg-type] # checked there
    if as_json:
        typer.echo(json_line({**document(made, journal.clock()), "key": secret}))
        return
    typer.echo(secret)
    ends = f"until {made.expires:%Y-%m-%d %H:%M} UTC" if made.expires else "for ever"
    typer.echo(f"oncalm: key {made.id} of {made.name} ({made.role}), good {ends}; it is not shown again", err=True)


@keys.command("list")
def list_(context: typer.Context, every: Annotated[bool, typer.Option("--all", help="Also what was revoked or has expired.")] = False, as_json: AsJson = False) -> None:
    """List keys, without their secrets."""
    from agent.keys.keys import Keys
    from api.terminal.escaping import json_line, visible

    journal = _journal(context)
    now = journal.clock()
    found = [one for one in Keys(journal).list() if every or one.valid(now)]
    if as_json:
        typer.echo(json_line({"keys": [document(one, now) for one in found]}))
        return
    for one in found:
        scopes = f" only {', '.join(sorted(one.scopes))}" if one.scopes else ""
        used = f"last used {one.used:%Y-%m-%d %H:%M}" if one.used else "never used"
        typer.echo(visible(f"{one.id}  {one.name}  {one.role}{scopes}  {_state(one, now)}  {used}"))
    if not found:
        typer.echo("oncalm: there is no key; make one with: oncalm keys create NAME --role viewer", err=True)


@keys.command()
def revoke(context: typer.Context, ident: Annotated[str, typer.Argument(metavar="ID", help="A key's id, or its name when only one has it.")], as_json: AsJson = False) -> None:
    """Let a key open nothing any more, from its next request on, and end the sessions that it opened."""
    from agent.keys.keys import Keys
    from api.settings import load
    from api.terminal.escaping import json_line, visible

    journal = _journal(context)
    gone = Keys(journal).revoke(ident, load().person())
    typer.echo(json_line(document(gone, journal.clock())) if as_json else visible(f"key {gone.id} of {gone.name} is revoked"))


@keys.command("sign-out")
def sign_out(context: typer.Context, name: Annotated[str, typer.Argument(help="Whose browser sessions end.")], as_json: AsJson = False) -> None:
    """End every browser session of somebody."""
    from agent.approvals.people import Person
    from agent.keys.sessions import Sessions
    from api.settings import load
    from api.terminal.escaping import json_line
    from telemetry.errors import UsageError

    by, person = load().person(), Person(name)
    if by.id != person.id and not by.may("admin"):
        raise UsageError("only an administrator signs others out", where="keys", remedy="whoever owns this home may say so with ONCALM_ROLE=admin")
    ended = Sessions(_journal(context)).end_all(person, by)
    typer.echo(json_line({"name": name, "sessions": ended}) if as_json else f"{ended} sessions ended")


def ending(text: str, now: datetime) -> datetime | None:
    """When a key ends: ``90d``, ``2027-01-31`` (its start, UTC), an ISO time, or ``never``. Raises UsageError."""
    import re
    from datetime import UTC, datetime, timedelta

    from telemetry.errors import UsageError

    said = text.strip().lower()
    if said == "never":
        return None
    span = re.fullmatch(r"([0-9]{1,5})([hdw])", said)
    if span:
        return now + timedelta(hours=int(span[1]) * _UNITS[span[2]])
    try:
        found = datetime.fromisoformat(said)
    except ValueError as error:
        raise UsageError(f"cannot read {text!r} as a time", where="--expires", remedy="say 12h, 90d, 8w, 2027-01-31 or never") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def document(key: Key, now: datetime) -> dict[str, Any]:
    """A key for a program, without its secret."""
    def when(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {"id": key.id, "name": key.name, "role": key.role, "scopes": sorted(key.scopes), "state": _state(key, now), "created": when(key.created),
            "created_by": key.created_by, "expires": when(key.expires), "last_used": when(key.used), "revoked": when(key.revoked)}


def _state(key: Key, now: datetime) -> str:
    return "revoked" if key.revoked else "valid" if key.valid(now) else "expired"


def _journal(context: typer.Context) -> Journal:
    from datetime import UTC, datetime

    from agent.audit.journal import Journal
    from api.settings import load

    settings = load()
    home = context.obj or context.find_root().obj or settings.home
    return Journal.of(home, clock=lambda: datetime.now(UTC), url=settings.database())
