"""Reads JSON as models write it: in code fences, amid prose, doubled, with Python's literals, without last braces.

Only the notation is repaired. What cannot be known is not guessed: text that ends inside a string, or holds several
different values, is an error.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

_FENCE = re.compile(r"```[\w-]*[ \t]*\r?\n?(.*?)```", re.DOTALL)
_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None,
}  # fmt: skip
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_STOPS = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_CODE = re.compile(r"u([0-9a-fA-F]{4})")
_PYTHON_CODE = re.compile(r"x([0-9a-fA-F]{2})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})")
_DEEPEST = 100
_STARTS = 64
"""How many opening brackets are tried in a text: a bound on work, far above what an answer holds."""


def loads(text: str) -> object:
    """Read the one JSON value that ``text`` holds. Raises :class:`ValueError` when there is none, or no single one."""
    text = text.strip().lstrip("\ufeff")
    try:
        return _strict(text)
    except ValueError:
        pass
    fenced = [value for block in _FENCE.findall(text) for value in _values(block)]
    return _only(fenced or _values(text))


def _strict(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _only(values: list[object]) -> object:
    """Settle on the one value: objects before lists, since prose has brackets too."""
    objects = [value for value in values if isinstance(value, dict)]
    distinct: list[object] = []
    for value in objects or values:
        if value not in distinct:
            distinct.append(value)
    if not distinct:
        raise ValueError("no JSON value in the text")
    if len(distinct) > 1:
        raise ValueError(f"{len(distinct)} different JSON values in the text")
    return distinct[0]


def _values(text: str) -> list[object]:
    """Every outermost object and list in ``text`` that can be read."""
    found: list[object] = []
    at = 0
    for _ in range(_STARTS):
        starts = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
        if not starts:
            break
        reader = _Reader(text, min(starts))
        try:
            found.append(reader.value(0))
            at = reader.at
        except ValueError:
            at = min(starts) + 1
    return found


class _Reader:
    """A recursive descent over one value; ``at`` is where it stands."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def value(self, depth: int) -> object:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        mark = self._peek()
        if mark == "{":
            return self._object(depth)
        if mark == "[":
            return self._list(depth)
        if mark in {'"', "'"}:
            return self._string(mark)
        return self._scalar()

    def _peek(self) -> str:
        """Step over white space and comments; the next character, or nothing at the end."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def _ends(self, closing: str) -> bool:
        """Whether the container ends here: by its bracket, or because the text is over."""
        mark = self._peek()
        if mark == closing:
            self.at += 1
        return mark in {closing, ""}

    def _comma(self, closing: str) -> bool:
        """Step over a comma; False when the container ends instead, as it may after a trailing comma."""
        if self._peek() == ",":
            self.at += 1
            return not self._ends(closing)
        if self._ends(closing):
            return False
        raise ValueError("neither a comma nor an end")

    def _object(self, depth: int) -> dict[str, object]:
        self.at += 1
        found: dict[str, object] = {}
        more = not self._ends("}")
        while more:
            key = self._key()
            if self._peek() != ":":
                raise ValueError("a key without a colon")
            self.at += 1
            found[key] = self.value(depth + 1)
            more = self._comma("}")
        return found

    def _list(self, depth: int) -> list[object]:
        self.at += 1
        found: list[object] = []
        more = not self._ends("]")
        while more:
            found.append(self.value(depth + 1))
            more = self._comma("]")
        return found

    def _key(self) -> str:
        mark = self._peek()
        if mark in {'"', "'"}:
            return self._string(mark)
        word = _WORD.match(self.text, self.at)
        if not word:
            raise ValueError("no key")
        self.at = word.end()
        return word.group()

    def _scalar(self) -> object:
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return _strict(number.group())
        word = _WORD.match(self.text, self.at)
        if not word or word.group() not in _WORDS:
            raise ValueError("no JSON value")
        self.at = word.end()
        return _WORDS[word.group()]

    def _string(self, quote: str) -> str:
        parts: list[str] = []
        self.at += 1
        while True:
            end = self._next_of(quote)
            parts.append(self.text[self.at : end])
            self.at = end + 1
            if self.text[end] == quote:
                return _joined("".join(parts))
            parts.append(self._escape(python=quote == "'"))

    def _next_of(self, quote: str) -> int:
        stop = _STOPS[quote].search(self.text, self.at)
        if not stop:
            raise ValueError("the text ends inside a string")
        return stop.start()

    def _escape(self, *, python: bool) -> str:
        mark = self.text[self.at : self.at + 1]
        code = _CODE.match(self.text, self.at) or (_PYTHON_CODE.match(self.text, self.at) if python else None)
        if code:
            self.at = code.end()
            return chr(int(next(digits for digits in code.groups() if digits), 16))
        self.at += 1
        # Patterns such as \d are often written with one backslash: it is meant.
        return _ESCAPES.get(mark, "\\" + mark)


def _joined(text: str) -> str:
    """Join the halves of characters that JSON writes as two escapes."""
    if not re.search("[\ud800-\udbff][\udc00-\udfff]", text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
