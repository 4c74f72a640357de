"""SQL without its values: literals become ``?``, comments go, lists fold, white space is one space.

The text may end anywhere, and may be no SQL at all. Where two readings of it differ in what stands inside a literal
(a backslash before a quote, a quote that closes too early), everything from there on is left out and ``…`` says so.
Dialects differ in their quotes, comments and escapes: PostgreSQL 16 documentation, section 4.1; MySQL 8.4 reference
manual, section 11.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ebpf.parsers.words import tokenish

POSTGRES, MYSQL = "postgresql", "mysql"
LIMIT = 300
"""Characters of a scrubbed statement."""
CUT = "…"
_NUMBER = r"(?P<number>(?:0[xXbBoO]\w*|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\w*)"
_RUN = r"(?P<run>(?:[^\W\d][\w$]*+(?=[\s,.()=<>*;]|\Z)|[\s,()=<>;]|\.(?!\d)|\*(?!/))++)"
"""What holds no literal: words that touch none, and white space and signs between them. Most of a statement, read at once."""
_COMMON = rf"{_NUMBER}|(?P<word>[^\W\d][\w$]*)|(?P<sign>[-+*/<>=~!@#%^&|`?,.;:()\[\]{{}}{CUT}])|(?P<junk>.)"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*+'"
_PLAIN = r"'(?:[^']|'')*+'"
_DOUBLE_ESCAPED = r'"(?:[^"\\]|\\.|"")*+"'
_DOUBLE_PLAIN = r'"(?:[^"]|"")*+"'


def _postgres(string: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_RUN}|"
        r"(?P<comment>--[^\r\n]*|/\*)|(?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)"
        rf"|(?P<string>[eE]{_ESCAPED}|(?:[uU]&|[bBxXnN])?{string})|(?P<name>(?:[uU]&)?{_DOUBLE_PLAIN})"
        rf"|(?P<open>(?:['\"]|\$(?:[^\W\d]\w*)?\$).*)|(?P<param>\$\d+|\$\w*\Z)|{_COMMON}",
        re.DOTALL,
    )


def _mysql(single: str, double: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_RUN}|"
        r"(?P<space>\*/)|(?P<version>/\*M?!\d{0,6})|(?P<comment>#[^\n]*|--(?=[\s\x00-\x1f]|\Z)[^\n]*|/\*.*?(?:\*/|\Z))"
        rf"|(?P<string>[bBxXnN]?{single}|{double})|(?P<name>`(?:[^`]|``)*+`)|(?P<open>['\"`].*)|{_COMMON}",
        re.DOTALL,
    )


_READINGS = {
    POSTGRES: (_postgres(_PLAIN), _postgres(_ESCAPED)),
    MYSQL: (_mysql(_ESCAPED, _DOUBLE_ESCAPED), _mysql(_PLAIN, _DOUBLE_PLAIN)),
}
"""How a dialect reads by default; and how with its setting for backslashes the other way round, which serves as a check."""
_NAME = re.compile(r"[^\W\d][\w$ .-]{0,62}")
_BEFORE_QUOTE = re.compile(r"_\w+|date|time|timestamp|timestamptz|interval|json|jsonb|uuid|inet|point", re.IGNORECASE)
"""Words that may touch a string on their right; another one there means that a quote closed too early."""
_JOINING = frozenset("and or xor as escape uescape like ilike rlike regexp not is in to then else when from for div mod collate similar separator".split())
"""Words that may stand alone between two literals."""
_ALONE, _NO_WORD = re.compile(r"\s+([^\W\d][\w$]*)\s+"), re.compile(r"[\s,.()=<>*;]")
_LONG_WORD = 12
_LONG = re.compile(rf"[^\W\d][\w$]{{{_LONG_WORD - 1},}}")
"""Words long enough to be tokens."""

_PARENS = re.compile(r"([(\[]) ?\?(?: ?, ?\?)* ?([)\]])")
_ROWS = re.compile(r"(\(\?\))(?: ?, ?\(\?\))+")
_UNENDED = re.compile(rf"([(\[]) ?\?(?: ?, ?\?)+ ?,? ?({CUT})?$")
_TWICE = re.compile(r"\?(?: \?)+")


def scrubbed(text: str, dialect: str, *, cut: bool = False) -> str:
    """The statement without values. ``cut``: it goes on, unseen, after ``text``."""
    first, second = _READINGS[dialect]
    tokens = _tokens(text, first)
    trusted = cut or not _opens(tokens)
    if "\\" in text:
        others = _tokens(text, second)
        if others != tokens:
            trusted = _fits(tokens, cut=cut) and not _fits(others, cut=cut)
    return _tidy("".join(_parts(tokens, trusted=trusted)), cut=cut)


def _fits(tokens: list[tuple[str, str]], *, cut: bool) -> bool:
    """Whether a reading can be of a statement: no literal stays open, and none meets a word that cannot stand there."""
    return (cut or not _opens(tokens)) and _strays(tokens) == len(tokens)


def _strays(tokens: list[tuple[str, str]]) -> int:
    """Where the first word stands that touches a literal, or stands between two and joins nothing: a quote closed too early."""
    before = ""
    for at, (kind, text) in enumerate(tokens):
        if kind in _LITERALS:
            if before == "word" and not _BEFORE_QUOTE.fullmatch(tokens[at - 1][1]):
                return at - 1
            if before == "run" and at > 1 and tokens[at - 2][0] in _LITERALS and _between(tokens[at - 1][1]):
                return at - 1
        elif before in _LITERALS and (kind == "word" or (kind == "run" and not _NO_WORD.match(text))):
            return at
        before = kind
    return len(tokens)


def _between(run: str) -> bool:
    word = _ALONE.fullmatch(run)
    return word is not None and word[1].lower() not in _JOINING


def _tokens(text: str, reading: re.Pattern[str]) -> list[tuple[str, str]]:
    """Kind and text of each token; their texts joined are the statement."""
    found: list[tuple[str, str]] = []
    at = 0
    while match := reading.match(text, at):
        kind, end = match.lastgroup or "", match.end()
        if end == at + 2 and kind == "comment" and match[0] == "/*":
            end = _nested(text, at)
        found.append((kind, text[at:end]))
        at = end
    return found


def _nested(text: str, at: int) -> int:
    """Where a comment ends that may hold others (PostgreSQL)."""
    depth = 0
    for sign in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if sign[0] == "/*" else -1
        if depth == 0:
            return at + sign.end()
    return len(text)


def _opens(tokens: list[tuple[str, str]]) -> bool:
    """Whether a literal or a quoted name is open at the end."""
    return bool(tokens) and tokens[-1][0] == "open"


_LITERALS = frozenset({"string", "dollar", "tag", "open"})


def _parts(tokens: list[tuple[str, str]], *, trusted: bool) -> Iterator[str]:
    """What is passed on of each token, up to where the text cannot be trusted."""
    stop, version = _strays(tokens), False
    for at, (kind, token) in enumerate(tokens):
        if at == stop or (kind in _LITERALS and (not trusted or (version and "*/" in token))):
            yield f" ? {CUT}"
            return
        version = version or kind == "version"
        yield _shown(kind, token)


def _shown(kind: str, token: str) -> str:
    if kind == "run":
        return token if len(token) < _LONG_WORD else _LONG.sub(_unless_token, token)
    if kind in {"space", "comment", "version"}:
        return " "
    if kind == "word":
        return token if len(token) < _LONG_WORD else _LONG.sub(_unless_token, token)
    if kind == "sign":
        return token
    if kind == "name":
        inner = token[1:-1]
        return token if _NAME.fullmatch(inner) and not tokenish(inner) else "?"
    return "" if kind == "junk" else "?"


def _unless_token(word: re.Match[str]) -> str:
    return word[0] if len(word[0]) <= 64 and not tokenish(word[0]) else "?"


def _tidy(text: str, *, cut: bool) -> str:
    """White space and lists folded, and no more than ``LIMIT`` characters."""
    text = " ".join(text.split()).strip(" ;")
    if "--" in text or "/*" in text or "*/" in text:  # no comment begins where two signs met
        text = re.sub(r"-(?=-)", "- ", re.sub(r"/\*|\*/", " ", text))
    if "?" in text:
        text = _ROWS.sub(r"\1", _PARENS.sub(r"\1?\2", _TWICE.sub("?", text)))
        text = _UNENDED.sub(rf"\1?, {CUT}", text)
    if len(text) > LIMIT:
        return f"{text[: LIMIT - 2].rstrip()} {CUT}"
    return f"{text} {CUT}" if cut and not text.endswith(CUT) else text


_VERBS = frozenset(
    "SELECT INSERT UPDATE DELETE MERGE REPLACE WITH VALUES TABLE CALL DO EXECUTE PREPARE DEALLOCATE BEGIN START COMMIT ROLLBACK "
    "SAVEPOINT RELEASE SET RESET SHOW EXPLAIN ANALYZE VACUUM CREATE ALTER DROP TRUNCATE GRANT REVOKE COPY LOAD LOCK UNLOCK LISTEN "
    "NOTIFY UNLISTEN DECLARE FETCH CLOSE MOVE USE DESCRIBE DESC KILL FLUSH OPTIMIZE CHECK REINDEX CLUSTER COMMENT DISCARD REFRESH "
    "END ABORT XA HANDLER RENAME CHECKPOINT REASSIGN SECURITY IMPORT PURGE CHANGE STOP INSTALL UNINSTALL BINLOG CACHE HELP".split()
)


def operation(statement: str) -> str:
    """The first word of a scrubbed statement, in capitals, where it is one of SQL; else ``OTHER``; nothing of nothing."""
    found = re.match(r"[( ]*([A-Za-z]+)", statement)
    word = found[1].upper() if found else ""
    return word if word in _VERBS else "OTHER" if statement else ""
