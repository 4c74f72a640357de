"""The work that databases are given by a bench: statements whose rows and error codes are known before they are sent.

Each connection has a table to itself. Secrets stand in literals, comments, parameters, and in what the server answers.
"""

from __future__ import annotations

from dataclasses import dataclass

PLANTED = "Zq7hunterXk93wLpT"
"""Part of every value that must not be told."""
ITEMS = 1000
"""Rows of the table that is only read."""
CYCLE = 14
"""Statements after which the same kinds come again."""


@dataclass(frozen=True, slots=True)
class Statement:
    """``how``: ``text`` (one message), ``once`` (with parameters, not kept), or the name under which it was prepared before.

    ``rows`` and ``error`` are what the server must answer; ``error`` is PostgreSQL's SQLSTATE, or MySQL's number.
    """

    how: str
    text: str
    values: tuple[int | str, ...]
    operation: str
    rows: int | None = None
    error: str | int | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs: how a parameter is written, and how errors are numbered."""

    name: str
    marks: tuple[str, str, str]
    division: tuple[str, str | int]
    """A statement that fails when it is run, with a secret in it, and how."""
    nested: tuple[str, str | int]
    """One that is prepared without an error, and fails when it is run."""
    missing: str | int
    duplicate: str | int
    syntax: str | int


_NESTED = "SELECT (SELECT id FROM items WHERE id <= {})"
DIALECTS = {
    "postgres": Dialect("postgres", ("$1", "$2", "$3"), (f"SELECT 1/0, '{PLANTED}'", "22012"), (_NESTED.format("$1::int"), "21000"), "42P01", "23505", "42601"),
    "mysql": Dialect("mysql", ("?", "?", "?"), (f"SELECT (SELECT id FROM items), '{PLANTED}'", 1242), (_NESTED.format("?"), 1242), 1146, 1062, 1064),
}


def prepared(dialect: Dialect, link: int) -> dict[str, tuple[str, int]]:
    """What each connection prepares, by name, with its number of parameters."""
    first, second, _ = dialect.marks
    return {
        "find": (f"SELECT id, name FROM items WHERE id <= {_int(first)} AND name <> {second}", 2),
        "forget": (f"DELETE FROM own_{link} WHERE batch = {_int(first)}", 1),
        "fail": (dialect.nested[0], 1),
    }


def statement(dialect: Dialect, link: int, turn: int) -> Statement:
    """Statement ``turn`` of connection ``link``."""
    cycle, place = divmod(turn, CYCLE)
    first, second, third = dialect.marks
    table, secret, batch, few = f"own_{link}", f"{PLANTED}{turn}", cycle + 1, cycle % 5 + 1
    many = ITEMS if cycle % 40 == 7 else turn * 7 % 61
    known = prepared(dialect, link)
    values = ", ".join(f"({batch * 10 + number}, {batch}, '{secret}')" for number in range(few))
    made: tuple[Statement, ...] = (
        Statement("text", f"SELECT id, name FROM items WHERE id <= {many} AND name <> '{secret}'", (), "SELECT", many),
        Statement("once", f"SELECT id, name FROM items WHERE id <= {_int(first)} AND name <> {second}", (many, secret), "SELECT", many),
        Statement("find", known["find"][0], (many, secret), "SELECT", many),
        Statement("text", f"INSERT INTO {table} (id, batch, note) VALUES {values}", (), "INSERT", few),
        Statement("once", f"UPDATE {table} SET note = {first} WHERE batch = {_int(second)}", (secret, batch), "UPDATE", few),
        Statement("forget", known["forget"][0], (batch,), "DELETE", few),
        Statement("text", dialect.division[0], (), "SELECT", None, dialect.division[1]),
        Statement("once", f"INSERT INTO {table} (id, batch, note) VALUES ({_int(first)}, {_int(second)}, {third})", (batch * 10, batch, secret), "INSERT", 1),
        Statement("once", f"INSERT INTO {table} (id, batch, note) VALUES ({_int(first)}, {_int(second)}, {third})", (batch * 10, batch, secret), "INSERT", None, dialect.duplicate),
        Statement("text", f"SELECT * FROM nothing_{link} /* {secret} */ WHERE a = '{secret}'", (), "SELECT", None, dialect.missing),
        Statement("fail", known["fail"][0], (ITEMS,), "SELECT", None, dialect.nested[1]),
        Statement("text", f"UPDATE {table} SET note = '{secret}' WHERE batch = -1", (), "UPDATE", 0),
        Statement("text", f"SELECT id FROM items WHERE WHERE '{secret}'", (), "SELECT", None, dialect.syntax),
        Statement("text", f"DELETE FROM {table} WHERE batch = {batch} AND note <> '{secret}x'", (), "DELETE", 1),
    )
    return made[place]


def _int(mark: str) -> str:
    return f"{mark}::int" if mark.startswith("$") else mark
