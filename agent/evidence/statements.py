"""What one claim says that can be checked: quotes, moments, names and figures, each piece of text read once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.evidence.figures import Figure, figures
from agent.evidence.instants import Instant, instants
from agent.evidence.names import GENERAL, Name, names, quotes

_BLANK = "\x1f"
_CITED = re.compile(r"[\[(]?\b[Ee]\d{1,3}\b(?:\s*(?:,|and|&|-|–)\s*\b[Ee]\d{1,3}\b)*[\])]?")
_PERCENTILE = re.compile(r"\b(\d{1,2}(?:\.\d{1,3})?)(?:st|nd|rd|th)[ -]percentile\b", re.IGNORECASE)
_SIGNS = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-", "\u00ad": None, "\u200b": None, "\ufeff": None})


@dataclass(frozen=True, slots=True)
class Statement:
    """The checkable parts of a claim."""

    quotes: tuple[str, ...]
    instants: tuple[Instant, ...]
    names: tuple[Name, ...]
    figures: tuple[Figure, ...]
    cited: tuple[str, ...]
    """Evidence ids that stand in the text itself."""


def read(text: str, labels: frozenset[str] = frozenset(), known: Iterable[str] = ()) -> Statement:
    """Read a claim. ``known`` are evidence ids, which are citations and no names; ``labels`` see :func:`names`."""
    ids = set(known)
    text = _plain(text)
    cited = [m for m in _CITED.finditer(text) if set(re.findall(r"[Ee]\d+", m[0].upper())) <= ids]
    text = blank(text, [m.span() for m in cited])
    quoted = quotes(text)
    text = blank(text, [span for _, span in quoted])
    percentiles = list(_PERCENTILE.finditer(text))
    text = blank(text, [m.span() for m in percentiles])
    moments = instants(text)
    text = blank(text, [span for _, span in moments])
    named = names(text, labels)
    text = blank(text, [span for _, span in named])
    text = blank(text, [m.span() for m in GENERAL.finditer(text) if any(map(str.isdigit, m[0]))])
    return Statement(
        quotes=tuple(quote for quote, _ in quoted),
        instants=tuple(moment for moment, _ in moments),
        names=(*(name for name, _ in named), *(Name(f"p{m[1]}", hard=True) for m in percentiles)),
        figures=tuple(figure for figure, _ in figures(text)),
        cited=tuple(i for m in cited for i in re.findall(r"E\d+", m[0].upper())),
    )


def read_log(text: str) -> tuple[list[Instant], list[Figure]]:
    """Moments and figures of a text that a machine wrote."""
    moments = instants(text)
    rest = blank(text, [span for _, span in moments])
    return [moment for moment, _ in moments], [figure for figure, _ in figures(rest, log=True)]


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """``text`` with the spans overwritten; its length stays."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            pieces.append(text[at:start] + _BLANK * (end - start))
            at = end
    return "".join(pieces) + text[at:]


def _plain(text: str) -> str:
    """Emphasis marks and typographic signs are no part of what is said."""
    return re.sub(r"\*\*|(?<!\w)[*_](?=\w)|(?<=\w)[*](?!\w)", "", text.translate(_SIGNS))
