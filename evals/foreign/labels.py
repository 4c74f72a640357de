"""The conventions of corrected labels (Khan et al., ICSE 2022, section 4), applied to what a table says."""

from __future__ import annotations

import re

PATH_ENDS = r"\s,!;:=|\"'\[\](){}"
_PATHS = re.compile(rf"([{PATH_ENDS}])")
_TOKENS = re.compile(rf"([{PATH_ENDS}.@#$%&+\-])")
_PATH = re.compile(r"(?:/[^/]+)+")
_WITH_VARIABLE = re.compile(r"[^\s/]*<\*>[^\s/]*")
_STRINGS = frozenset({"true", "false", "null", "root"})


def corrected(template: str) -> str:
    """Write a template as the corrected labels do: numbers, paths, booleans and words that hold one are ``<*>``."""
    text = " ".join(template.split())
    text = "".join("<*>" if _PATH.fullmatch(part) else part for part in _PATHS.split(text))
    text = "".join(_token(part) for part in _TOKENS.split(text))
    while (shorter := text.replace("<*>.<*>", "<*>").replace("<*><*>", "<*>")) != text:
        text = shorter
    return text


def _token(text: str) -> str:
    if text.lower() in _STRINGS or text.isdecimal() or _WITH_VARIABLE.fullmatch(text):
        return "<*>"
    return text
