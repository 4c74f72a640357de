"""Making answers: what was gathered until something went wrong is kept, and what went wrong is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

from telemetry.errors import OnCalmError
from telemetry.redact import redact
from telemetry.sources.protocols import Answer, Status

T = TypeVar("T")
REASON = 400
"""Characters of a server's own words that are repeated."""
_ASKED = 50
_NOTES = 20


class Trouble(OnCalmError):  # noqa: N818 - what went wrong is not always an error
    """A question to a source went wrong: it was not answered, or could not be put at all."""

    def __init__(
        self, what: str, *, remedy: str = "", status: Literal["failed", "not_assessed"] = "failed", code: int = 0, said: str = "",
    ) -> None:
        """``code`` is the HTTP status, 0 without one; ``said`` what the server said."""
        self.status: Literal["failed", "not_assessed"] = status
        self.code = code
        self.said = said
        super().__init__(what, remedy=remedy)


class Gathering(Generic[T]):
    """An answer while it grows."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.records: list[T] = []
        self.asked: list[str] = []
        self.notes: list[str] = []
        self._gaps: list[str] = []
        self._unasked = 0

    def ask(self, what: str) -> None:
        """Note one request."""
        if len(self.asked) < _ASKED:
            self.asked.append(what)
        else:
            self._unasked += 1

    def note(self, what: str) -> None:
        """Note how the answer was got, once."""
        if what not in self.notes:
            self.notes.append(what)

    def gap(self, why: str) -> None:
        """Say why the answer lacks something."""
        if why and why not in self._gaps:
            self._gaps.append(why)

    def take(self, other: Gathering[Any]) -> None:
        """What another gathering was asked and noted counts here, too; its records do not."""
        for asked in other.asked:
            self.ask(asked)
        for note in other.notes:
            self.note(note)
        for why in other.gaps:
            self.gap(why)

    @property
    def whole(self) -> bool:
        return not self._gaps

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why the answer lacks something, so far."""
        return tuple(self._gaps)

    def answer(self, trouble: Trouble | None = None) -> Answer[T]:
        """What there is: failed or not assessed only when nothing at all was gathered."""
        status: Status = "partial" if self._gaps else "complete"
        reasons, remedy = list(self._gaps), ""
        if trouble is not None:
            status = "partial" if self.records else trouble.status
            reasons, remedy = [trouble.what, *reasons], trouble.remedy
        asked = (*self.asked, f"and {self._unasked} more requests") if self._unasked else tuple(self.asked)
        return Answer(
            self.source, status, tuple(self.records), "; ".join(dict.fromkeys(reasons)), remedy, asked, tuple(self.notes[:_NOTES]))


def gathered(source: str, work: Callable[[Gathering[T]], None]) -> Answer[T]:
    """Run ``work`` on a gathering; whatever goes wrong ends in the answer."""
    gathering: Gathering[T] = Gathering(source)
    try:
        work(gathering)
    except Trouble as trouble:
        return gathering.answer(trouble)
    except OnCalmError as error:
        return gathering.answer(Trouble(error.what, remedy=error.remedy))
    return gathering.answer()


def no_answer(source: str, status: Literal["failed", "not_assessed"], why: str, remedy: str = "") -> Answer[Any]:
    """An answer without records."""
    return Answer(source, status, (), why, remedy)


def clean(text: object, most: int = REASON) -> str:
    """A server's words in one line, bounded, without secrets and control characters."""
    line = "".join(c if c.isprintable() else " " for c in str(text)[: most * 4])
    shown = redact(" ".join(line.split()))[0]
    return shown if len(shown) <= most else shown[:most - 1] + "…"


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A JSON object. Raises Trouble for anything else."""
    if isinstance(value, dict):
        return value
    raise _shape(what, "an object", value)


def sequence(value: object, what: str) -> list[Any]:
    """A JSON list; null counts as an empty one. Raises Trouble for anything else."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _shape(what, "a list", value)


def integer(value: object, what: str) -> int:
    """A whole number, also written as text. Raises Trouble for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) < 25:
        try:
            return int(value)
        except ValueError:
            pass
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _shape(what, "a whole number", value)


def words(value: object) -> str:
    """A JSON scalar as text: no quotes, ``true`` and ``false`` in small letters, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shape(what: str, wanted: str, value: object) -> Trouble:
    return Trouble(f"the answer is not what was asked for: {what} is {type(value).__name__}, not {wanted}",
                   remedy="check that the url is of the kind of server that the configuration says")
