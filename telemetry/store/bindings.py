"""Where a named parameter lives: in which slot column of which keys, or constant in the key itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telemetry.store.manifest import KeyRow
from telemetry.units import BYTES, SECONDS

_UNITS = {**SECONDS, **BYTES, "k": 1024}
"""Factors to seconds and bytes of what may stand behind a number."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Every place one parameter name can stand: per key, slot columns and constant words."""

    columns: Mapping[int, tuple[int, ...]]
    words: Mapping[int, tuple[str, ...]]

    @property
    def keys(self) -> frozenset[int]:
        return frozenset(self.columns) | frozenset(self.words)

    @property
    def width(self) -> int:
        """The most values one record can have."""
        return max((len(self.columns.get(k, ())) + len(self.words.get(k, ())) for k in self.keys), default=0)


def bind(keys: Iterable[KeyRow], name: str) -> Binding:
    """Find ``name`` among the parameters of ``keys``: by name, else (per key) by type."""
    columns: dict[int, tuple[int, ...]] = {}
    words: dict[int, tuple[str, ...]] = {}
    for key in keys:
        named = tuple(i for i, (_, slot) in enumerate(key.slots) if slot == name)
        if len({key.slots[i][0] for i in named}) > 1:  # ``wrote <n> buffers (<n>%)``: the share is no number of buffers
            named = tuple(i for i in named if key.slots[i][0] == key.slots[named[0]][0])
        constant = tuple(value for word, value in key.words if word == name)
        if not named and not constant:
            named = tuple(i for i, (kind, _) in enumerate(key.slots) if kind == name)
        if named:
            columns[key.id] = named
        if constant:
            words[key.id] = constant
    return Binding(columns, words)


def values_sql(binding: Binding, width: int) -> list[str]:
    """SQL expressions that give a record's 1st, 2nd … value of the parameter, NULL where it has none."""
    expressions = []
    for rank in range(binding.width):
        cases = [f"WHEN {in_keys(keys)} THEN {value}" for value, keys in _ranked(binding, rank, width)]
        if cases:
            expressions.append(f"CASE {' '.join(cases)} END")
    return expressions


def places(binding: Binding, width: int) -> list[tuple[str, list[int]]]:
    """Every (SQL value, keys that hold it there) of the parameter."""
    return [place for rank in range(binding.width) for place in _ranked(binding, rank, width)]


def _ranked(binding: Binding, rank: int, width: int) -> list[tuple[str, list[int]]]:
    by_column: dict[int, list[int]] = defaultdict(list)
    by_word: dict[str, list[int]] = defaultdict(list)
    for key in binding.keys:
        slots = binding.columns.get(key, ())
        constants = binding.words.get(key, ())
        if rank < len(slots):
            by_column[slots[rank]].append(key)
        elif rank - len(slots) < len(constants):
            by_word[constants[rank - len(slots)]].append(key)
    found = [(f"p{column}", keys) for column, keys in sorted(by_column.items()) if column < width]
    return found + [(_word_sql(word), keys) for word, keys in sorted(by_word.items())]


def _word_sql(word: str) -> str:
    """A constant word, or (after 0x1F) the place of a word that the row itself keeps."""
    return f"split_part(words, chr(31), {int(word[1:])})" if word.startswith("\x1f") else quote(word)


def numeric_sql(value: str) -> str:
    """SQL for the number in a value: plain, with thousands commas, or with a unit (→ seconds, bytes)."""
    units = " ".join(f"WHEN '{unit}' THEN {factor}" for unit, factor in _UNITS.items() if factor != 1)
    number = rf"regexp_extract({value}, '^[^0-9-]*(-?[0-9][0-9,]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?)', 1)"
    unit = f"lower(regexp_extract({value}, '[0-9] ?([A-Za-z\u00b5\u03bc]+)', 1))"
    return (
        f"coalesce(try_cast({value} AS DOUBLE), "
        f"try_cast(replace({number}, ',', '') AS DOUBLE) * CASE {unit} {units} ELSE 1 END)"
    )


def in_keys(keys: Iterable[int]) -> str:
    listed = sorted(keys)
    return f"key_id IN ({','.join(map(str, listed))})" if listed else "false"


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
