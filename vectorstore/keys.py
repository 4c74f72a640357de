"""Key numbers: every distinct masked message of the store, in first-seen order, and their templates."""

from __future__ import annotations

import json
import os
from pathlib import Path

from telemetry.store.manifest import KeyRow, Manifest, TemplateRow
from vectorstore.miner import Miner
from vectorstore.plans import Plan

EXAMPLE_LENGTH = 600
SNAPSHOT = "drain.json"


class KeyTable:
    """Gives each (key text, slot layout) a number; new ones wait in ``fresh`` for the next commit."""

    def __init__(self, manifest: Manifest) -> None:
        self._path = manifest.home / SNAPSHOT
        self._numbers: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._by_text: dict[str, list[int]] = {}
        self._written: dict[int, tuple[str, tuple[tuple[str, str], ...]]] = {}
        self.fresh: list[KeyRow] = []
        for key in manifest.keys():
            self._numbers[key.text, key.slots] = key.id
            self._by_text.setdefault(key.text, []).append(key.id)
            self._written[key.id] = (key.template, key.words)
        self._next = max(self._written, default=0) + 1
        self.miner = _restore(self._path)
        self.miner.add(list(self._by_text))
        self._templates: dict[str, TemplateRow] = {t.id: t for t in manifest.templates()}

    def number(self, plan: Plan, digits: str, example: bytes) -> int:
        """The key number of a plan with its literal digits (joined by spaces)."""
        known = plan.keys.get(digits)
        if known is not None:
            return known
        inserted = [*digits.split(" "), ""] if plan.literals else [""]
        text = "".join(a + b for a, b in zip(plan.key_parts, inserted, strict=True))
        text = self.miner.generalise(text) or text
        number = self._numbers.get((text, plan.slots))
        if number is None:
            number = self._next
            self._next += 1
            self._numbers[text, plan.slots] = number
            if text not in self._by_text:
                self.miner.add([text])
            self._by_text.setdefault(text, []).append(number)
            shown = example[:EXAMPLE_LENGTH].decode("utf-8", "replace")
            self.fresh.append(KeyRow(number, text, plan.slots, shown))
        plan.keys[digits] = number
        return number

    def take(self) -> tuple[list[KeyRow], list[tuple[int, str, tuple[tuple[str, str], ...]]], list[TemplateRow]]:
        """What a commit must write: new keys, changed (key, template, words), changed templates."""
        assigned = self.miner.assign()
        changed: list[tuple[int, str, tuple[tuple[str, str], ...]]] = []
        for text, (template, words) in assigned.keys.items():
            for number in self._by_text.get(text, ()):
                if self._written.get(number) != (template, words):
                    self._written[number] = (template, words)
                    changed.append((number, template, words))
        rows = []
        for mined in assigned.templates.values():
            row = TemplateRow(mined.id, mined.pattern, mined.display, mined.params)
            if self._templates.get(mined.id) != row:
                self._templates[mined.id] = row
                rows.append(row)
        fresh, self.fresh = self.fresh, []
        return fresh, changed, rows

    def save(self) -> None:
        """Write drain's state as plain JSON; replayed from the keys when it is missing or damaged."""
        partial = self._path.with_suffix(".partial")
        with partial.open("w") as handle:
            json.dump(self.miner.snapshot(), handle)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(self._path)


def _restore(path: Path) -> Miner:
    try:
        return Miner.restore(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return Miner()
