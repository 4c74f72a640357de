"""SQL without its values: every way of writing one, in both dialects, cut anywhere, and text that is no statement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf import redact
from ebpf.parsers.sqltext import CUT, LIMIT, MYSQL, POSTGRES, operation, scrubbed

S = "S3cret"
BOTH = (POSTGRES, MYSQL)


@pytest.mark.parametrize(("text", "clean"), [
    ("SELECT * FROM t WHERE a = 5 AND b = 'S3cret'", "SELECT * FROM t WHERE a = ? AND b = ?"),
    ("select  a,\n\tb from t ;", "select a, b from t"),
    ("SELECT 'O''S3cret'", "SELECT ?"),
    ("SELECT -1.5e10, .5, 0xFF, 1_000", "SELECT -?, ?, ?, ?"),
    ("SELECT * FROM t WHERE id IN (1, 2,3 , 4)", "SELECT * FROM t WHERE id IN (?)"),
    ("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z')", "INSERT INTO t (a, b) VALUES (?)"),
    ("SELECT /* S3cret */ 1 -- S3cret\n, 2", "SELECT ? , ?"),
    ("SELECT 1 /* S3cret", "SELECT ?"),
    ("SELECT x'53', b'01', N'S3cret'", "SELECT ?, ?, ?"),
    ("SELECT date '2024-01-01', t1.col2 FROM t1", "SELECT date ?, t1.col2 FROM t1"),
    ("SELECT 'a' 'S3cret'", "SELECT ?"),
    ("SELECT 'S3cret", f"SELECT ? {CUT}"),
    ("SELECT name='O'S3cret' AND pw='S3cret'", f"SELECT name= ? {CUT}"),
    ("SELECT pw FROM t WHERE n='O'Brien' OR pw='S3cret", f"SELECT pw FROM t WHERE n=? {CUT}"),
    ("BEGIN", "BEGIN"), ("", ""), ("   ", ""),
])
@pytest.mark.parametrize("dialect", BOTH)
def test_values_and_comments_go_in_both_dialects(text: str, clean: str, dialect: str) -> None:
    assert scrubbed(text, dialect) == clean


@pytest.mark.parametrize(("text", "clean"), [
    ("SELECT E'it\\'s S3cret', e'\\\\'", "SELECT ?, ?"),
    ("SELECT 'C:\\dir\\' AS a, 'S3cret'", "SELECT ? AS a, ?"),
    ("SELECT $$S3cret$$, $tag$ S3cret $$ $tag$, $1, $2::int", "SELECT ?, ?, ?, ?::int"),
    ("SELECT $tag$ S3cret", f"SELECT ? {CUT}"),
    ("DO $$ BEGIN RAISE 'S3cret'; END $$", "DO ?"),
    ('SELECT "Column", "a ""b""" FROM "my table"', 'SELECT "Column", ? FROM "my table"'),
    ('SELECT "kJ8s9dfK2jh4Kjh23kjHKJh2" FROM t', "SELECT ? FROM t"),
    ("SELECT /* a /* S3cret */ S3cret */ 1", "SELECT ?"),
    ("SELECT a # b, c -> 'x' ->> 'S3cret' FROM t", "SELECT a # b, c -> ? ->> ? FROM t"),
    ("SELECT U&'\\0441', U&\"x\"", "SELECT ?, ?"),
    ("SELECT a--S3cret", "SELECT a"),
    ("SELECT a::text, b[1:2], @> '{S3cret}'", "SELECT a::text, b[?:?], @> ?"),
    ("SELECT ARRAY['a', 'b']", "SELECT ARRAY[?]"),
    ("ALTER USER app PASSWORD 'S3cret'", "ALTER USER app PASSWORD ?"),
    ("SELECT 'a\\', 'S3cret\\'", "SELECT ?, ?"),
    ("SELECT 'a\\', 'S3cret', 'b\\''", f"SELECT ? {CUT}"),
])
def test_postgres_reads_its_own_quotes(text: str, clean: str) -> None:
    assert scrubbed(text, POSTGRES) == clean


@pytest.mark.parametrize(("text", "clean"), [
    ('SELECT "S3cret", `name`, `a``b`', "SELECT ?, `name`, ?"),
    ("SELECT 'O\\'S3cret', \"a\\\"S3cret\"", "SELECT ?, ?"),
    ("SELECT 'it\\'s', 'S3cret\\'S3cret'", "SELECT ?, ?"),
    ("SELECT 1 # S3cret\n, 2", "SELECT ? , ?"),
    ("SELECT 5--1, 'S3cret'", "SELECT ?- -?, ?"),
    ("SELECT /*!40001 SQL_NO_CACHE */ a FROM t", "SELECT SQL_NO_CACHE a FROM t"),
    ("SELECT /*! 'a */ S3cret' */ a", f"SELECT ? {CUT}"),
    ("SELECT /*+ hint(S3cret) */ a", "SELECT a"),
    ("SELECT _utf8mb4'S3cret' COLLATE utf8mb4_bin, @v, :named", "SELECT _utf8mb4? COLLATE utf8mb4_bin, @v, :named"),
    ("SELECT 0x53336372, X'5333'", "SELECT ?, ?"),
    ("SET PASSWORD FOR a@b = 'S3cret'", "SET PASSWORD FOR a@b = ?"),
    ("INSERT INTO t VALUES ('a\\\\', 'S3cret')", "INSERT INTO t VALUES (?)"),
    ("SELECT 'a\\' , 'S3cret' , 'b\\'", f"SELECT ? {CUT}"),
])
def test_mysql_reads_its_own_quotes(text: str, clean: str) -> None:
    assert scrubbed(text, MYSQL) == clean


@pytest.mark.parametrize("dialect", BOTH)
def test_a_statement_is_cut_to_its_limit(dialect: str) -> None:
    clean = scrubbed("SELECT " + ", ".join(f"column_{letter * 3}" for letter in "abcdefghijklmnopqrstuvwxyz" * 4), dialect)

    assert len(clean) <= LIMIT
    assert clean.endswith(CUT)


@pytest.mark.parametrize(("text", "word"), [
    ("select ?", "SELECT"), ("( SELECT ?)", "SELECT"), ("WITH a AS (SELECT ?) SELECT a", "WITH"), ("hunter", "OTHER"), ("", ""), ("? x", "OTHER"),
])
def test_the_operation_is_the_first_word(text: str, word: str) -> None:
    assert operation(text) == word


_SECRET = st.text(st.sampled_from("S3cr'\"\\$`-#/* \n"), max_size=12).map(lambda mixed: f"{S}{mixed}{S}")


def _quoted(quote: str, secret: str, *, escapes: bool) -> str:
    if escapes:
        secret = secret.replace("\\", "\\\\")
    return quote + secret.replace(quote, quote * 2) + quote


def _literals(dialect: str) -> st.SearchStrategy[str]:
    if dialect == MYSQL:
        return st.one_of(
            _SECRET.map(lambda s: _quoted("'", s, escapes=True)), _SECRET.map(lambda s: _quoted('"', s, escapes=True)),
            _SECRET.map(lambda s: "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'"), _SECRET.map(lambda s: f"x'{s.encode().hex()}'"),
            _SECRET.map(lambda s: f"/*{s.replace('*', '')}*/ 1"), _SECRET.map(lambda s: "# " + s.replace("\n", "") + "\n1"),
        )
    return st.one_of(
        _SECRET.map(lambda s: _quoted("'", s, escapes=False)), _SECRET.map(lambda s: "E" + _quoted("'", s, escapes=True)),
        _SECRET.map(lambda s: "E'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'"), _SECRET.map(lambda s: f"$q${s.replace('$', '')}$q$"),
        _SECRET.map(lambda s: f"/*{s.replace('*', '')}*/ 1"), _SECRET.map(lambda s: "-- " + s.replace("\n", "") + "\n1"),
    )


def _statements(dialect: str) -> st.SearchStrategy[str]:
    values = st.lists(_literals(dialect), min_size=1, max_size=5)
    return values.map(lambda found: "SELECT a FROM t WHERE " + " AND ".join(f"c{n} = {value}" for n, value in enumerate(found)) + " ORDER BY a")


@pytest.mark.parametrize("dialect", BOTH)
@given(data=st.data())
def test_no_value_is_left_of_any_statement_whole_or_cut(dialect: str, data: st.DataObject) -> None:
    text = data.draw(_statements(dialect))
    at = data.draw(st.integers(0, len(text)))

    assert S not in scrubbed(text, dialect)
    assert S not in scrubbed(text[:at], dialect, cut=True)
    assert S not in redact.statement(scrubbed(text, dialect))


@pytest.mark.parametrize("dialect", BOTH)
@given(text=st.text(st.sampled_from("abE1'\"\\$`-#/*!?(),.;= \n\x00é"), max_size=60))
def test_scrubbing_again_changes_nothing_and_no_quote_is_open(dialect: str, text: str) -> None:
    clean = scrubbed(text, dialect)

    assert redact.statement(clean) == redact.statement(redact.statement(clean))
    assert "'" not in clean


@pytest.mark.parametrize("hostile", ["'" * 4000, "$a" * 3000, "/*" * 3000, "(" * 5000, "\\'" * 3000, "?, " * 3000, "(?), " * 2000, "-" * 5000, "1" * 9000, "a" * 9000, "$q$" * 2000])
@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.timeout(20)
def test_hostile_text_is_scrubbed_in_bounded_time(hostile: str, dialect: str) -> None:
    assert len(scrubbed(hostile, dialect)) <= LIMIT
