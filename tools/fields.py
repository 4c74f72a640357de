"""Field names as callers write them, checked against the store: an unknown one is an error, never "no records"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from telemetry.errors import QueryError
from telemetry.models import Catalog, Filter, Query
from telemetry.store.reader import Reader
from tools.log_inputs import Selection

COLUMNS = ("level", "service", "host", "logger", "source", "template", "pid", "thread", "trace_id")
_TEXTS = ("text", "message")


class Fields:
    """The fields of one reader's store."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @property
    def catalog(self) -> Catalog:
        return self.reader.catalog

    def ref(self, name: str, *, text: bool = False) -> str:
        """``host`` or ``param:user`` for what a caller wrote. Raises QueryError that lists the nearest names."""
        bare = name.strip().removeprefix("param:")
        if not name.startswith("param:") and (bare in COLUMNS or text and bare in _TEXTS):
            return bare
        if self.reader.knows(f"param:{bare}"):
            return f"param:{bare}"
        folded = {f.ref.removeprefix("param:").lower(): f.ref for f in self.catalog.fields}
        if bare.lower() in folded:
            return folded[bare.lower()]
        raise QueryError(f"there is no field {bare[:80]!r}", where="query", remedy=self._nearest(bare))

    def _nearest(self, name: str) -> str:
        names = [*COLUMNS, *(f.ref.removeprefix("param:") for f in self.catalog.fields if f.ref.startswith("param:"))]
        return "the nearest are " + ", ".join(nearest(name, names, 8)) + "; logs.fields lists all"

    def filters(self, given: Selection) -> tuple[Filter, ...]:
        """The conditions of a selection. Raises QueryError for fields and templates that are not there."""
        self._templates(given.templates)
        if given.levels:
            self._carried("level")
        if given.services:
            self._carried("service")
        listed = [("template", given.templates), ("level", given.levels), ("service", given.services)]
        return (
            *(Filter(field=name, op="in", value=tuple(values)) for name, values in listed if values),
            *(Filter(field=self.ref(p.name, text=True), op=p.op, value=p.value) for p in given.params),
            *(Filter(field="text", op="icontains", value=text) for text in given.contains),
        )

    def check(self, query: Query) -> None:
        """Raise QueryError when a query names a field that is not there."""
        for item in (*query.filters, *query.base_filters):
            self.ref(item.field, text=True)
        for name in (query.field, query.order_by, *query.group_by):
            if name is not None and name != "time":
                self.ref(name)

    def notes(self, given: Selection) -> tuple[str, ...]:
        """What a count of a selection does not speak of: records without the field, services never seen."""
        found = []
        for name, asked in (("level", given.levels), ("service", given.services)):
            known = next((f for f in self.catalog.fields if f.ref == name), None)
            if not asked or known is None or known.distinct > len(known.values):
                continue
            without = self.catalog.records - sum(n for _, n in known.values)
            if without > 0:
                found.append(f"{without} of all {self.catalog.records} records have no {name}: they are not in this result")
            values = {value.lower(): value for value, _ in known.values}
            for value in asked:
                if value.lower() not in values:
                    near = ", ".join(nearest(value, list(values.values()), 5))
                    found.append(f"no record at all has the {name} {value[:80]!r}; there is: {near}")
        if (given.start or given.end) and self.catalog.undated:
            found.append(f"{self.catalog.undated} records have no time: they are in no window")
        return tuple(found)

    def _templates(self, ids: Iterable[str]) -> None:
        known = {t.id for t in self.catalog.templates}
        for ident in ids:
            if ident not in known:
                raise QueryError(f"there is no template {ident[:80]!r}", where="query",
                                 remedy="take ids from logs.search_templates or logs.summary")

    def _carried(self, name: str) -> None:
        if not any(f.ref == name for f in self.catalog.fields):
            raise QueryError(f"no record has a {name}", where="query", remedy="select by contains or templates instead")


def nearest(name: str, known: Sequence[str], most: int) -> list[str]:
    """The names likest to ``name``, best first; any others when none is alike."""
    folded = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), list(folded), most, 0.5)
    holding = [k for k in folded if k not in close and len(name) > 2 and (name.lower() in k or k in name.lower())]
    return [folded[k] for k in (close + holding)[:most]] or list(known[:most])
