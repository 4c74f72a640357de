"""Key numbers: every distinct masked message of the store, in first-seen order, and their templates."""

from __future__ import annotations

import json
import os
from pathlib import Path

from telemetry.store.manifest import KeyRow, Manifest, TemplateRow
from vectorstore.miner import CATCH_ALL, Assigned, Mined, Miner
from vectorstore.plans import Plan

EXAMPLE_LENGTH = 600
SNAPSHOT = "drain.json"
BETWEEN = "\x1f"
"""Stands between the words of a row whose key is generic; and marks, in a key, a word kept per row."""


class KeyTable:
    """Gives each (key text, slot layout) a number; new ones wait in ``fresh`` for the next commit."""

    def __init__(self, manifest: Manifest) -> None:
        self._path = manifest.home / SNAPSHOT
        self._numbers: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._by_text: dict[str, list[int]] = {}
        self._written: set[int] = set()
        self.fresh: list[KeyRow] = []
        for key in manifest.keys():
            self._numbers[key.text, key.slots] = key.id
            self._by_text.setdefault(key.text, []).append(key.id)
            self._written.add(key.id)
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
        text, words = self.miner.generalise(text)
        if words and text != CATCH_ALL:
            plan.words[digits] = BETWEEN.join(words)
        number = self._numbers.get((text, plan.slots))
        if number is None:
            number = self._next
            self._next += 1
            self._numbers[text, plan.slots] = number
            if text not in self._by_text:
                names = [name for _, name in plan.slots]
                self.miner.add([text], [names[: text.count("<:")]])
            self._by_text.setdefault(text, []).append(number)
            shown = example[:EXAMPLE_LENGTH].decode("utf-8", "replace")
            self.fresh.append(KeyRow(number, text, plan.slots, shown))
        plan.keys[digits] = number
        return number

    def take(self) -> tuple[list[KeyRow], list[tuple[int, str, tuple[tuple[str, str], ...]]], list[TemplateRow]]:
        """What a commit must write: new keys, changed (key, template, words), changed templates."""
        assigned = self.miner.assign()
        changed: list[tuple[int, str, tuple[tuple[str, str], ...]]] = []
        for text in assigned.changed:
            found = assigned.keys[text]
            words = tuple((w.name, w.value) for w in found.words)
            if "<:word:>" in text:
                words += _in_rows(text, assigned.templates[found.template])
            for number in self._by_text.get(text, ()):
                changed.append((number, found.template, words))
                self._written.add(number)
        missing = [k.id for k in self.fresh if k.id not in self._written]
        changed += [(n, assigned.keys[t].template, _words(assigned.keys[t])) for n, t in self._texts(missing)]
        rows = []
        for mined in assigned.templates.values():
            row = TemplateRow(mined.id, mined.pattern, mined.display, mined.params)
            if self._templates.get(mined.id) != row:
                self._templates[mined.id] = row
                rows.append(row)
        fresh, self.fresh = self.fresh, []
        return fresh, changed, rows

    def _texts(self, numbers: list[int]) -> list[tuple[int, str]]:
        """Keys that share their text with one assigned before: only their slots are new."""
        known = {k.id: k.text for k in self.fresh}
        self._written.update(numbers)
        return [(n, known[n]) for n in numbers]

    def save(self) -> None:
        """Write drain's state as plain JSON; replayed from the keys when it is missing or damaged."""
        partial = self._path.with_suffix(".partial")
        with partial.open("w") as handle:
            json.dump(self.miner.snapshot(), handle)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(self._path)


def _words(found: Assigned) -> tuple[tuple[str, str], ...]:
    return tuple((w.name, w.value) for w in found.words)


def _in_rows(text: str, mined: Mined) -> tuple[tuple[str, str], ...]:
    """Names of a generic key's words, each with its place in the rows' ``words`` column."""
    count = text.count("<:word:>")
    names = [name for name, kind in mined.params if kind == "word"]
    if len(names) != count:
        names = ["word"] * count
    return tuple((name, f"{BETWEEN}{at}") for at, name in enumerate(names, start=1))


def _restore(path: Path) -> Miner:
    try:
        return Miner.restore(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return Miner()
