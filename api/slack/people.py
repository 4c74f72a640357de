"""Which Slack user is which person: a file, by team and user id. Display names are never looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agent.approvals.people import Person, Role
from telemetry import yaml_files
from telemetry.errors import UsageError

_USER, _TEAM = re.compile(r"[UW][A-Z0-9]{2,20}\Z"), re.compile(r"[TE][A-Z0-9]{2,20}\Z")
_KEYS = {"team", "users", "others"}


@dataclass(frozen=True, slots=True)
class People:
    """``others``: whether users of the team who are not named may look."""

    team: str
    users: Mapping[str, Person] = field(default_factory=dict)
    others: Literal["viewer", "none"] = "none"

    def person(self, user: str, team: str) -> Person | None:
        """Who this is; None for a user of another team and for one who is not known."""
        if team != self.team or not _USER.match(user):
            return None
        known = self.users.get(user)
        if known is None and self.others == "viewer":
            return Person(f"slack:{user}", "viewer")
        return known

    def may(self, user: str, team: str, role: Role) -> Person | None:
        """The person, if the role reaches."""
        person = self.person(user, team)
        return person if person is not None and person.may(role) else None


def read_people(path: Path) -> People:
    """Read ``slack_users.yaml``. Raises UsageError that names the field that is wrong."""
    return people_of(yaml_files.read(path, remedy="see docs/slack.md"), str(path))


def people_of(told: Any, where: str) -> People:
    """Check what was read: ``{team, users: {U…: {name, role}}, others}``. Raises UsageError."""
    def wrong(what: str) -> UsageError:
        return UsageError(what, where=where, remedy="see docs/slack.md for the form of it")

    if not isinstance(told, dict) or set(told) - _KEYS:
        raise wrong("it must hold team, users and, if wanted, others, and nothing else")
    team, users, others = told.get("team"), told.get("users", {}), told.get("others", "none")
    if not isinstance(team, str) or not _TEAM.match(team):
        raise wrong(f"team: {team!r} is no Slack team id (T…)")
    if not isinstance(users, dict) or others not in {"viewer", "none"}:
        raise wrong("users must be a mapping, and others viewer or none")
    found: dict[str, Person] = {}
    for ident, one in users.items():
        if not isinstance(ident, str) or not _USER.match(ident):
            raise wrong(f"users: {ident!r} is no Slack user id (U…)")
        if not isinstance(one, dict) or set(one) - {"name", "role"} or not isinstance(one.get("name"), str):
            raise wrong(f"users: {ident}: name and role are needed")
        found[ident] = Person(one["name"], one.get("role", "viewer"))
    if len({person.id for person in found.values()}) != len(found):
        raise wrong("users: one person is named for two Slack users; name each person once")
    return People(team, found, others)
