"""The commands that fill and empty the store: ``oncalm ingest``, ``fetch``, ``receive``, ``import``, ``retain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.options import AsJson, product_of


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(ingest)
    app.command()(fetch)
    app.command()(receive)
    app.command("import")(import_)
    app.command()(retain)


def ingest(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs, or - for standard input.")],
    service: Annotated[str | None, typer.Option(help="Service of lines that name none.")] = None,
    format: Annotated[str | None, typer.Option("--format", help="Line format, when detection errs.")] = None,  # noqa: A002
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on reading as the file grows.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read logs: any text format, gzip, xz, bzip2 or zstd, detected; resumes where it stopped."""
    from api.ingestion.commands import ingest as run

    raise typer.Exit(run(product_of(context), paths, service=service, declared=format, follow=follow,
                         as_json=as_json))


def fetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of sources.yaml.")],
    since: Annotated[str | None, typer.Option(help="The last span of time, as 2h or 30 minutes (default 1h).")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the window.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the window.")] = None,
    service: Annotated[str | None, typer.Option(help="Of one service only.")] = None,
    limit: Annotated[int, typer.Option(help="Stop after about so many records.", min=1)] = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Fetch a window of a source (Loki, Jaeger, Prometheus ...) into the store; goes on where it stopped."""
    from api.ingestion.commands import fetch as run

    raise typer.Exit(run(product_of(context), source, since=since, start=start, end=end, service=service, limit=limit, as_json=as_json))


def retain(
    context: typer.Context,
    older_than: Annotated[str | None, typer.Option(help="Drop records older than this, as 30d.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Keep at most this much, as 2GB.")] = None,
    as_json: AsJson = False,
) -> None:
    """Drop old records by age or by size."""
    from api.ingestion.commands import retain as run

    raise typer.Exit(run(product_of(context), older_than, max_size, as_json=as_json))


def receive(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 4318,
    token_file: Annotated[Path | None, typer.Option(help="File with the token that clients must send.")] = None,
    inbox: Annotated[str, typer.Option(help="How much may wait for the store, as 1GB.")] = "1GB",
    as_json: AsJson = False,
) -> None:
    """Receive logs, traces and metrics over OTLP/HTTP until a signal ends it."""
    from api.ingestion.commands import receive as run

    raise typer.Exit(run(product_of(context), host, port, token_file, inbox, as_json=as_json))


def import_(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(help="Files or folders: CSV, Parquet, JSON, JSON lines.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Says what the columns mean; a feed of changes needs none.")] = None,
    git: Annotated[Path | None, typer.Option(help="A repository whose commits and tags are changes.")] = None,
    since: Annotated[str | None, typer.Option(help="With --git: only what is newer, as '2 weeks ago'.")] = None,
    service: Annotated[str | None, typer.Option(help="With --git: whose changes they are.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import spans, metric points, changes and logs from tables, feeds and Git."""
    from api.ingestion.commands import import_records as run

    raise typer.Exit(run(product_of(context), paths or [], mapping, git, since, service, as_json=as_json))
