"""As whom people act on the cluster: by their name first, then by their role. Whoever is in neither acts as nobody."""

from __future__ import annotations

from collections.abc import Mapping

from agent.approvals.people import Person
from telemetry.errors import UsageError
from telemetry.sources.kubernetes.configuration import Impersonation

Entry = Mapping[str, str | list[str]]
"""``{"user": "oncalm:{name}", "groups": ["oncalm-viewers"]}``; ``{name}`` is the person's."""
_PARTS, _WHERE = frozenset({"people", "roles"}), "ONCALM_KUBE_IMPERSONATE"


def impersonated(settings: Mapping[str, Mapping[str, Entry]], person: Person) -> Impersonation:
    """Whom the API server sees for a person. Raises UsageError for who is not named: never OnCalm's own account in their place."""
    if set(settings) - _PARTS:
        raise UsageError(f"there is no part {', '.join(sorted(set(settings) - _PARTS))}", where=_WHERE, remedy="name people and roles")
    by_name = {Person(name).id: entry for name, entry in settings.get("people", {}).items()}
    entry = by_name.get(person.id) or settings.get("roles", {}).get(person.role)
    if entry is None:
        raise UsageError(f"nobody on the cluster stands for {person.name} ({person.role})", where=_WHERE, remedy="name the person or the role there")
    user, groups = entry.get("user"), entry.get("groups", [])
    if not isinstance(user, str) or not isinstance(groups, list) or set(entry) - {"user", "groups"}:
        raise UsageError("an entry has a user, a text, and groups, a list", where=_WHERE, remedy='as {"user": "oncalm:{name}", "groups": ["viewers"]}')
    if "{name}" in user and user.startswith("{name}") and person.id.startswith("system:"):
        raise UsageError(f"{person.name} is a name of the cluster's own", where=_WHERE, remedy="give such people an entry of their own")
    return Impersonation(user.replace("{name}", person.id), tuple(groups))
