"""Browser sessions: opened by a key or a token, found by their cookie's secret, over when their key is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.approvals.people import Person
from agent.audit.journal import Journal, micros, moment
from agent.keys.keys import key_of, scopes_of
from agent.keys.secrets import digest, is_session, new_session, same

LIFETIME, IDLE = timedelta(hours=24), timedelta(hours=8)
"""A session ends after ``LIFETIME``, and after ``IDLE`` without a request."""
_SEEN_EVERY = 60_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """Whom a cookie stands for. ``key``: the id of the key it was opened with, if one was. Times in UTC."""

    digest: str
    person: Person
    scopes: frozenset[str]
    key: str | None
    expires: datetime
    seen: datetime


class Sessions:
    """The sessions of one state database. Threads may share it. Every method raises StoreError."""

    def __init__(self, journal: Journal, *, lifetime: timedelta = LIFETIME, idle: timedelta = IDLE) -> None:
        self._journal = journal
        self._lifetime, self._idle = lifetime, idle

    def open(self, person: Person, *, key: str | None = None, scopes: frozenset[str] = frozenset(), until: datetime | None = None,
             instead_of: str | None = None) -> tuple[str, Session]:
        """A new session and its cookie's secret. ``until``: when the token it was opened with ends; ``instead_of``: the
        digest of one that ends with this. What is over is cleared away."""
        from agent.keys.tables import sessions

        secret = new_session()
        with self._journal.writing() as writing:
            now = moment(writing.now)
            expires = min(now + self._lifetime, until) if until else now + self._lifetime
            writing.connection.execute(sessions.delete().where((sessions.c.expires <= writing.now) | (sessions.c.digest == (instead_of or ""))))
            writing.connection.execute(sessions.insert(), {
                "digest": digest(secret), "key": key, "name": person.name, "role": person.role, "scopes": ",".join(sorted(scopes)),
                "opened": writing.now, "expires": micros(expires), "seen": writing.now})
            writing.note("signed_in", subject=key or "", actor=person.name, body={"role": person.role, "by": "key" if key else "token"})
        return secret, Session(digest(secret), person, scopes, key, expires, now)

    def find(self, secret: str) -> Session | None:
        """The session of a cookie that is not over, with the rights its key has now."""
        from agent.keys.tables import keys, sessions

        if not is_session(secret):
            return None
        sought, now = digest(secret), self._journal.clock()
        with self._journal.database.reading() as connection:
            row = connection.execute(sessions.select().where(sessions.c.digest == sought)).one_or_none()
            opener = connection.execute(keys.select().where(keys.c.id == row.key)).one_or_none() if row is not None and row.key else None
        if row is None or not same(row.digest, sought) or now >= moment(row.expires) or now - moment(row.seen) >= self._idle:
            return None
        if row.key and (opener is None or not key_of(opener).valid(now)):
            return None
        return Session(sought, Person(row.name, row.role), scopes_of(row.scopes), row.key, moment(row.expires), moment(row.seen))

    def note_use(self, session: Session) -> None:
        """Remember that it was used, to a minute."""
        from agent.keys.tables import sessions

        now = micros(self._journal.clock())
        if now - micros(session.seen) >= _SEEN_EVERY:
            with self._journal.database.writing() as connection:
                connection.execute(sessions.update().where(sessions.c.digest == session.digest).values(seen=now))

    def end(self, session: Session) -> None:
        """Sign out."""
        from agent.keys.tables import sessions

        with self._journal.writing() as writing:
            if writing.connection.execute(sessions.delete().where(sessions.c.digest == session.digest)).rowcount:
                writing.note("signed_out", subject=session.key or "", actor=session.person.name, body={"sessions": 1})

    def end_all(self, person: Person, by: Person) -> int:
        """Sign somebody out everywhere; how many sessions that were."""
        from agent.keys.tables import sessions

        with self._journal.writing() as writing:
            theirs = [row.digest for row in writing.connection.execute(sessions.select()) if Person(row.name).id == person.id]
            writing.connection.execute(sessions.delete().where(sessions.c.digest.in_(theirs)))
            writing.note("signed_out", actor=by.name, body={"name": person.name, "sessions": len(theirs)})
        return len(theirs)
