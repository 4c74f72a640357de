"""What the commands about probes do and print. Exit codes: 0 done, 1 failed or refused, 3 nothing there."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from api.terminal.escaping import json_line
from api.terminal.printing import printable
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from api.actions.desk import Desk

DONE, FAILED, NOTHING = 0, 1, 3


def listed(*, as_json: bool) -> int:
    """The catalogue."""
    from ebpf.catalog import ENTRIES

    if as_json:
        typer.echo(json_line([{**asdict(one), "capabilities": sorted(one.capabilities)} for one in ENTRIES]))
        return DONE
    table = Table("probe", "tells", "port", "options", box=None, pad_edge=False)
    for one in ENTRIES:
        table.add_row(one.name, one.tells, str(one.port or ""), ", ".join(one.options))
    Console().print(table)
    return DONE


def asked(home: Path, *, as_json: bool) -> int:
    """Every node that is configured. 1: one of them cannot be reached; 3: none is configured."""
    from api.probes.nodes import addresses
    from ebpf.client import Client
    from ebpf.errors import ProbeError

    told: list[dict[str, Any]] = []
    for address in addresses(home):
        try:
            with Client(address) as client:
                told.append({**client.ask("hello"), "address": str(address), "error": ""})
        except ProbeError as error:
            told.append({"node": address.node, "address": str(address), "error": str(error)})
    if as_json:
        typer.echo(json_line(told))
    elif not told:
        Console().print("No node is configured: start `oncalm probed` on this machine, or name nodes in probes.yaml (docs/probes.md).")
    for one in [] if as_json else told:
        lacking = _lacking(one.get("probes", {}))
        price = one.get("calibrated", {}).get("ns_per_call")
        words = one["error"] or f"kernel {one['kernel']}; " + (f"lacks {', '.join(lacking)}" if lacking else "ready") + (f"; {price:,.0f} ns a call" if price else "; not calibrated yet")
        Console().print(f"[bold]{printable(one['node'])}[/bold] {printable(one['address'])}: {printable(words)}")
    return NOTHING if not told else FAILED if any(one["error"] for one in told) else DONE


def public(home: Path) -> int:
    """The home's public key."""
    from ebpf.grants import private_key, public_text

    home.mkdir(parents=True, exist_ok=True)
    typer.echo(public_text(private_key(home / "probe.key")), nl=False)
    return DONE


def examined(*, as_json: bool) -> int:
    """The doctor. 1: something that probes need is not there."""
    from ebpf.doctor import examine

    found = examine()
    if as_json:
        typer.echo(json_line([one.document() for one in found]))
    for one in [] if as_json else found:
        mark = {"yes": "[green]yes[/green]", "no": "[red]no[/red]", "partly": "[yellow]partly[/yellow]"}[one.works]
        Console().print(f"{mark:<4} [bold]{printable(one.what)}[/bold]: {printable(one.told)}" + (f" → {printable(one.remedy)}" if one.remedy else ""))
    return FAILED if any(one.works == "no" and one.needed for one in found) else DONE


def run(desk: Desk, me: Person, node: str, params: Mapping[str, Any], *, reason: str, as_json: bool) -> int:
    """Propose, and on a terminal ask whoever may approve; then wait for the result and show it."""
    from api.actions.cards import card
    from tools.actions.action import Target
    from tools.actions.probes import ACTION

    with closing(desk):
        asked = desk.propose(ACTION, Target("Node", node, "", "probe"), params, me, reason=reason)
        if asked.approval is None:
            told = {"decision": asked.verdict.document(), "preview": asked.preview.document(), "approval": None}
            typer.echo(json_line(told)) if as_json else Console().print("\n".join(["NOT attached:", *map(printable, asked.verdict.reasons)]))
            return FAILED
        approval = asked.approval
        if not as_json:
            card(approval)
        if approval.state == "pending" and not as_json and sys.stdin.isatty() and me.may("approver"):
            if not typer.confirm("Approve, and attach exactly this?"):
                Console().print(f"NOT attached; it waits: oncalm approvals approve {approval.id[:12]}")
                return FAILED
            approval = desk.approve(approval.id, me, digest=approval.line.digest, reason=reason)
        elif approval.state == "approved":  # a rule of the policy allows it
            approval = desk.carry_out(approval)
        desk.finish()
    if as_json:
        typer.echo(json_line(approval.document()))
    elif approval.state == "pending":
        Console().print(f"It waits for an approver: oncalm approvals approve {approval.id[:12]}")
    else:
        shown(desk.home, asked.preview.action.marker, calls=10, as_json=False)
    return DONE if approval.state in {"pending", "succeeded", "confirmed"} else FAILED


def shown(home: Path, ident: str, *, calls: int, as_json: bool, flame: Path | None = None) -> int:
    """Sessions, or one. 3: there is none."""
    from api.probes.sessions import sessions_of
    from tools.actions.probes import read_result, results

    found = [path for path in results(home / "probes") if path.stem.startswith(ident)]
    if not found:
        Console(stderr=True).print("No probe has told anything yet." if not ident else f"There is no session {printable(ident)}.")
        return NOTHING
    if not ident:
        told = sessions_of(home)
        if as_json:
            typer.echo(json_line(told))
            return DONE
        table = Table("session", "probe", "target", "started (UTC)", "seen", "ended", box=None, pad_edge=False)
        for one in told:
            table.add_row(one["session"], *(printable(str("" if one[name] is None else one[name])[:80]) for name in ("probe", "target", "started", "seen", "ended")))
        Console().print(table)
        return DONE
    if len(found) > 1:
        raise UsageError(f"{len(found)} sessions begin with {ident}", where="session", remedy="write more of it")
    result = read_result(found[0])
    if flame is not None:
        _draw(result, flame)
    if as_json:
        typer.echo(json_line(result))
    else:
        from ebpf.telling import told_of

        for line in told_of(result, calls):
            Console().print(printable(line), highlight=False, soft_wrap=True)
    return FAILED if result["error"] else DONE


def _lacking(probes: Mapping[str, Sequence[str]]) -> list[str]:
    """Capabilities that a node has not, with the probes that want them where that is not most of them."""
    wanting: dict[str, list[str]] = {}
    for probe, names in probes.items():
        for name in names:
            wanting.setdefault(name, []).append(probe)
    return [name if len(who) > 3 else f"{name} (for {', '.join(sorted(who))})" for name, who in sorted(wanting.items())]


def _draw(result: Mapping[str, Any], path: Path) -> None:
    """Raises UsageError for a session without stacks."""
    from api.probes.sessions import flame_of

    drawn = flame_of(result)
    if drawn is None:
        raise UsageError("this session has no stacks", where="--flame", remedy="cpu_profile and off_cpu have")
    path.write_text(drawn, encoding="utf-8")


def serve(node: str, listen: str, group: str, state: Path, keys: Path, tcp: str, files: tuple[Path | None, Path | None, Path | None], *, sessions: int,
          overhead: float, metrics: tuple[str, int], loader: str = "auto", otlp: str = "") -> int:
    """The daemon, until it is told to end."""
    from ebpf.daemon.server import Probed
    from ebpf.daemon.settings import DaemonSettings
    from ebpf.loaders.choice import CHOICES

    if loader not in CHOICES:
        raise UsageError(f"there is no loader {loader!r}", where="--loader", remedy=f"use {', '.join(CHOICES)}")
    if not keys.is_dir():
        raise UsageError("there is no such folder", where=str(keys), remedy="make it, and put there what `oncalm probe key` prints")
    settings = DaemonSettings(node, state, keys, Path(listen) if listen else None, 0o660 if group else 0o600, _tls(tcp, files), sessions, overhead, otlp, loader)
    if settings.socket is None and settings.tls is None:
        raise UsageError("it would listen nowhere", where="probed", remedy="name a --socket, or --tcp with its three PEM files")
    daemon = Probed(settings, tell=lambda line: print(line, file=sys.stderr, flush=True))

    def ready() -> None:
        if group and settings.socket is not None:
            with suppress(LookupError, PermissionError):
                shutil.chown(settings.socket, group=group)
        print(f"oncalm probed on {node}: {listen or ''} {tcp}".rstrip(), file=sys.stderr, flush=True)

    host, port = metrics
    if port:
        from ebpf.daemon.figures import expose

        expose(daemon.figures, port, host)
    asyncio.run(_until_ended(daemon, ready))
    return DONE


async def _until_ended(daemon: Any, ready: Any) -> None:
    serving = asyncio.ensure_future(daemon.serve(ready))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def _tls(tcp: str, files: tuple[Path | None, Path | None, Path | None]) -> Any:
    from ebpf.daemon.settings import Tls

    if not tcp:
        return None
    host, _, port = tcp.rpartition(":")
    certificate, key, authority = files
    if not host or not port.isdigit() or certificate is None or key is None or authority is None:
        raise UsageError("TCP is served with mutual TLS alone", where="--tcp", remedy="give HOST:PORT, and --certificate, --key and --authority")
    if missing := [str(one) for one in (certificate, key, authority) if not os.access(one, os.R_OK)]:
        raise UsageError(f"{', '.join(missing)} cannot be read", where="--tcp")
    return Tls(host, int(port), certificate, key, authority)
