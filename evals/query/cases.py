"""Cases are data: what is asked of which system, of which class, and what an answer must never hold."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from evals.query.expect import Answer, Expect
from evals.query.rows import Log

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One conversation; its last question is judged."""

    id: str
    system: str
    group: str
    """The class of question: count, distinct, top, share …"""
    turns: tuple[str, ...]
    expect: Expect
    forbid: tuple[str, ...] = ()
    """Texts that must stand nowhere in the answer."""

    def wrong(self, answer: Answer) -> str:
        """Why an answer is wrong; empty when it is right."""
        held = [text for text in self.forbid if text in str(answer)]
        return f"holds {held[0]!r}" if held else self.expect.wrong(answer)


def load_cases(system: str, log: Log) -> list[Case]:
    """The cases of one system, expected values computed from ``log``, placeholders filled."""
    truth = import_module(f"evals.query.truth_{system.lower()}")
    places = {name: find(log) for name, find in truth.PLACES.items()}
    entries = tomllib.loads((FOLDER / f"{system}.toml").read_text(encoding="utf-8"))["case"]
    return [
        Case(
            id=f"{system}/{entry['id']}", system=system, group=entry["class"],
            turns=tuple(turn.format(**places) for turn in _turns(entry["ask"])),
            expect=truth.TRUTHS[entry["id"]](log), forbid=tuple(entry.get("forbid", ())),
        )
        for entry in entries
    ]


def _turns(asked: str | list[str]) -> list[str]:
    return [asked] if isinstance(asked, str) else asked
