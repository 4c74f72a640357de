"""Load a prompt by name and fill it in, strictly.

A prompt is a Markdown file of this package. ``{{name}}`` is a variable; nothing else may stand in double braces.
Values are put in once and never read again: a value that holds ``{{x}}`` stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from telemetry.errors import OnCalmError

_VARIABLE = re.compile(r"(?<!\{)\{\{([a-z][a-z0-9_]*)\}\}(?!\})")
_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class PromptError(OnCalmError):
    """A prompt does not exist, holds unknown syntax, or was given other variables than it has."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as written. ``digest``: the first 12 hexadecimal digits of the SHA-256 of ``text`` in UTF-8."""

    name: str
    text: str
    digest: str

    @classmethod
    def of(cls, name: str, text: str) -> Prompt:
        """A prompt from its text. Raises :class:`PromptError` for double braces that are no variable."""
        odd = _BRACES.search(_VARIABLE.sub("", text))
        if odd:
            raise PromptError(f"the prompt holds {odd[0]} outside a variable", where=_where(name),
                              remedy="write variables as {{name}} and put no other double braces in it")
        return cls(name, text, hashlib.sha256(text.encode()).hexdigest()[:12])

    @property
    def variables(self) -> frozenset[str]:
        """Names of the values it needs."""
        return frozenset(_VARIABLE.findall(self.text))

    def render(self, **values: str) -> str:
        """The text with ``values`` in. Raises :class:`PromptError` when one is missing or not used."""
        missing, unused = self.variables - values.keys(), values.keys() - self.variables
        if missing:
            raise PromptError(f"the prompt needs a value for {', '.join(sorted(missing))}", where=_where(self.name),
                              remedy="pass it to render()")
        if unused:
            raise PromptError(f"the prompt has no variable {', '.join(sorted(unused))}", where=_where(self.name),
                              remedy="do not pass it, or use it in the prompt")
        return _VARIABLE.sub(lambda match: values[match[1]], self.text)


def load(name: str) -> Prompt:
    """The prompt ``prompts/NAME.md``. Raises :class:`PromptError` when there is none."""
    file = files(__package__).joinpath(f"{name}.md")
    if not _NAME.fullmatch(name) or not file.is_file():
        raise PromptError("there is no such prompt", where=_where(name), remedy=f"known: {', '.join(known())}")
    # Line ends of the checkout must not change the digest.
    return Prompt.of(name, file.read_text(encoding="utf-8").replace("\r\n", "\n").strip() + "\n")


def known() -> list[str]:
    """Names of all prompts."""
    return sorted(file.name.removesuffix(".md") for file in files(__package__).iterdir() if file.name.endswith(".md"))


def _where(name: str) -> str:
    return f"prompts/{name[:60]}.md"
