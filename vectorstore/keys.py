"""Key numbers: every distinct masked message of the store, in first-seen order, and their templates."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from telemetry.native import kernel
from telemetry.store.manifest import KeyRow, Manifest, TemplateRow
from telemetry.store.table import Coded
from vectorstore.exploding import explode
from vectorstore.miner import CATCH_ALL, Assigned, Mined, Miner
from vectorstore.plans import Plan
from vectorstore.rows import Records
from vectorstore.skeleton import firsts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.signedinteger[Any]]
    _Number = TypeVar("_Number", np.int64, np.int32)

EXAMPLE_LENGTH = 600
SNAPSHOT = "drain.json"
BETWEEN = "\x1f"
"""Stands between the words of a row whose key is generic; and marks, in a key, a word kept per row."""

LITERAL_LIMIT = 256
"""Distinct literal digits of one skeleton from which they are taken for further variables."""


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
        """Write drain's state as plain JSON; replayed from the keys when it is missing or damaged (so no fsync)."""
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self.miner.snapshot()))
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


def number_keys(records: Records, table: KeyTable) -> tuple[Records, Ints, Coded]:
    """The key number of every record, new keys in the order of their first records, and its words if it keeps some.

    Plans whose literal digits have become too many come back with these as variables.
    """
    import numpy as np

    digits = _literals(records)
    while found := _exploded(records, digits):
        records = replace(records, plans=[found.get(place, plan) for place, plan in enumerate(records.plans)])
        digits = _literals(records)
    plans = list(records.plans)
    starts = firsts(records.which, len(plans)).tolist()
    wanted = [(starts[place], place, "") for place, plan in enumerate(plans) if not plan.literals and "" not in plan.keys]
    wanted += [(row, place, text) for row, place, text in zip(digits.first, digits.places, digits.texts, strict=True)
               if plans[place].literals and text not in plans[place].keys]
    for row, place, text in sorted(wanted):
        start = int(records.texts.starts[row])
        length = min(int(records.texts.lengths[row]), EXAMPLE_LENGTH)
        table.number(plans[place], text, records.texts.data[start : start + length])
    ids = np.array([plan.keys.get("", 0) for plan in plans], dtype=np.int64)[records.which]
    mine = [plans[place].keys.get(text, 0) for place, text in zip(digits.places, digits.texts, strict=True)]
    return records, digits.put(ids, mine), _words_of(records, digits)


def _exploded(records: Records, digits: _Literals) -> dict[int, Plan]:
    """The plans, by place, whose literals have too many values, with those that vary made variables."""
    seen: dict[int, set[str]] = {}
    for place, text in zip(digits.places, digits.texts, strict=True):
        seen.setdefault(place, set()).add(text)
    plans = records.plans
    every = {place: plans[place].keys.keys() | texts for place, texts in seen.items()}
    return {place: explode(plans[place], texts) for place, texts in every.items() if len(texts) > LITERAL_LIMIT}


@dataclass(frozen=True, slots=True)
class _Literals:
    """The literal digits of a block's records: what stays in the key, joined by spaces.

    ``which`` numbers each record's (place of the plan, digits), -1 where the plan has none; ``first`` is the first
    record of each number.
    """

    which: Ints
    first: list[int]
    places: list[int]
    texts: list[str]

    def put(self, values: NDArray[_Number], mine: list[int]) -> NDArray[_Number]:
        """The values with those of literal digits, zero for none, put in."""
        import numpy as np

        if not mine:
            return values
        own = np.array([*mine, 0], dtype=values.dtype)[self.which]
        return np.where(own == 0, values, own)


def _literals(records: Records) -> _Literals:
    import numpy as np

    counts = np.array([len(p.literals) for p in records.plans], dtype=np.int64)
    if not counts.any():
        return _Literals(counts, [], [], [])
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
    spans = np.frombuffer(b"".join([plan.packed()[2] for plan in records.plans]), dtype=np.int64).reshape(-1, 4)
    native = kernel()
    found = native.literals(records.lines.cutter(), records.rows, records.which, offsets, spans) if native else None
    which, first, texts = found or _literals_of(records, counts, offsets, spans)
    return _Literals(which, first.tolist(), records.which[first].tolist(), [text.decode() for text in texts])


def _literals_of(records: Records, counts: Ints, offsets: Ints, spans: Ints) -> tuple[Ints, Ints, list[bytes]]:
    """The same as the kernel's ``literals``."""
    import numpy as np

    rows = np.flatnonzero(counts[records.which])
    lines, which = records.rows[rows], records.which[rows]
    columns = []
    for at in range(int(counts.max())):
        table = np.where((counts > at)[:, None], spans[np.minimum(offsets[:-1] + at, len(spans) - 1)], -1)
        columns.append(records.lines.cut(lines, which, table).values())
    place: dict[tuple[int, bytes], int] = {}
    ids = np.full(len(records.which), -1, dtype=np.int32)
    for row, plan, *parts in zip(rows.tolist(), which.tolist(), *columns, strict=True):
        text = b" ".join([part or b"" for part in parts[: counts[plan]]])
        ids[row] = place.setdefault((plan, text), len(place))
    return ids, rows[firsts(ids[rows], len(place))], [text for _, text in place]


def _words_of(records: Records, digits: _Literals) -> Coded:
    import numpy as np

    plans = list(records.plans)
    known: dict[str, int] = {}
    codes = np.zeros(len(records.which), dtype=np.int32)
    if any(plan.words for plan in plans):
        words = [None if plan.literals else plan.words.get("") for plan in plans]
        codes = np.array([0 if w is None else known.setdefault(w, len(known)) + 1 for w in words], dtype=np.int32)[records.which]
        own = [plans[place].words.get(text) if plans[place].literals else None
               for place, text in zip(digits.places, digits.texts, strict=True)]
        codes = digits.put(codes, [0 if w is None else known.setdefault(w, len(known)) + 1 for w in own])
    return Coded(codes - np.int32(1), tuple(known))
