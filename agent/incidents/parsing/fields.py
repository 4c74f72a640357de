"""Reads other people's JSON: what is not known is passed over, what is wrong is told by its field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from agent.incidents.errors import AlertBodyError, Flaw

DEEPEST = 64


class FieldError(Exception):
    """One field that cannot be used; the alert that it belongs to is refused."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.flaw = Flaw(name, reason)


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and where it stands in the body. Methods raise FieldError for values of another kind."""

    values: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: Any, path: str) -> Fields:
        """Raises FieldError for what is no object."""
        if not isinstance(value, dict):
            raise FieldError(path or "body", f"must be an object, and is {kind(value)}")
        return cls(value, path)

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, *, default: str = "", needed: bool = False) -> str:
        """A text, or a number as text."""
        value = self.values.get(name)
        if value is None or value == "":
            if needed:
                raise FieldError(self.at(name), "is needed")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise FieldError(self.at(name), f"must be a text, and is {kind(value)}")
        return value if isinstance(value, str) else str(value)

    def one_of(self, name: str, allowed: Sequence[str], *, default: str = "") -> str:
        """A word of a list, in small letters."""
        word = self.text(name, default=default).strip().casefold()
        if word not in allowed:
            raise FieldError(self.at(name), f"must be one of {', '.join(allowed)}")
        return word

    def time(self, name: str) -> datetime | None:
        """An instant of RFC 3339, or seconds since 1970 (milliseconds from 10^11 on); None when it is absent or Go's zero time."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        found = _instant(value)
        if found is None:
            raise FieldError(self.at(name), "must be a time as 2026-01-31T14:05:00Z")
        return None if found.year == 1 else found

    def inner(self, name: str, *, needed: bool = False) -> Fields:
        """An object within; empty when it is absent."""
        value = self.values.get(name)
        if value is None:
            if needed:
                raise FieldError(self.at(name), "is needed")
            return Fields({}, self.at(name))
        return Fields.of(value, self.at(name))

    def pairs(self, name: str, *, needed: bool = False) -> dict[str, str]:
        """An object as names and texts; what is no text is written as JSON."""
        return {key: written(value) for key, value in self.inner(name, needed=needed).values.items() if value is not None}

    def items(self, name: str) -> Iterator[tuple[str, Any]]:
        """The members of a list, each with its path."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise FieldError(self.at(name), "is needed" if value is None else f"must be a list, and is {kind(value)}")
        for place, one in enumerate(value):
            yield f"{self.at(name)}[{place}]", one


def decoded(body: bytes) -> Any:
    """The JSON of a body. Raises AlertBodyError (400) that says where it goes wrong."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _unreadable(f"{error.msg.lower()} (line {error.lineno}, column {error.colno})") from error
    except (RecursionError, ValueError) as error:
        raise _unreadable("it nests too deeply" if isinstance(error, RecursionError) else "it holds a number that is none") from error
    if _depth(value) > DEEPEST:
        raise _unreadable(f"it nests deeper than {DEEPEST}")
    return value


def written(value: Any) -> str:
    """A value as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "true or false", dict: "an object", list: "a list", str: "a text"}
    return names.get(type(value), "a number")


def _instant(value: Any) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= 1e11 else value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _depth(value: Any) -> int:
    """How deep lists and objects nest, counted without recursion."""
    level, deep = [value], 0
    while level:
        deep += 1
        if deep > DEEPEST:
            break
        level = [inner for one in level if isinstance(one, dict | list) for inner in (one.values() if isinstance(one, dict) else one)]
    return deep


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _unreadable(why: str) -> AlertBodyError:
    return AlertBodyError(f"the body is no JSON: {why}", [Flaw("body", why)], status=400)
