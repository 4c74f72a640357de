"""Reads a policy file: YAML against the schema beside this module; every error names its line and the nearest key."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.decision.names import ACTIONS, PROTECTED
from agent.decision.policy import Policy, Range, Rule, When
from telemetry import yaml_files
from telemetry.errors import UsageError
from telemetry.yaml_files import Place

_WILD = "*?["
_REMEDY = "correct it (docs/policy.md shows one)"


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a policy file."""
    found: dict[str, Any] = json.loads(files("agent.decision").joinpath("policy_schema.json").read_text("utf-8"))
    return found


def read(path: Path) -> Policy:
    """The policy in a file. Raises UsageError for a file that cannot be read or says what a policy cannot: then nothing
    may be done."""
    try:
        text = yaml_files.text_of(path, remedy=_REMEDY)
    except UsageError as error:
        raise _wrong(error.what, str(path)) from error
    return parse(text, str(path))


@lru_cache(maxsize=8)
def parse(text: str, where: str = "policy") -> Policy:
    """The policy in a text. Raises UsageError naming the line.

    The same text is parsed once: the file is read for each decision, so that an edit counts at once, but YAML is slow.
    """
    try:
        document, lines = yaml_files.parse_with_lines(text, _TimesAsText)
    except yaml_files.NotYamlError as error:
        raise _wrong(str(error), where) from error
    _validate(document, lines, where)
    zone = document.get("time_zone", "UTC")
    _zone(zone, ("time_zone",), lines, where)
    rules = tuple(_rule(one, ("rules", at), zone, lines, where) for at, one in enumerate(document.get("rules", [])))
    names = [rule.name for rule in rules]
    for rule in rules:
        if names.count(rule.name) > 1:
            raise _wrong(f"line {rule.line}: the rule “{rule.name}” stands twice", where)
    return Policy(rules, tuple(document.get("protected", PROTECTED)))


class _TimesAsText(yaml_files.StrictLoader):
    """Times of the day stay as they are written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the class attribute is PyYAML's
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml_files.StrictLoader.yaml_implicit_resolvers.items()
    }


def _validate(document: object, lines: Mapping[Place, int], where: str) -> None:
    from jsonschema import Draft202012Validator

    found = sorted(Draft202012Validator(schema()).iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if found:
        told = [_told(error, lines) for error in found[:5]]
        raise _wrong("; ".join(told), where)


def _told(error: Any, lines: Mapping[Place, int]) -> str:
    place: Place = tuple(error.absolute_path)
    if error.validator != "additionalProperties":
        name = ".".join(map(str, place)) or "the file"
        return f"line {_line(lines, place)}: {name}: {str(error.message)[:200]}"
    known = list(error.schema["properties"])
    unknown = next(key for key in error.instance if key not in known)
    near = difflib.get_close_matches(str(unknown), known, 1, 0.0)
    return f"line {_line(lines, (*place, unknown))}: unknown key {str(unknown)[:60]!r}; the nearest is {near[0]!r}"


def _line(lines: Mapping[Place, int], place: Place) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _rule(told: Mapping[str, Any], place: Place, zone: str, lines: Mapping[Place, int], where: str) -> Rule:
    actions = tuple(told.get("actions", ()))
    for name in actions:
        wild = any(sign in name for sign in _WILD)
        if wild and told["decision"] == "allow":
            raise _wrong(f"line {_line(lines, (*place, 'actions'))}: an allow must name its actions, {name!r} is a pattern", where)
        if not wild and name not in ACTIONS:
            near = difflib.get_close_matches(name, list(ACTIONS), 1, 0.0)
            raise _wrong(f"line {_line(lines, (*place, 'actions'))}: no action is called {name!r}; the nearest is {near[0]!r}", where)
    return Rule(
        told["name"], told["decision"], actions, kinds=tuple(told.get("kinds", ())), targets=tuple(told.get("targets", ())),
        namespaces=tuple(told.get("namespaces", ())), labels=tuple(sorted(told.get("labels", {}).items())), when=_when(told, place, zone, lines, where),
        risk=_range(told, "risk", place, lines, where), confidence=_range(told, "confidence", place, lines, where),
        why=told.get("why", ""), line=_line(lines, place),
    )


def _range(told: Mapping[str, Any], key: str, place: Place, lines: Mapping[Place, int], where: str) -> Range:
    found = Range(**told.get(key, {}))
    if not found.least <= found.most:
        raise _wrong(f"line {_line(lines, (*place, key))}: {key}: least is above most", where)
    return found


def _when(told: Mapping[str, Any], place: Place, zone: str, lines: Mapping[Place, int], where: str) -> When | None:
    given = told.get("time")
    if given is None:
        return None
    place = (*place, "time")
    zone = given.get("time_zone", zone)
    _zone(zone, (*place, "time_zone"), lines, where)
    start, end = (_instant(given.get(key), zone, (*place, key), lines, where) for key in ("from", "to"))
    if start and end and not start < end:
        raise _wrong(f"line {_line(lines, place)}: time: from is not before to", where)
    after, before = (time.fromisoformat(given[key]) if key in given else None for key in ("after", "before"))
    return When(zone, start, end, tuple(given.get("days", ())), after, before)


def _instant(text: str | None, zone: str, place: Place, lines: Mapping[Place, int], where: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong(f"line {_line(lines, place)}: {text[:40]!r} is no time; write 2026-12-20T18:00", where) from error
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _zone(name: str, place: Place, lines: Mapping[Place, int], where: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, malformed, or a folder of the database
        raise _wrong(f"line {_line(lines, place)}: no time zone is called {name[:40]!r}; write one as Europe/Berlin", where) from error


def _wrong(what: str, where: str) -> UsageError:
    return UsageError(f"the policy cannot be used, so every action is refused: {what}"[:1500], where=where, remedy=_REMEDY)
