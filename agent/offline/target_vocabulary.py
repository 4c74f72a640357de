"""What the logs of a catalog can say: the words of their templates, and their values by field."""

from __future__ import annotations

import re

from agent.offline.words import SYNONYM, lemma, likeness, pieces, related_phrases, singular, tokens
from telemetry.models import Catalog, FieldInfo

ALIASES: tuple[tuple[str, str], ...] = (
    ("user username account login uname", "user username account ruser logname uname name"),
    ("ip address addr source client peer attacker", "ip addr address src source client peer rhost host"),
    ("host hostname machine node server", "host hostname node rhost server machine"),
    ("port", "port sport dport"),
    ("status code http error response errno", "status code status_code error errno rc exit"),
    ("size length bytes", "size len length bytes"),
    ("pid process", "pid process"),
    ("thread", "thread tid"),
    ("file path filename", "path file filename"),
    ("block", "block blk block_id id"),
    ("service application app", "service"),
    ("component logger class module", "logger component"),
    ("level severity", "level severity"),
    ("id identifier", "id"),
)
"""(what people call a field, what logs call it)."""


class Vocabulary:
    """What a catalog's logs can say: template words, and values by field."""

    def __init__(self, catalog: Catalog) -> None:
        """Build the lookups once per catalog."""
        self.catalog = catalog
        self.fields = {info.ref: info for info in catalog.fields}
        self.words = frozenset(t.word for template in catalog.templates for t in tokens(template.pattern))
        self.lemmas = frozenset(lemma(word) for word in self.words)
        self._names = frozenset(p for i in catalog.fields for p in pieces(i.ref.removeprefix("param:")))
        self._values: dict[str, list[tuple[FieldInfo, str]]] = {}
        for info in catalog.fields:
            for value, _ in info.values:
                self._values.setdefault(value.lower(), []).append((info, value))

    def says(self, word: str) -> bool:
        """Whether some template holds ``word`` in its constant text."""
        return word in self.words or lemma(word) in self.lemmas

    def writes(self, phrase: str) -> bool:
        """Whether some message holds the words of ``phrase`` side by side in its constant text."""
        low = phrase.lower()
        return any(low in template.pattern.lower() for template in self.catalog.templates)

    def bears(self, word: str) -> bool:
        """Whether some template, or the name of some parameter, bears out ``word`` by itself or a synonym."""
        if self.says(word):
            return True
        return any(likeness(word, other) >= SYNONYM for other in self.words | self._names) or bool(related_phrases(word))

    def names(self, word: str) -> bool:
        """Whether ``word`` names a field, or is what people call one."""
        single = singular(word.lower())
        return any(single in said.split() for said, _ in ALIASES) or any(bare_name(ref) == single for ref in self.fields)

    def services(self, word: str) -> tuple[list[str], bool]:
        """Services whose name holds ``word`` as a part or a beginning, and whether these are all there are."""
        info = self.fields.get("service")
        if info is None or len(word) < 3:
            return [], False
        low = word.lower()
        found = [value for value, _ in info.values
                 if low in re.split(r"[^0-9a-z]+", value.lower()) or value.lower().startswith(low)]
        return found, bool(found) and len(found) == len(info.values) == info.distinct

    def mostly_value(self, word: str) -> bool:
        """Whether more records hold ``word`` as the value of a parameter than as constant text."""
        params = [i for i, _ in self.holders(word) if i.ref.startswith("param:")]
        as_value = sum(n for i in params for v, n in i.values if v.lower() == word.lower())
        if not as_value:
            return False
        as_text = sum(
            template.count
            for template in self.catalog.templates
            if any(token.word == word.lower() for token in tokens(template.pattern))
        )
        return as_value >= as_text

    def holders(self, value: str) -> list[tuple[FieldInfo, str]]:
        """Fields with this value (any case), with the value as the logs spell it."""
        return self._values.get(value.lower(), [])

    def actors(self, words: list[str]) -> frozenset[str]:
        """Words that name who wrote the lines (``DataNodes`` of logger ``dfs.DataNode``), not what they say.

        Empty when every word does: then nothing else is left to choose by.
        """
        refs = [self.fields[ref] for ref in ("logger", "service") if ref in self.fields]
        names = {
            part.lower() for info in refs for value, _ in info.values for part in re.split(r"[^0-9A-Za-z]+", value)
        }
        found = frozenset(word for word in words if singular(word) in names)
        return found if len(found) < len(words) else frozenset()

    def named(self, name: str) -> list[FieldInfo]:
        """Fields that people mean by ``name``: the same name first, then its aliases."""
        asked = name.lower()
        exact = [i for ref, i in self.fields.items() if bare_name(ref) == asked]
        kin = {log for said, logged in ALIASES if asked in said.split() for log in logged.split()}
        return exact + [i for ref, i in self.fields.items() if bare_name(ref) in kin and i not in exact]


def bare_name(ref: str) -> str:
    """A field as people call it: ``param:user`` is ``user``."""
    return ref.removeprefix("param:").lower()
