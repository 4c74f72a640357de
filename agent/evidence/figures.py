"""Numbers in a text with their units, and whether one shows another.

A figure is compared at the precision it is written with: ``1.2k`` is shown by 1,234 and not by 1,290;
``1,234`` by 1,234 alone. Words such as "about" and "over" widen that by the last digit that says something.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

from agent.numerals import NUMERALS
from telemetry.units import BYTES, SECONDS

Kind = Literal["plain", "count", "duration", "bytes", "percent", "share", "times", "rate"]
"""``plain`` is a number whose unit nobody wrote; ``share`` a part of one; ``rate`` something per time."""

_MANY = {"k": 1e3, "thousand": 1e3, "mio": 1e6, "million": 1e6, "mn": 1e6, "bn": 1e9, "billion": 1e9}
COUNTED = (
    r"records?|errors?|requests?|failures?|times|lines?|events?|messages?|logs?|entries|warnings?|exceptions?|timeouts?|"
    r"retries|restarts?|attempts?|connections?|logins?|hosts?|nodes?|pods?|services?|users?|blocks?|templates?|kinds?|"
    r"occurrences?|responses?|calls?|crashes|jobs?|tasks?|sessions?|clients?|replicas?|instances?|orders?|payments?|"
    r"matches|hits|alerts?|addresses|ips?|values|different|distinct|unique|more|fewer|such|of them|queries|workers?|packets?"
)
_WORDS = {word: n for word, n in NUMERALS.items() if n > 1} | {"a dozen": 12}
_FOLDS = {"twice": 2, "doubled": 2, "tripled": 3, "trebled": 3, "quadrupled": 4}
_SPACE = "\u00a0\u2009\u202f"
_NUMBER = rf"(?:\d{{1,3}}(?:[,{_SPACE}'’]\d{{3}})+(?!\d)|\d+)(?:\.\d+)?(?:e[+-]?\d{{1,3}})?"
_UNITS = sorted((*SECONDS, *BYTES), key=len, reverse=True)
_UNIT = rf"(?:{'|'.join(map(re.escape, _UNITS))})"
_FIGURE = re.compile(
    r"(?<![A-Za-z_.])(?<![A-Za-z0-9][-])(?<!\d)(?P<times>[x×]\s?(?=\d))?"
    rf"(?P<number>{_NUMBER}|(?<![.,\d])\.\d+)"
    rf"(?:\s?(?P<many>k|m|mio|mn|bn|thousand|million|billion)(?![a-z0-9%]))?"
    rf"(?:(?P<percent>\s?(?:%|percent\b|pct\b|per cent\b|pp\b|percentage points?\b))"
    rf"|[\s-]?(?P<unit>{_UNIT})s?(?:(?![A-Za-z0-9_])|(?=\d))(?!\s?['’]s)"
    r"|(?P<fold>\s?[x×](?![a-z0-9])|[\s-]?fold\b|\s+times(?=\s+(?:as|more|higher|the|larger|slower|faster|longer|its)\b)))?"
    r"(?![A-Za-z_]|[.:-]?\d|-[A-Za-z]+\d)"
    r"(?P<rate>\s*(?:[\w]+\s+)?(?:/|per\s+|an?\s+(?=second|minute|hour|day))\s*(?P<per>seconds?|minutes?|hours?|days?|min|sec|s|h|d|m)\b)?",
    re.IGNORECASE)
_SPELT = re.compile(
    rf"\b(?P<word>{'|'.join(_WORDS)})[\s-]+(?:(?P<unit>milliseconds?|seconds?|minutes?|hours?|days?|weeks?)\b"
    rf"|(?=(?:[a-z]+\s+)?(?:{COUNTED})\b))|\b(?P<fold>{'|'.join(_FOLDS)})\b", re.IGNORECASE)
_PARTS = {"half": 50.0, "third": 100 / 3, "thirds": 200 / 3, "quarter": 25.0, "quarters": 75.0, "fifth": 20.0, "tenth": 10.0}
_PART = re.compile(
    r"\b(?:(?P<half>half)|(?:a|one)[ -](?P<one>third|quarter|fifth|tenth)|two[ -](?P<two>thirds)|three[ -](?P<three>quarters))"
    r"(?= (?:of|the|all)\b(?! an? ))", re.IGNORECASE)
_ONE_IN = re.compile(
    rf"(?<![\w.,])(?P<part>[1-9]\d{{0,2}}|one|{'|'.join(_WORDS)}) (?:in|out of)(?: every)? (?P<whole>\d{{1,6}}|{'|'.join(_WORDS)})(?![\w.:-]|,\d|\s?(?:{_UNIT})s?\b)",
    re.IGNORECASE)
_BOUND = re.compile(
    r"(?P<about>about|around|roughly|approximately|approx\.?|circa|some|~|≈)\s*$"
    r"|(?P<over>over|more than|above|at least|exceed(?:s|ed|ing)?|greater than|longer than|higher than|>=?|≥)\s*$"
    r"|(?P<under>nearly|almost|under|less than|fewer than|below|up to|at most|just short of|shorter than|lower than|<=?|≤)\s*$",
    re.IGNORECASE)
_FREE_BEFORE = re.compile(r"(?:#|\b(?:step|no\.|option|point|item|finding|reason|claim|case|hypothesis))\s*$|(?:^|\n)\s*\(?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as written. ``value`` is its face value, ``scale`` turns it into seconds or bytes."""

    text: str
    value: float
    kind: Kind = "plain"
    scale: float = 1.0
    step: float = 1.0
    """One in the last written place."""
    exact: bool = True
    """A whole number written out in full."""
    bound: str = ""
    parts: tuple[Figure, ...] = ()
    """For "2 h 30 min": the figures it is joined from."""
    spelt: bool = False


def figures(text: str, *, log: bool = False) -> list[tuple[Figure, tuple[int, int]]]:
    """All figures in ``text`` with where they stand; ``log``: as a machine writes (no words, ordinals kept)."""
    found: list[tuple[Figure, tuple[int, int]]] = []
    if not log:
        text = re.sub(r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?![\d.,:]\d|\d)", _joined, text)
        text = re.sub(r"(?<![\d.,])(\d+),(\d{1,2})(?=\s?(?:%|percent|s\b|ms\b|GB|MB|h\b|min))", r"\1.\2", text)
    taken: list[tuple[int, int]] = []
    if not log:
        for match in _ONE_IN.finditer(text):
            part, whole = (_whole(match[group]) for group in ("part", "whole"))
            if whole and part <= whole:
                figure = Figure(match[0], 100 * part / whole, "percent", step=5, exact=False)
                found.append((replace(figure, parts=_plain(match)), match.span()))
                taken.append(match.span())
        for match in _PART.finditer(text):
            found.append((Figure(match[0], _PARTS[str(match[match.lastgroup or 0]).lower()], "percent", step=10, exact=False), match.span()))
            taken.append(match.span())
        spelt = ((_spelt(match), match.span()) for match in _SPELT.finditer(text))
        found += [item for item in spelt if not any(a <= item[1][0] < b for a, b in taken)]
    for match in _FIGURE.finditer(text):
        inside = any(a <= match.start() < b for a, b in taken)
        if not inside and (log or not _ordinal(text, match)):
            found.append((_read(match, "" if log else text[max(0, match.start() - 20):match.start()]), match.span()))
    return _compound(text, found)


def _whole(word: str) -> int:
    return int(word) if word.isdigit() else _WORDS.get(word.lower(), 1)


def _joined(match: re.Match[str]) -> str:
    """"12 345" with a space that no other number can be read into; the length stays."""
    return match[0].replace(" ", "\u202f")


def _plain(match: re.Match[str]) -> tuple[Figure, ...]:
    return tuple(Figure(match[g], float(match[g])) for g in ("part", "whole") if match[g].isdigit())


def _spelt(match: re.Match[str]) -> Figure:
    if match["fold"]:
        return Figure(match[0], _FOLDS[match["fold"].lower()], "times", exact=False, bound="about", spelt=True)
    unit = (match["unit"] or "").lower().removesuffix("s")
    kind: Kind = "duration" if unit else "count"
    return Figure(match[0].strip(), _WORDS[match["word"].lower()], kind, SECONDS.get(unit, 1.0), spelt=True)


def _ordinal(text: str, match: re.Match[str]) -> bool:
    """Whether a small number only orders: "1.", "(2)", "step 3", "#4"."""
    whole = match["number"].isdigit() and len(match["number"]) <= 2 and match[0].strip() == match["number"]
    before = text[max(0, match.start() - 20):match.start()]
    if not whole or not _FREE_BEFORE.search(before):
        return False
    before = before.rstrip(" (")
    return bool(before and before[-1] != "\n") or bool(re.match(r"[.):]\s", text[match.end():]))


def _read(match: re.Match[str], before: str) -> Figure:
    written = re.sub(rf"[,{_SPACE}'’]", "", match["number"])
    many = _MANY.get((match["many"] or "").lower(), 1e6 if match["many"] else 1.0)
    unit = (match["unit"] or "").lower()
    kind: Kind = "plain"
    if match["many"] and match["many"] == "m" and not match["percent"]:  # 5m is five minutes, 5M five million
        many, unit = 1.0, "m"
    if match["percent"]:
        kind = "percent"
    elif unit in SECONDS and not (unit in {"d", "w"} and match["unit"].isupper()):
        kind = "duration"
    elif unit in BYTES:
        kind = "bytes"
    elif match["fold"] or match["times"]:
        kind = "times"
    elif match["rate"]:
        kind = "rate"
        unit = match["per"].lower()
    mantissa, _, power = written.lower().partition("e")
    step = 10.0 ** max(-300, min(300, int(power or 0) - len(mantissa.partition(".")[2]))) * many
    scale = (SECONDS.get(unit) or SECONDS.get(unit.removesuffix("s"), 1.0)) if kind in {"duration", "rate"} else BYTES.get(unit, 1.0)
    exact = "." not in written and "e" not in written.lower() and many == 1.0
    bound = _BOUND.search(before)
    return Figure(match[0].strip(), finite(written) * many, kind, scale, step, exact, bound=(bound.lastgroup or "") if bound else "")


def finite(written: str | float) -> float:
    """A number, or NaN, which nothing shows, for what is beyond a float."""
    try:
        value = float(written)
    except (OverflowError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _compound(text: str, found: list[tuple[Figure, tuple[int, int]]]) -> list[tuple[Figure, tuple[int, int]]]:
    """Join "2 h 30 min" and "1h5m" into one length of time."""
    joined: list[tuple[Figure, tuple[int, int]]] = []
    for figure, (start, end) in sorted(found, key=lambda f: f[1]):
        if joined and figure.kind == "duration":
            last, (first, stop) = joined[-1]
            between = text[stop:start]
            if last.kind == "duration" and _last(last).scale > figure.scale and re.fullmatch(r"\s*(?:,|and)?\s*", between):
                parts = (*(last.parts or (last,)), figure)
                total = sum(part.value * part.scale for part in parts)
                value = Figure(text[first:end], total / figure.scale, "duration", figure.scale, figure.step, bound=last.bound, parts=parts)
                joined[-1] = (value, (first, end))
                continue
        joined.append((figure, (start, end)))
    return joined


def _last(figure: Figure) -> Figure:
    return figure.parts[-1] if figure.parts else figure


def shows(shown: Figure, claimed: Figure) -> bool:
    """Whether a number of the evidence proves a claimed one. An unknown unit is taken at face value."""
    return any(close(value, claimed) for value in _faces(shown, claimed))


def _faces(shown: Figure, claimed: Figure) -> list[float]:
    """The evidence's number in the claim's unit; more than one where the evidence leaves it open."""
    want, have = claimed.kind, shown.kind
    if want in {"duration", "bytes"}:
        if have == want:
            face = shown.value * shown.scale / claimed.scale
            return [face, face * (1.024 ** _power(claimed.scale)) / (1.024 ** _power(shown.scale))] if want == "bytes" else [face]
        return [shown.value] if have == "plain" else []
    if want == "percent":
        return {"percent": [shown.value], "share": [shown.value * 100]}.get(have, [])
    if want == "count":
        return [shown.value] if have in {"count", "plain", "times"} else []
    if want == "times":
        return [shown.value] if have in {"times", "count", "plain"} else []
    if want == "rate":
        return [shown.value] if have in {"rate", "plain"} and (have == "plain" or shown.scale == claimed.scale) else []
    return [shown.value]


def _power(scale: float) -> int:
    """How many times 1,024 a unit of size is: what separates MB from MiB."""
    return next((p for p in range(5) if 1024 ** p >= scale), 4) if scale > 1 else 0


def close(shown: float, claimed: Figure) -> bool:
    """Whether a number equals the claimed one as precisely as that is written."""
    have, want = abs(shown), abs(claimed.value)
    slack = want * 1e-9 + 1e-12
    if math.isnan(have) or math.isnan(want):
        return False
    if abs(have - want) <= slack:
        return True
    if want == 0:
        return False
    if claimed.bound:
        digit = _last_digit(want, claimed.step)
        low, high = {"about": (min(digit / 2, want / 10), min(digit / 2, want / 10)), "over": (0.0, digit),
                     "under": (digit, 0.0)}[claimed.bound]
        if claimed.bound == "about":
            low = high = max(low, claimed.step / 2 if not claimed.exact or have % 1 else 0.0)
        return want - low - slack <= have <= want + high + slack
    if claimed.exact:
        return have % 1 != 0 and abs(have - want) <= claimed.step / 2 + slack
    return abs(have - want) <= claimed.step / 2 + slack


def _last_digit(value: float, step: float) -> float:
    """The place of the last digit that is no zero: 100 for 1,200."""
    place = step
    for _ in range(15):
        if round(value / place) % 10:
            break
        place *= 10
    return place
