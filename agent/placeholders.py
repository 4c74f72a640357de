"""Secrets become placeholders before a model sees a text, and secrets again for an authorised reader of the answer.

One :class:`Placeholders` serves one run: the same secret has the same placeholder in all its calls. The map is held
in memory only. A checkpoint keeps :meth:`Placeholders.snapshot`, which tells how many placeholders were given and
nothing of what they stand for; a run resumed in another process therefore shows the old ones as they are, to any
reader, and never gives an old number to another secret.

E-mail addresses stay unless ``mail`` is set. Names of persons stay: no rule tells them from names of hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

from telemetry.errors import OnCalmError
from telemetry.redact import Secret, find_secrets, names_secret
from telemetry.secret_checks import not_plain

PLACEHOLDER = re.compile(r"\[SECRET:[a-z][a-z0-9-]*:[0-9]{1,9}\]")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}(?![\w-])")
_LINK = re.compile(r"(?:(?:[A-Za-z][\w+.-]{0,40}:)?//|www\.|mailto:)(?:\[SECRET:[a-z][a-z0-9-]*:[0-9]{1,9}\]|[^\s<>\"'`()\[\]])+")
_KUBE = re.compile(r"(?mi)^[ \t-]*kind: *[\"']?secret[\"']?[ \t]*$")
_KUBE_DATA = re.compile(r"(?m)^([ \t]*)(?:data|stringData):[ \t]*\n((?:\1[ \t]+\S[^\n]*(?:\n|\Z))+)")
_KUBE_VALUE = re.compile(r"(?m)^[ \t]*(?:[\w.-]+:[ \t]*)?[|>\"']?[ \t]*([^\s\"'][^\n\"']*)")
_LEAST = 12
"""Characters of a secret that is looked for wherever it stands, not only where it is written as one."""
_MOST = 1000
"""Secrets that are looked for in this way: the latest ones."""
_SHORT = 40
"""Characters of a text that is remembered when it holds no secret."""
_FACT = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")
"""An address or a moment: what stands beside ``bad_password`` in a row of counts is no password."""
_DEPTH = 64
_DIGITS = 4
"""Characters of a number that can be a secret by its field's name."""


class HidingError(OnCalmError):
    """Secrets could not be hidden: the text must not be sent."""


class Placeholders:
    """The secrets of one run. Safe to use from several threads.

    Hide texts whole, before they are cut to size: half a token is no longer recognised. Numbers are given in the
    order of hiding, so hide in the order of the messages when equal requests must be equal texts.
    """

    def __init__(self, *, mail: bool = False, snapshot: dict[str, Any] | None = None) -> None:
        """``mail`` hides e-mail addresses too; ``snapshot`` is that of the run that goes on."""
        self._mail = mail
        self._given = self._begun = int((snapshot or {}).get("given", 0))
        self._texts: dict[str, str] = dict((snapshot or {}).get("secrets", {}))
        self._marks = {text: mark for mark, text in self._texts.items()}
        self._links: set[str] = set((snapshot or {}).get("links", ()))
        self._plain: dict[str, int] = {}
        self._lock = Lock()

    def hide(self, text: str) -> str:
        """Replace every secret of a text that was read. What looks like a placeholder is replaced like a secret.

        Raises :class:`HidingError` for anything but text and when looking fails: nothing may be sent then.
        """
        return self._hide(text, keep=False)

    def hide_again(self, text: str) -> str:
        """The last gate before sending, for text that was hidden already: placeholders of this run stay."""
        return self._hide(text, keep=True)

    def hide_json(self, value: Any, *, again: bool = False) -> Any:
        """Hide in nested plain data, keys included. A field named like a secret is hidden whatever it holds.

        ``again`` as in :meth:`hide_again`. Raises :class:`HidingError` for anything that is not plain JSON data.
        """
        return self._json(value, 0, keep=again)

    def restore(self, text: str, *, authorised: bool) -> str:
        """Put the secrets back for a reader who may see them; for any other the text stays.

        A placeholder inside a link that was not read with it stays too: an answer could otherwise carry a secret
        to whoever owns the address.
        """
        if not authorised:
            return text
        with self._lock:
            texts, links = dict(self._texts), set(self._links)
        parts, done = [], 0
        for link in _LINK.finditer(text):
            parts.append(_put_back(text[done : link.start()], texts))
            parts.append(_put_back(link[0], texts) if link[0] in links else link[0])
            done = link.end()
        return "".join((*parts, _put_back(text[done:], texts)))

    def snapshot(self, *, clear: bool = False) -> dict[str, Any]:
        """Plain JSON to go on from. With ``clear`` it holds the secrets themselves: never write that to disk."""
        with self._lock:
            if clear:
                return {"given": self._given, "secrets": dict(self._texts), "links": sorted(self._links)}
            return {"given": self._given}

    def _hide(self, text: str, *, keep: bool) -> str:
        if not isinstance(text, str):
            raise HidingError(f"{type(text).__name__} is not text", where="hiding secrets", remedy="pass text, or plain JSON data")
        try:
            with self._lock:
                if len(text) > _SHORT or self._plain.get(text) != len(self._marks):
                    return self._looked_through(text, keep=keep)
                return text
        except Exception as error:  # whatever went wrong, what was not hidden must not be sent
            raise HidingError("secrets could not be hidden, so the text is not sent", where="hiding secrets") from error

    def _looked_through(self, text: str, *, keep: bool) -> str:
        """Short texts that held nothing are remembered for as long as no new secret is known: results repeat them."""
        hidden = self._covered(text, keep=keep)
        if len(text) <= _SHORT and hidden == text and "[SECRET:" not in text:
            self._plain[text] = len(self._marks)
        return hidden

    def _covered(self, text: str, *, keep: bool) -> str:
        marks = [m.span() for m in PLACEHOLDER.finditer(text)] if "[SECRET:" in text else []
        kept = {span for span in marks if keep and self._is_given(text[slice(*span)])}
        found = [Secret(*span, "literal") for span in marks if span not in kept]
        found += find_secrets(text)
        found += _kube_secrets(text)
        if self._mail:
            found += [Secret(*m.span(), "mail") for m in _MAIL.finditer(text)]
        found = [hit for hit in found if not any(_only(hit, span, text) for span in kept)]
        found += self._seen_before(text, found)
        parts: list[str] = []
        done = 0
        for hit in _joined(found):
            raw = text[hit.start : hit.end]
            parts += (text[done : hit.start], self._mark(_put_back(raw, self._texts) if kept else raw, hit.kind))
            done = hit.end
        hidden = "".join((*parts, text[done:]))
        if parts or kept:
            self._links.update(link[0] for link in _LINK.finditer(hidden) if not keep and "[SECRET:" in link[0])
        return hidden

    def _is_given(self, mark: str) -> bool:
        """Whether this run, or the one it goes on from, gave a placeholder."""
        return mark in self._texts or int(mark.rsplit(":", 1)[1][:-1]) <= self._begun

    def _seen_before(self, text: str, found: Iterable[Secret]) -> Iterator[Secret]:
        """Secrets of this run where nothing around them tells that they are."""
        latest = [text[hit.start : hit.end] for hit in found if hit.kind not in {"literal", "mail"}]
        known = {**dict.fromkeys(latest), **dict.fromkeys(list(self._marks)[-_MOST:])}
        for secret in known:
            if len(secret) >= _LEAST and _unlike_a_name(secret):
                at = text.find(secret)
                while at >= 0:
                    yield Secret(at, at + len(secret), "secret")
                    at = text.find(secret, at + len(secret))

    def _mark(self, secret: str, kind: str) -> str:
        mark = self._marks.get(secret)
        if mark is None:
            self._given += 1
            mark = f"[SECRET:{kind}:{self._given}]"
            self._marks[secret], self._texts[mark] = mark, secret
        return mark

    def _json(self, value: Any, depth: int, *, keep: bool, named: bool = False) -> Any:
        if depth > _DEPTH:
            raise HidingError("data is nested too deeply to look through", where="hiding secrets")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._value(value, keep=keep, named=named)
        if isinstance(value, int | float):
            return self._number(value, named=named, keep=keep)
        if isinstance(value, list | tuple):
            pair = len(value) == 2 and isinstance(value[0], str) and names_secret(value[0]) and not _FACT.fullmatch(str(value[1]))
            return [self._json(item, depth + 1, keep=keep, named=named or (pair and i == 1)) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return self._fields(value, depth, keep=keep, named=named)
        raise HidingError(f"{type(value).__name__} is not plain JSON data", where="hiding secrets", remedy="pass plain JSON data")

    def _fields(self, value: dict[Any, Any], depth: int, *, keep: bool, named: bool) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        label = value.get("name", value.get("key"))
        pair = isinstance(label, str) and names_secret(label)
        kube = str(value.get("kind", "")).lower() == "secret"
        for key, item in value.items():
            if not isinstance(key, str):
                raise HidingError(f"a key is {type(key).__name__}, not text", where="hiding secrets", remedy="pass plain JSON data")
            secret = names_secret(key) or (pair and key == "value") or (kube and key in {"data", "stringData"})
            inner = secret and not (isinstance(item, dict) and not kube)
            fields[self._hide(key, keep=keep)] = self._json(item, depth + 1, keep=keep, named=named or inner)
        return fields

    def _value(self, value: str, *, keep: bool, named: bool) -> str:
        hidden = self._hide(value, keep=keep)
        if not named or not not_plain(value.strip()) or PLACEHOLDER.fullmatch(hidden):
            return hidden
        with self._lock:
            return self._mark(_put_back(value, self._texts) if keep else value, "secret")

    def _number(self, value: float, *, named: bool, keep: bool) -> Any:
        text = repr(value)
        hidden = self._value(text, keep=keep, named=named and len(text) >= _DIGITS)
        return value if hidden == text else hidden


def _put_back(text: str, texts: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: texts.get(match[0], match[0]), text)


def _only(hit: Secret, span: tuple[int, int], text: str) -> bool:
    """Whether a hit is nothing but a placeholder that stays, with quotes and the like around it."""
    start, end = span
    if hit.end <= start or end <= hit.start:
        return False
    rest = text[hit.start : max(start, hit.start)] + text[min(end, hit.end) : hit.end]
    return not any(map(str.isalnum, rest))


def _unlike_a_name(secret: str) -> bool:
    """Whether text is too odd to be an ordinary word of the logs that happens to be somebody's password."""
    kinds = sum(bool(re.search(kind, secret)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9._-]"))
    return kinds >= 3 or (kinds == 2 and len(secret) >= 20 and "-" not in secret and "." not in secret)


def _kube_secrets(text: str) -> Iterator[Secret]:
    """Values of a Kubernetes Secret in YAML: any name may hold one."""
    if _KUBE.search(text):
        for block in _KUBE_DATA.finditer(text):
            for value in _KUBE_VALUE.finditer(block[2]):
                yield Secret(block.start(2) + value.start(1), block.start(2) + value.end(1), "kube-secret")


def _joined(found: Iterable[Secret]) -> Iterator[Secret]:
    """Secrets that overlap become one, of the kind of the longest; of equals, the one found first."""
    current: Secret | None = None
    widest = 0
    for hit in sorted(found, key=lambda hit: hit.start):
        if current is None or hit.start >= current.end:
            if current is not None:
                yield current
            current, widest = hit, hit.end - hit.start
            continue
        kind = hit.kind if hit.end - hit.start > widest else current.kind
        widest = max(widest, hit.end - hit.start)
        current = Secret(current.start, max(current.end, hit.end), kind)
    if current is not None:
        yield current
