"""The commands about actions: ``oncalm actions``, ``propose``, ``approvals``, ``audit``, ``history``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.options import AsJson

Ident = Annotated[str, typer.Argument(metavar="ID", help="An approval's id, or how it begins.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Kubeconfig = Annotated[str | None, typer.Option(help="A kubeconfig, or in-cluster (default: ONCALM_KUBECONFIG, then kubectl's).")]

approvals = typer.Typer(no_args_is_help=True, help="See, approve and reject what was proposed; what is approved is carried out at once.")
notices = typer.Typer(no_args_is_help=True, help="See and send what people are told of actions.")
audit = typer.Typer(no_args_is_help=True, help="Prove what was asked, approved and done.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(approvals, name="approvals")
    app.add_typer(audit, name="audit")
    app.add_typer(notices, name="notices")
    app.command("actions")(actions)
    app.command("propose")(propose)
    app.command("history")(history)


def desk_of(context: typer.Context, kubeconfig: str | None = None) -> Any:
    """The desk of the home that a command names."""
    from api.settings import load

    settings = load()
    desk = settings.desk(context.obj or context.find_root().obj or settings.home, settings.cluster_asked(kubeconfig),
                         me=settings.person() if settings.kube_impersonate else None)
    context.call_on_close(desk.close)
    return desk


def me() -> Any:
    from api.settings import load

    return load().person()


def actions(context: typer.Context, as_json: AsJson = False) -> None:
    """List what OnCalm can change: every action, its targets and its parameters."""
    from api.actions.commands import catalogue

    raise typer.Exit(catalogue(desk_of(context), as_json=as_json))


def propose(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="An action of `oncalm actions`.")],
    target: Annotated[str, typer.Argument(help="KIND/NAME, for example Deployment/web.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="The target's namespace.")] = "default",
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE, as often as needed.")] = None,
    cause: Annotated[str, typer.Option(help="The cause it is against, in a word: outcomes are counted by it.")] = "",
    confidence: Annotated[float, typer.Option(min=0.0, max=1.0, help="How sure the cause is.")] = 1.0,
    reason: Reason = "",
    incident: Annotated[str, typer.Option(help="The incident that it is for: its timeline tells what becomes of it.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only show what it would do; ask nobody.")] = False,
    kubeconfig: Kubeconfig = None,
    as_json: AsJson = False,
) -> None:
    """Preview an action by a dry run, decide by the policy, and ask for approval. Nothing is changed."""
    from api.actions.commands import propose as run

    raise typer.Exit(run(desk_of(context, kubeconfig), me(), action, target, namespace, param or [], cause=cause, confidence=confidence,
                         reason=reason, incident=incident, only_preview=preview, as_json=as_json))


def history(context: typer.Context, as_json: AsJson = False) -> None:
    """What became of actions, the newest first, with what engineers said of them."""
    from api.actions.audit import history as run

    raise typer.Exit(run(desk_of(context), as_json=as_json))


@approvals.command("list")
def list_(context: typer.Context, every: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False, as_json: AsJson = False) -> None:
    """List what waits for an answer."""
    from api.actions.commands import listed

    raise typer.Exit(listed(desk_of(context), every=every, as_json=as_json))


@approvals.command()
def show(context: typer.Context, ident: Ident, as_json: AsJson = False) -> None:
    """Show an approval: action, diff, risk, reasons, deadline, answers and what was done."""
    from api.actions.commands import shown

    raise typer.Exit(shown(desk_of(context), ident, as_json=as_json))


@approvals.command()
def approve(
    context: typer.Context, ident: Ident,
    digest: Annotated[str, typer.Option(help="How the digest begins that you saw (8 characters or more), in place of a question.")] = "",
    reason: Reason = "", kubeconfig: Kubeconfig = None, as_json: AsJson = False,
) -> None:
    """Approve exactly what is shown, and carry it out."""
    from api.actions.commands import approve as run

    raise typer.Exit(run(desk_of(context, kubeconfig), me(), ident, digest=digest, reason=reason, as_json=as_json))


@approvals.command()
def run(context: typer.Context, ident: Ident, kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Carry out what is approved and was not begun (after a crash). What began is settled by looking, never done again."""
    from api.actions.commands import run as carry_out

    raise typer.Exit(carry_out(desk_of(context, kubeconfig), me(), ident, as_json=as_json))


@approvals.command()
def reject(context: typer.Context, ident: Ident, reason: Reason = "", as_json: AsJson = False) -> None:
    """Say no, with a reason."""
    from api.actions.commands import reject as run

    raise typer.Exit(run(desk_of(context), me(), ident, reason=reason, as_json=as_json))


@approvals.command()
def rollback(context: typer.Context, ident: Ident, reason: Reason = "", kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Take back what was done, by the inverse that was approved with it."""
    from api.actions.commands import rollback as run

    raise typer.Exit(run(desk_of(context, kubeconfig), me(), ident, reason=reason, as_json=as_json))


@approvals.command()
def watch(
    context: typer.Context, ident: Ident,
    interval: Annotated[float | None, typer.Option(min=0.1, help="Seconds between looks (30).")] = None,
    hold: Annotated[float | None, typer.Option(min=0.0, help="Seconds for which it has to stay well (600).")] = None,
    patience: Annotated[float | None, typer.Option(min=0.1, help="Seconds it may take to get well (1200).")] = None,
    kubeconfig: Kubeconfig = None, as_json: AsJson = False,
) -> None:
    """Verify that an action helped, and take it back when it made things worse. Interrupted, it goes on where it was."""
    from api.actions.commands import watch as run

    raise typer.Exit(run(desk_of(context, kubeconfig), ident, interval=interval, hold=hold, patience=patience, as_json=as_json))


@approvals.command()
def settle(context: typer.Context, ident: Ident, kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Look what became of an action whose end nobody saw; it is never done again."""
    from api.actions.commands import settle as run

    raise typer.Exit(run(desk_of(context, kubeconfig), ident, as_json=as_json))


@approvals.command()
def judge(
    context: typer.Context, ident: Ident,
    cause: Annotated[str | None, typer.Option(help="right or wrong.")] = None,
    effect: Annotated[str | None, typer.Option(help="helpful or harmful.")] = None, as_json: AsJson = False,
) -> None:
    """Say afterwards whether the cause was right and the action helped: later decisions learn from it."""
    from api.actions.commands import judge as run

    raise typer.Exit(run(desk_of(context), me(), ident, cause, effect, as_json=as_json))


@audit.command()
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Find any edit, removal or reordering of what was recorded."""
    from api.actions.audit import verify as run

    raise typer.Exit(run(desk_of(context), as_json=as_json))


@audit.command()
def export(context: typer.Context) -> None:
    """Print every entry as a line of JSON."""
    from api.actions.audit import export as run

    raise typer.Exit(run(desk_of(context)))


def _teller(context: typer.Context) -> Any:
    from api.settings import load
    from telemetry.errors import UsageError

    settings = load()
    home = context.find_root().obj or settings.home
    teller = settings.teller(home)
    if teller is None:
        raise UsageError("no notification channel is named", where=str(home / "notifications.yaml"), remedy="write one (docs/notifications.md)")
    return teller


@notices.command("list")
def listed(context: typer.Context, as_json: AsJson = False) -> None:
    """List what was told, what waits and what was given up, the newest first."""
    from api.actions.notifications import listed as run

    raise typer.Exit(run(_teller(context), as_json=as_json))


@notices.command()
def send(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Also take up what was given up.")] = False,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to try.")] = 60.0, as_json: AsJson = False,
) -> None:
    """Send what waits in the outbox, now."""
    from api.actions.notifications import send as run

    raise typer.Exit(run(_teller(context), again=again, seconds=seconds, as_json=as_json))


@notices.command("test")
def try_(context: typer.Context, as_json: AsJson = False) -> None:
    """Send a test message to every channel."""
    from api.actions.notifications import try_channels

    raise typer.Exit(try_channels(_teller(context), as_json=as_json))
