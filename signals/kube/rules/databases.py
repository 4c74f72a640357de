"""What databases answer their clients: refused logins, too many connections, read-only; and clients that ask elsewhere.

The words are the servers' own: MySQL's error reference (1040 ER_CON_COUNT_ERROR, 1045 ER_ACCESS_DENIED_ERROR, 1049
ER_BAD_DB_ERROR, 1203, 1290 ER_OPTION_PREVENTS_STATEMENT, 1792, 1836), PostgreSQL's error codes (53300, 28P01, 25006),
Redis (``READONLY``, ``max number of clients reached``, ``WRONGPASS``, ``NOAUTH``) and MongoDB (NotWritablePrimary, 18
AuthenticationFailed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from signals.kube.excerpts import Excerpt, excerpts
from signals.kube.finding import LIKELY, POSSIBLE, STATED, Finding, Rule, found
from signals.kube.state import at, items_at, name_of
from signals.kube.view import View, Workload

CREDENTIALS = re.compile(r"Access denied for user|password authentication failed for user|no pg_hba\.conf entry|\bWRONGPASS\b|\bNOAUTH\b|"
                         r"invalid password|AuthenticationFailed|Authentication failed|ERROR 1045|role \"[^\"]+\" does not exist", re.I)
CONNECTIONS = re.compile(r"Too many connections|too many clients already|remaining connection slots are reserved|"
                         r"max number of clients reached|max_user_connections|connection limit exceeded|SQLState: 08004|ERROR 1040|"
                         r"too many open connections", re.I)
READ_ONLY = re.compile(r"(?:super-)?read-only option so it cannot execute|cannot execute \w+(?: \w+)? in a read-only transaction|"
                       r"\bREADONLY You can't write against a read only|NotWritablePrimary|not master and slaveOk=false|"
                       r"running with the --(?:super-)?read-only|database is (?:in )?read[- ]only|read only mode|"
                       r"Connection is read-only|attempt to write a readonly database|ERROR 1290|ERROR 1836", re.I)
NAME = re.compile(r"Unknown database '|database \"[^\"]+\" does not exist|ERROR 1049", re.I)
UNREACHABLE = re.compile(r"Communications link failure|CommunicationsException|Can't connect to MySQL server|"
                         r"Connection to \S+:\d+ refused|could not connect to server|JDBCConnectionException|"
                         r"Could not (?:create|open) (?:connection|JDBC)|SequelizeConnectionRefused|"
                         r"MongoTimeoutException|MongoServerSelectionError|server selection error", re.I)
_ENGINES = re.compile(r"mysql|maria|percona|xenon|postgres|pgsql|mongo|redis|valkey|memcache|cassandra|mssql|oracle|cockroach|clickhouse|etcd", re.I)
_PORTS = {3306, 5432, 27017, 6379, 1433, 1521, 9042, 11211}
_HOST = re.compile(r"(?:jdbc:\w+://|@|address=|host[= :]+|//|Connection to )(?P<host>[a-z][\w.-]+?)(?::(?P<port>\d+))?(?=[/\s,?'\"\])]|$)", re.I)


def answered(view: View) -> Iterator[Finding]:
    """Databases that refuse connections or writes, and clients they refuse."""
    for cause, pattern in (("db_connections", CONNECTIONS), ("db_read_only", READ_ONLY)):
        clients = [(each, hit) for each in view.workloads if not is_database(each) and (hit := next(excerpts(view, each, pattern), None))]
        for database, told in _blamed(view, clients):
            names = ", ".join(sorted(each.name for each, _ in told))
            client, hit = told[0]
            yield found(cause, database.entity, f"{database.name} is refused to {len(told)} clients ({names}); {client.name} logs “{hit.line}”",
                        STATED + min(len(told), 5) * 0.2, namespace=database.namespace,
                        refs=(database.ref, *(each.ref for _, each in told[:3])), at=hit.at)


def _blamed(view: View, clients: list[tuple[Workload, Excerpt]]) -> list[tuple[Workload, list[tuple[Workload, Excerpt]]]]:
    """Each database with the clients that complain of it."""
    blamed: dict[str, tuple[Workload, list[tuple[Workload, Excerpt]]]] = {}
    for client, hit in clients:
        database = database_of(view, client, hit.line)
        if database is not None:
            blamed.setdefault(database.name, (database, []))[1].append((client, hit))
    return list(blamed.values())


def refused(view: View) -> Iterator[Finding]:
    """Clients whose credentials or database name the server refuses."""
    for workload in view.workloads:
        if is_database(workload):
            continue
        for cause, pattern in (("db_credentials", CREDENTIALS), ("db_name", NAME)):
            hit = next(excerpts(view, workload, pattern), None)
            if hit is not None:
                yield found(cause, workload.entity, f"the database refuses {workload.name}: “{hit.line}” (x{hit.count})",
                            STATED if not workload.ready else STATED - 1.5, namespace=workload.namespace,
                            refs=(workload.ref, hit.ref), at=hit.at)


def unreached(view: View) -> Iterator[Finding]:
    """Clients that cannot connect to a database that runs and serves others."""
    stuck: list[Finding] = []
    for workload in view.workloads:
        hit = None if is_database(workload) else next(excerpts(view, workload, UNREACHABLE), None)
        if hit is None or any(next(excerpts(view, workload, each), None) for each in (CONNECTIONS, CREDENTIALS, READ_ONLY, NAME)):
            continue
        database = database_of(view, workload, hit.line)
        down = database is not None and not database.ready
        stuck.append(found("db_port", workload.entity,
                           f"{workload.name} cannot connect to {database.name if database else 'its database'}"
                           f"{', which is not ready' if down else ', which is up'}: “{hit.line}” (x{hit.count})",
                           POSSIBLE - 1 if down else STATED - 0.5 if not workload.ready else LIKELY,
                           namespace=workload.namespace, refs=(workload.ref, hit.ref), at=hit.at))
    many = len(stuck) > 2
    yield from (replace(each, strength=POSSIBLE) if many else each for each in stuck)


def is_database(workload: Workload) -> bool:
    """By its image or port."""
    images = " ".join(str(at(each, "image")) for each in workload.containers)
    ports = {int(port.get("containerPort") or 0) for each in workload.containers for port in items_at(each, "ports")}
    return bool(_ENGINES.search(images)) and not _ENGINES.search(workload.namespace) or bool(ports & _PORTS)


def database_of(view: View, client: Workload, line: str) -> Workload | None:
    """The database a client complains of: named in the line, then in its environment, then the one it is known to call,
    then the only one, then the one with most callers."""
    databases = [each for each in view.everywhere if is_database(each) and each.namespace == client.namespace]
    for match in _HOST.finditer(line):
        service = view.service(match["host"].split(".")[0], client.namespace)
        named = next((each for each in (view.serving(service) if service else ()) if is_database(each)), None)
        if named is not None:
            return named
    called = [each for each in databases if each.key in view.calls.get(client.key, frozenset())]
    if len(called) == 1 or len(databases) == 1:
        return (called or databases)[0]
    callers = {each.name: sum(each.key in targets for targets in view.calls.values()) for each in databases}
    return max(called or databases, key=lambda each: (callers[each.name], _complains(view, each), name_of(each.object)), default=None)


def _complains(view: View, database: Workload) -> bool:
    """Does its own log speak of the same?"""
    return any(next(excerpts(view, database, each, past=True), None) for each in (CONNECTIONS, READ_ONLY, CREDENTIALS))


RULES: tuple[Rule, ...] = (answered, refused, unreached)
