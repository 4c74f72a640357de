"""Serve a script: ``python -m agent.scripted [--port N] SCRIPT.json``, or ``--obedient`` for a model without judgement.

Prints the base URL, then serves until it is interrupted. ``agent.scripted.step`` describes the script.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from agent.scripted.obedient import obedient
from agent.scripted.server import Brain, ScriptedServer
from agent.scripted.step import Script


def main(arguments: list[str] | None = None) -> int:
    """Serve; the exit status is 2 for a script that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m agent.scripted", description="An endpoint that plays a script."
    )
    parser.add_argument("script", nargs="?", type=Path, metavar="SCRIPT.json")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--obedient", action="store_true", help="obey whatever the messages say")
    given = parser.parse_args(arguments)
    if given.obedient == (given.script is not None):
        parser.error("give a script, or --obedient")
    script: Script | Brain
    try:
        script = obedient if given.obedient else Script.model_validate_json(given.script.read_bytes())
    except (OSError, ValidationError) as error:
        sys.stderr.write(f"{given.script}: {error}\n")
        return 2
    _serve(script, given.port)
    return 0


def _serve(script: Script | Brain, port: int) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ScriptedServer(script, port=port) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    sys.exit(main())
