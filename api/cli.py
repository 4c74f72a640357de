"""The ``oncalm`` command. Progress and logs go to stderr; ``--json`` prints one document on stdout.

Exit codes: 0 done, 1 failed, 2 usage, 3 nothing found.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Annotated, Any

import typer

from api.actions.cli import register
from api.cluster.cli import clusters
from api.door.cli import keys
from api.incidents.cli import register as register_incidents
from api.ingestion.cli import register as register_ingestion
from api.options import AsJson, analyst_of, product_of
from api.probes.cli import register as register_probes
from api.server.cli import register as register_server
from api.summaries.cli import register as register_summaries

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Ask your logs in plain language; get exact answers with the lines to prove them.",
)
app.add_typer(clusters, name="cluster")
app.add_typer(keys, name="keys")
register(app)
register_server(app)
register_incidents(app)
register_summaries(app)
register_probes(app)
register_ingestion(app)


@app.callback()
def _main(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder that holds everything (or ONCALM_HOME).")] = None,
) -> None:
    context.obj = home


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[list[str], typer.Argument(help="The question, in plain words.")],
    since: Annotated[str | None, typer.Option(help="Only the last span of time, as 2h or 30 minutes.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the window.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the window.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Keeps context for follow-up questions.")] = None,
    analyst: Annotated[str, typer.Option(help="auto, offline or llm.")] = "auto",
    evidence: Annotated[bool, typer.Option("--evidence", help="Show the lines and rows that the answer rests on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a question about the logs read so far."""
    from api.commands import ask as run
    raise typer.Exit(run(product_of(context), " ".join(question), since=since, start=start, end=end,
                         conversation=conversation, analyst=analyst_of(analyst), evidence=evidence, as_json=as_json))


@app.command()
def investigate(
    context: typer.Context,
    symptom: Annotated[list[str] | None, typer.Argument(help="The symptom, in plain words: checkout is slow since 14:05.")] = None,
    alert: Annotated[Path | None, typer.Option(metavar="FILE", help="Begin with the alert of a file: the body of a webhook, or - for standard input.")] = None,
    at: Annotated[str | None, typer.Option(help="A moment within the incident.")] = None,
    since: Annotated[str | None, typer.Option(help="The incident began so long ago, as 20m.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start of the incident.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the incident.")] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw timeline, graph and latency there.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Draw PNG, not SVG.")] = False,
    propose: Annotated[bool, typer.Option("--propose", help="Put the first proposed action before people, to approve or reject.")] = False,
    analyst: Annotated[str, typer.Option(help="auto, offline or llm.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the cause: weigh logs, traces, metrics and changes; name the origin, the victims, what was ruled out."""
    from api.commands import investigate as run

    raise typer.Exit(run(product_of(context), " ".join(symptom or ()), alert=alert, at=at, since=since, start=start, end=end, pictures=pictures,
                         png=png, propose=propose, analyst=analyst_of(analyst), as_json=as_json))


@app.command()
def templates(
    context: typer.Context,
    top: Annotated[int, typer.Option(help="How many to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the log templates, commonest first."""
    from api.commands import templates as run

    raise typer.Exit(run(product_of(context), top, as_json=as_json))


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option(help="Set damaged segments aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the store, the index and the embedding weights."""
    from api.commands import doctor as run

    raise typer.Exit(run(product_of(context), repair=repair, as_json=as_json))


@app.command()
def recall(
    context: typer.Context,
    right: Annotated[str | None, typer.Option(metavar="ID", help="It proved right: trust it for longer.")] = None,
    wrong: Annotated[str | None, typer.Option(metavar="ID", help="It proved wrong: do not recall it.")] = None,
    forget: Annotated[str | None, typer.Option(metavar="ID", help="Never recall it again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the finished investigations that may be recalled, or say how one turned out."""
    from api.commands import recall as run

    raise typer.Exit(run(product_of(context), right=right, wrong=wrong, forget=forget, as_json=as_json))


@app.command()
def mcp(
    context: typer.Context,
    http: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve streamable HTTP there instead of standard streams.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token that HTTP clients must send.")] = None,
) -> None:
    """Offer the read tools to other programs, as an MCP server (needs oncalm[mcp])."""
    from api.commands import mcp as run

    raise typer.Exit(run(product_of(context), http, token_file))


@app.command()
def demo(context: typer.Context, as_json: AsJson = False) -> None:
    """A recorded incident, asked about, with no key and no network."""
    from api.demo.show import demo as run

    raise typer.Exit(run(context.obj, as_json=as_json))


def main() -> None:
    """Entry point. Every failure is one clear line, and one JSON document with ``--json``; never a traceback."""
    from api.failures import explain, tell

    as_json = "--json" in sys.argv[1:]
    try:
        code = app(standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        typer.echo("oncalm: interrupted; the next ingest goes on where this one stopped", err=True)
        code = 130
    except BrokenPipeError:  # whoever read our output has gone, which is fine; nothing may be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except Exception as error:  # the last resort: no traceback meets a user
        if _debugging():
            raise
        code = _usage(error, as_json=as_json) if hasattr(error, "format_message") else tell(
            explain(error, _home()), as_json=as_json)
    sys.exit(code)


def _usage(error: Any, *, as_json: bool) -> int:
    """A command line that cannot be read: the parser says it itself."""
    from api.failures import tell
    from telemetry.errors import UsageError

    error.show()
    if as_json:
        with open(os.devnull, "w") as quiet, redirect_stderr(quiet):  # noqa: PTH123 - a device
            tell(UsageError(error.format_message(), where="command line", remedy="oncalm COMMAND --help"), as_json=True)
    return int(error.exit_code)


def _debugging() -> bool:
    from api.settings import Settings

    try:
        return Settings().debug
    except ValueError:
        return False


def _home() -> Path | None:
    """The home in use, for messages."""
    from api.settings import Settings

    words = sys.argv[1:]
    named = next((b for a, b in zip(words, words[1:], strict=False) if a == "--home"), None)
    named = named or next((w.removeprefix("--home=") for w in words if w.startswith("--home=")), None)
    try:
        return Path(named) if named else Settings().home
    except ValueError:  # which is what the message is about
        return None


if __name__ == "__main__":
    main()
