"""The ``oncalm`` command. Progress and logs go to stderr; ``--json`` prints one document on stdout.

Exit codes: 0 done, 1 failed, 2 usage, 3 nothing found.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Ask your logs in plain language; get exact answers with the lines to prove them.",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@app.callback()
def _main(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder that holds everything (or ONCALM_HOME).")] = None,
) -> None:
    context.obj = home


def _product(context: typer.Context) -> Any:
    from api.settings import Settings
    from api.wiring import Product

    settings = Settings()
    return Product(context.obj or settings.home, embedding_path=settings.embedding_path, zone=settings.zone)


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs, or - for standard input.")],
    service: Annotated[str | None, typer.Option(help="Service of lines that name none.")] = None,
    format: Annotated[str | None, typer.Option("--format", help="Line format, when detection errs.")] = None,  # noqa: A002
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on reading as the file grows.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read logs: any text format, gzip, xz, bzip2 or zstd, detected; resumes where it stopped."""
    from api.commands import ingest as run

    raise typer.Exit(run(_product(context), paths, service=service, declared=format, follow=follow,
                         as_json=as_json))


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[list[str], typer.Argument(help="The question, in plain words.")],
    since: Annotated[str | None, typer.Option(help="Only the last span of time, as 2h or 30 minutes.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the window.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the window.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Keeps context for follow-up questions.")] = None,
    analyst: Annotated[str, typer.Option(help="auto or offline.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Ask a question about the logs read so far."""
    from api.commands import ask as run

    if analyst not in {"auto", "offline"}:
        typer.echo("oncalm: --analyst: this build thinks offline only — use auto or offline", err=True)
        raise typer.Exit(2)
    raise typer.Exit(run(_product(context), " ".join(question), since=since, start=start, end=end,
                         conversation=conversation, as_json=as_json))


@app.command()
def templates(
    context: typer.Context,
    top: Annotated[int, typer.Option(help="How many to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the log templates, commonest first."""
    from api.commands import templates as run

    raise typer.Exit(run(_product(context), top, as_json=as_json))


@app.command()
def retain(
    context: typer.Context,
    older_than: Annotated[str | None, typer.Option(help="Drop records older than this, as 30d.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Keep at most this much, as 2GB.")] = None,
    as_json: AsJson = False,
) -> None:
    """Drop old records by age or by size."""
    from api.commands import retain as run

    raise typer.Exit(run(_product(context), older_than, max_size, as_json=as_json))


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option(help="Set damaged segments aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the store, the index and the embedding weights."""
    from api.commands import doctor as run

    raise typer.Exit(run(_product(context), repair=repair, as_json=as_json))


@app.command()
def demo(context: typer.Context, as_json: AsJson = False) -> None:
    """A recorded incident, asked about, with no key and no network."""
    from api.commands import demo as run

    raise typer.Exit(run(context.obj, as_json=as_json))


def main() -> None:
    """Entry point: errors of the project are one clear line, never a traceback."""
    from telemetry.errors import OnCalmError, QueryError, UsageError

    try:
        app()
    except (UsageError, QueryError) as error:
        typer.echo(f"oncalm: {error}", err=True)
        sys.exit(2)
    except OnCalmError as error:
        typer.echo(f"oncalm: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("oncalm: interrupted; the next ingest goes on where this one stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
