"""API keys: made, listed, revoked (each with its audit entry) and found by the secret that was shown once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.approvals.people import Person, Role
from agent.approvals.store import new_id
from agent.audit.journal import Journal, micros, moment
from agent.keys.secrets import digest, is_key, new_key, same
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Row

SCOPES = frozenset({"alerts", "chat", "metrics", "otlp", "predict"})
"""What a key may be narrowed to (``api/door/scopes.py`` says which paths that is)."""
USED_EVERY = 600_000_000
"""Microseconds: the last use is noted this coarsely, so that reading does not mean writing."""


class NoSuchKeyError(OnCalmError):
    """No key has this id or name."""


class MayNotError(OnCalmError):
    """This person may not make or revoke such a key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. Times in UTC; ``used`` to ten minutes."""

    id: str
    name: str
    role: Role
    scopes: frozenset[str]
    created: datetime
    created_by: str
    expires: datetime | None
    used: datetime | None
    revoked: datetime | None

    @property
    def person(self) -> Person:
        """Whoever comes with it."""
        return Person(self.name, self.role)

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    """The keys of one state database. Threads may share it. Every method raises StoreError where it cannot be used."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def create(self, name: str, role: Role, by: Person, *, scopes: Iterable[str] = (), expires: datetime | None = None) -> tuple[Key, str]:
        """A new key and its secret, which is kept nowhere.

        Raises UsageError for a name, role, scope or time that is none, MayNotError for a key that reaches too far.
        """
        person, wanted = Person(name.strip(), role), frozenset(scopes)
        _check(person, wanted, expires, self._journal.clock(), by)
        secret, ident = new_key(), new_id()
        with self._journal.writing() as writing:
            from agent.keys.tables import keys

            writing.connection.execute(keys.insert(), {
                "id": ident, "digest": digest(secret), "name": person.name, "role": role, "scopes": ",".join(sorted(wanted)),
                "created": writing.now, "created_by": by.name, "expires": micros(expires) if expires else None})
            writing.note("key_created", subject=ident, actor=by.name, body={
                "name": person.name, "role": role, "scopes": sorted(wanted), "expires": expires.isoformat() if expires else None})
        return self.named(ident), secret

    def list(self) -> list[Key]:
        """Every key, the oldest first; also those that open nothing any more."""
        from agent.keys.tables import keys

        with self._journal.database.reading() as connection:
            return [key_of(row) for row in connection.execute(keys.select().order_by(keys.c.created, keys.c.id))]

    def named(self, ident: str) -> Key:
        """The key with this id, or the only valid one of this name. Raises NoSuchKeyError, UsageError for several."""
        every = self.list()
        exact = [one for one in every if one.id == ident]
        found = exact or [one for one in every if one.person.id == ident.strip().casefold() and one.revoked is None]
        if not found:
            raise NoSuchKeyError("there is no such key", where=ident[:80], remedy="run `oncalm keys list`")
        if len(found) > 1:
            raise UsageError(f"{len(found)} keys have this name", where=ident[:80], remedy=f"say which: {', '.join(one.id for one in found)}")
        return found[0]

    def revoke(self, ident: str, by: Person) -> Key:
        """Let a key open nothing from now on, and end the sessions that it opened; once more changes nothing.

        Raises NoSuchKeyError, UsageError for a name that several have, MayNotError.
        """
        from agent.keys.tables import keys, sessions

        key = self.named(ident)
        if not by.may("admin") and by.id != key.person.id and not _within(by, key.role):
            raise MayNotError(f"{by.name} ({by.role}) may not revoke a key of the role {key.role}", where=f"key {key.id}", remedy="ask an administrator")
        with self._journal.writing() as writing:
            done = writing.connection.execute(
                keys.update().where(keys.c.id == key.id, keys.c.revoked.is_(None)).values(revoked=writing.now, revoked_by=by.name))
            ended = writing.connection.execute(sessions.delete().where(sessions.c.key == key.id)).rowcount
            if done.rowcount:
                writing.note("key_revoked", subject=key.id, actor=by.name, body={"name": key.name, "role": key.role, "sessions_ended": ended})
        return self.named(key.id)

    def find(self, secret: str) -> Key | None:
        """The valid key with this secret."""
        from agent.keys.tables import keys

        if not is_key(secret):
            return None
        sought = digest(secret)
        with self._journal.database.reading() as connection:
            row = connection.execute(keys.select().where(keys.c.digest == sought)).one_or_none()
        if row is None or not same(row.digest, sought):
            return None
        key = key_of(row)
        return key if key.valid(self._journal.clock()) else None

    def note_use(self, key: Key) -> None:
        """Remember that it was used, unless that was noted within the last ten minutes."""
        from agent.keys.tables import keys

        now = micros(self._journal.clock())
        if key.used is not None and now - micros(key.used) < USED_EVERY:
            return
        with self._journal.database.writing() as connection:
            connection.execute(keys.update().where(keys.c.id == key.id).values(used=now - now % USED_EVERY))

    def ever(self) -> bool:
        """Whether there was ever a key, valid or not."""
        from agent.keys.tables import keys

        with self._journal.database.reading() as connection:
            return connection.execute(keys.select().limit(1)).first() is not None

    def usable(self) -> bool:
        """Whether any key opens anything now."""
        now = self._journal.clock()
        return any(one.valid(now) for one in self.list())


def key_of(row: Row[Any]) -> Key:
    """A row as a key."""
    return Key(row.id, row.name, row.role, scopes_of(row.scopes), moment(row.created), row.created_by,
               _when(row.expires), _when(row.used), _when(row.revoked))


def scopes_of(text: str) -> frozenset[str]:
    """Scopes as they are kept."""
    return frozenset(part for part in text.split(",") if part)


def _when(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _within(by: Person, role: Role) -> bool:
    """Whether somebody who is no administrator may deal with keys of this role: never with those that approve."""
    return by.may("responder") and role in {"viewer", "responder"} and by.may(role)


def _check(person: Person, scopes: frozenset[str], expires: datetime | None, now: datetime, by: Person) -> None:
    if scopes - SCOPES:
        raise UsageError(f"there is no scope {', '.join(sorted(scopes - SCOPES))}", where="--scope", remedy=f"use some of {', '.join(sorted(SCOPES))}")
    if expires is not None and expires <= now:
        raise UsageError("it would have expired already", where="--expires", remedy="name a time to come, as 90d")
    if not by.may("admin") and not _within(by, person.role):
        raise MayNotError(f"{by.name} has the role {by.role}, and may not make a key of the role {person.role}", where="keys",
                          remedy="only an administrator makes keys that approve; whoever owns this home may say so with ONCALM_ROLE=admin")
