"""Key numbers: every distinct masked message of the store, in first-seen order, and their templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.store.manifest import KeyRow, Manifest, TemplateRow
from telemetry.store.table import Coded
from vectorstore.miner import CATCH_ALL, Assigned, Mined, Miner
from vectorstore.plans import MAX_SLOTS, Plan
from vectorstore.rows import Records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

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

    digits = _Digits(records)
    plans = list(records.plans)
    for place, seen in digits.seen.items():
        if len(plans[place].keys.keys() | seen.keys()) > LITERAL_LIMIT:
            plans[place] = explode(plans[place])
    records = replace(records, plans=plans)
    first = np.zeros(len(plans), dtype=np.int64)
    first[records.which[::-1]] = np.arange(len(records.which) - 1, -1, -1)
    wanted = [(first[place], place, "") for place, plan in enumerate(plans) if not plan.literals]
    wanted += [(row, place, text) for place, seen in digits.seen.items() if plans[place].literals
               for text, row in seen.items()]
    for row, place, text in sorted(wanted):
        plan = plans[place]
        if text not in plan.keys:
            start = records.texts.starts[row]
            table.number(plan, text, records.texts.data[start : start + min(records.texts.lengths[row], EXAMPLE_LENGTH)])
    ids = np.array([plan.keys.get("", 0) for plan in plans], dtype=np.int64)[records.which]
    rows, numbers = digits.each(plans, lambda plan, text: plan.keys[text])
    ids[rows] = numbers
    return records, ids, _words_of(records, digits)


class _Digits:
    """The literal digits of a block's records: what stays in the key, joined by spaces."""

    def __init__(self, records: Records) -> None:
        import numpy as np

        self.seen: dict[int, dict[str, int]] = {}
        """Per place of a plan, its digits and the first row that has them."""
        self._texts: list[str] = []
        self._rows = self._groups = self._places = np.zeros(0, dtype=np.int64)
        width = max((len(p.literals) for p in records.plans), default=0)
        if not width:
            return
        spans = [[p.literals[at] if at < len(p.literals) else None for p in records.plans] for at in range(width)]
        have = np.array([bool(p.literals) for p in records.plans])
        self._rows = np.flatnonzero(have[records.which])
        parts = [records.cut(span).take(self._rows) for span in spans]
        firsts, self._groups = _grouped([records.which[self._rows], *(part.numbered()[0].astype(np.int64) for part in parts)])
        self._places = records.which[self._rows[firsts]]
        digits = zip(*(part.take(firsts).values() for part in parts), strict=True)
        self._texts = [" ".join([part.decode() for part in found if part is not None]) for found in digits]
        for place, text, row in zip(self._places.tolist(), self._texts, self._rows[firsts].tolist(), strict=True):
            self.seen.setdefault(place, {})[text] = row

    def each(self, plans: list[Plan], known: Callable[[Plan, str], int]) -> tuple[Ints, Ints]:
        """The rows of plans that still have literals, and what ``known`` says of each one's plan and digits."""
        import numpy as np

        kept = np.array([bool(plans[place].literals) for place in self._places.tolist()], dtype=bool)
        said = [known(plans[place], text) if plans[place].literals else 0
                for place, text in zip(self._places.tolist(), self._texts, strict=True)]
        here = np.flatnonzero(kept[self._groups])
        return self._rows[here], np.array(said, dtype=np.int64)[self._groups[here]]


def _grouped(columns: list[Ints]) -> tuple[Ints, Ints]:
    """Group rows that agree in all columns: each group's first row, groups in the order of these, and every
    row's group."""
    import numpy as np

    groups = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        both = groups * (int(column.max(initial=0)) + 2) + column + 1
        _, groups = np.unique(both, return_inverse=True)
    _, first, groups = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[groups]


def _words_of(records: Records, digits: _Digits) -> Coded:
    import numpy as np

    plans = list(records.plans)
    known: dict[str, int] = {}
    codes = np.full(len(records.which), -1, dtype=np.int32)
    if any(plan.words for plan in plans):
        fixed = [known.setdefault(plan.words[""], len(known)) if "" in plan.words else -1 for plan in plans]
        codes = np.array(fixed, dtype=np.int32)[records.which]
        rows, said = digits.each(plans, lambda plan, text: known.setdefault(plan.words[text], len(known))
                                 if text in plan.words else -1)
        codes[rows] = said
    return Coded(codes, tuple(known))


def explode(plan: Plan) -> Plan:
    """The plan with its literal digits made variables."""
    spans = plan.literals[: MAX_SLOTS - len(plan.slots)]
    return replace(
        plan, key_parts=("<:number:>".join(plan.key_parts),), slots=(*plan.slots, *((("number", "number"),) * len(spans))),
        slot_spans=(*plan.slot_spans, *spans), literals=(), keys={}, words={},
    )
