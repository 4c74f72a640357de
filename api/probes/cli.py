"""The commands about probes: ``oncalm probe``, and ``oncalm probed``, which runs on each node."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import AsJson

probe = typer.Typer(no_args_is_help=True, help="Look into a node's kernel: bounded eBPF probes, behind approval.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(probe, name="probe")
    app.command("probed")(probed)


def _home(context: typer.Context) -> Path:
    from api.settings import load

    found: Path = context.find_root().obj or load().home
    return found


@probe.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every probe there is: what it tells, its usual port, its options."""
    from api.probes.commands import listed

    raise typer.Exit(listed(as_json=as_json))


@probe.command()
def nodes(context: typer.Context, as_json: AsJson = False) -> None:
    """Ask every node's daemon what it is, and what its probes lack."""
    from api.probes.commands import asked

    raise typer.Exit(asked(_home(context), as_json=as_json))


@probe.command()
def key(context: typer.Context) -> None:
    """Print the public key that nodes have to trust before they attach what is approved here."""
    from api.probes.commands import public

    raise typer.Exit(public(_home(context)))


@probe.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine's kernel can do: each kind of program is loaded once, and refusals are explained."""
    from api.probes.commands import examined

    raise typer.Exit(examined(as_json=as_json))


@probe.command()
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A probe of `oncalm probe list`.")],
    node: Annotated[str, typer.Option(help="The node (default: this machine).")] = "",
    pid: Annotated[int | None, typer.Option(help="A process.")] = None,
    container: Annotated[str | None, typer.Option(help="A container's id.")] = None,
    cgroup: Annotated[str | None, typer.Option(help="A control group's path.")] = None,
    port: Annotated[int | None, typer.Option(help="A port: of the target, or alone.")] = None,
    side: Annotated[str, typer.Option(help="server: requests come in; client: they go out; either.")] = "either",
    seconds: Annotated[int, typer.Option(help="How long, at most 600.")] = 30,
    budget: Annotated[int, typer.Option(help="Events a second that are handed out; all are counted.")] = 200,
    overhead: Annotated[float, typer.Option(help="The most of one CPU it may cost, 0.05 is 5 %.")] = 0.05,
    service: Annotated[str, typer.Option(help="The target's name as other telemetry has it.")] = "",
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="NAME=NUMBER, as often as needed.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Propose a probe, see its target and price, and attach it once it is approved."""
    from api.actions.cli import desk_of, me
    from api.actions.targets import parameters
    from api.probes.commands import run as go

    asked: dict[str, Any] = {
        "probe": name, "pid": pid, "container": container, "cgroup": cgroup, "port": port, "side": side, "seconds": seconds, "budget": budget,
        "overhead": overhead, "service": service, "options": parameters(option or [])}
    given = {key: value for key, value in asked.items() if value is not None}
    raise typer.Exit(go(desk_of(context), me(), node or socket.gethostname(), given, reason=reason, as_json=as_json))


@probe.command()
def results(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(help="A session's name, or how it begins; without one all are listed.")] = "",
    calls: Annotated[int, typer.Option(help="So many calls, the slowest first.")] = 20,
    flame: Annotated[Path | None, typer.Option(help="Write the flame graph of cpu_profile or off_cpu to this SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what probes saw."""
    from api.probes.commands import shown

    raise typer.Exit(shown(_home(context), ident, calls=calls, flame=flame, as_json=as_json))


def probed(
    node: Annotated[str, typer.Option(help="This node's name (default: the host's).")] = "",
    listen: Annotated[str, typer.Option("--socket", help="The Unix socket; empty for none.")] = "/run/oncalm/probed.sock",
    group: Annotated[str, typer.Option(help="The group that may connect to the socket (default: only this user).")] = "",
    state: Annotated[Path, typer.Option(help="A folder of its own: used grants, calibrations.")] = Path("/var/lib/oncalm-probed"),
    keys: Annotated[Path, typer.Option(help="A folder of public keys (*.pem) whose approvals count.")] = Path("/etc/oncalm/probe-keys"),
    tcp: Annotated[str, typer.Option(help="HOST:PORT to listen on with mutual TLS, too.")] = "",
    certificate: Annotated[Path | None, typer.Option(help="PEM of this node.")] = None,
    private: Annotated[Path | None, typer.Option("--key", help="PEM of its private key.")] = None,
    authority: Annotated[Path | None, typer.Option(help="PEM of the authority whose clients may connect.")] = None,
    sessions: Annotated[int, typer.Option(help="Sessions at once.", min=1, max=64)] = 4,
    overhead: Annotated[float, typer.Option(help="The most of one CPU that a session may be granted.")] = 0.2,
    metrics: Annotated[int, typer.Option(help="Port for Prometheus; 0 for none.", min=0, max=65535)] = 0,
    metrics_host: Annotated[str, typer.Option(help="Address of that port.")] = "127.0.0.1",
    otlp: Annotated[str, typer.Option(help="Where spans go as they come, for example http://collector:4318.")] = "",
    loader: Annotated[str, typer.Option(help="core: compiled objects; bcc: compile on this node; auto: core where an object fits, else bcc.")] = "auto",
) -> None:
    """Run a node's probe daemon: it checks signed approvals and attaches exactly what they name."""
    from api.probes.commands import serve

    raise typer.Exit(serve(
        node or socket.gethostname(), listen, group, state, keys, tcp, (certificate, private, authority), sessions=sessions, overhead=overhead,
        metrics=(metrics_host, metrics), loader=loader, otlp=otlp))
