"""Inputs for the ingest bench: a file as it is, real systems repeated with changed values, ever-new hex.

Everything made here is synthetic in its values and says so in the report; it is the same on every run.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

LINES = {"mixed": 1_000_000, "hex": 200_000}
"""Unless told otherwise. Every new message form costs once, so a short mixed file measures the forms, a long one the lines."""
SEED = 20
_LEAD = 30
"""Characters at a line's start that stay: most times stand there."""
_RUN = re.compile(
    r"(?P<time>\d{4}[-.]\d\d[-.]\d\d(?:[-_ T]\d\d[:.]\d\d[:.]\d\d(?:[.,]\d+)?)?|\d\d:\d\d:\d\d|\b1[01]\d{8}\b)"
    r"|[0-9]+"
)
_DIGITS = "0123456789"
_HEX = "0123456789abcdef"


def mixed(folder: Path, target: Path, lines: int) -> int:
    """Write the logs of ``folder`` over and over, one block per system, values changed. Returns the lines.

    The first round is the original. Later ones draw new digits for every number, address and identifier, as
    many as it had; a time's digits stay, so that it stays a time. Raises ValueError without a ``*.log``.
    """
    files = sorted(folder.rglob("*.log"))
    if not files:
        raise ValueError(f"{folder} holds no *.log file")
    systems = [file.read_text("utf-8", "replace").splitlines() for file in files]
    rng = random.Random(SEED)
    written = 0
    with target.open("w", encoding="utf-8") as out:
        while written < lines:
            for system in systems:
                for line in system[: lines - written]:
                    out.write(f"{line if not written else _changed(line, rng)}\n")
                written += len(system[: lines - written])
    return written


def _changed(line: str, rng: random.Random) -> str:
    """Draw new digits for every number that is no time."""

    def draw(match: re.Match[str]) -> str:
        text = match[0]
        if match["time"]:
            return text
        return text[:1] + "".join(rng.choices(_DIGITS, k=len(text) - 1)) if len(text) > 1 else rng.choice(_DIGITS)

    return line[:_LEAD] + _RUN.sub(draw, line[_LEAD:])


def ever_new(target: Path, lines: int) -> int:
    """Write messages whose hex words are never the same twice, in every length and form they usually have."""
    rng = random.Random(SEED)
    with target.open("w", encoding="utf-8") as out:
        for number in range(lines):
            second = number // 50
            stamp = f"2026-01-{1 + second // 86400:02} {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
            out.write(f"{stamp},{number % 50 * 20:03} {_message(rng)}\n")
    return lines


def _message(rng: random.Random) -> str:
    def word(*sizes: int) -> str:
        return "".join(rng.choices(_HEX, k=rng.choice(sizes)))

    def uuid() -> str:
        return "-".join(word(size) for size in (8, 4, 4, 4, 12))

    return rng.choice((
        lambda: f"INFO app.Session opened {uuid()} for user {word(24)}",
        lambda: f"INFO app.Trace span {word(16)} of trace {word(32)} took {rng.randrange(900)} ms",
        lambda: f"WARN app.Alloc freed 0x{word(8, 12, 16)} twice, caller 0x{word(6, 7, 8)}",
        lambda: f"INFO app.Build commit {word(7, 8, 10, 40)} by job {word(4, 5, 6)}",
        lambda: f"ERROR app.Store digest sha256:{word(64)} differs from {word(64)}",
        lambda: f"INFO app.Net {':'.join(word(2) for _ in range(6))} joined as {word(1, 2, 3)}",
        lambda: f"DEBUG app.Cache key {word(4)}:{word(8)}:{word(12)} evicted after {rng.randrange(99)} s",
        lambda: f"INFO app.Pool worker-{word(9, 10)}-{word(5)} ready, id={{{uuid().upper()}}}",
    ))()
