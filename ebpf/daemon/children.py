"""How the daemon starts a Python of its own: with the daemon's search path, and nothing of the environment."""

from __future__ import annotations

import sys

_START = ("import sys; module, sys.path[:] = sys.argv[1], sys.argv[2:]; status = __import__(module, fromlist=['main']).main(); "
          "sys.stdout.flush(); import os; os._exit(status)")


def command(module: str) -> list[str]:
    """Runs ``main`` of a module and ends with its status; to be started with an empty environment."""
    return [sys.executable, "-I", "-c", _START, module, *sys.path]
