"""Severities as the world writes them, and the seven levels they stand for."""


from __future__ import annotations

import re

from telemetry.slots import Level

_WORDS: dict[str, Level] = {
    "trace": "trace", "trc": "trace", "verbose": "trace", "verb": "trace", "vrb": "trace", "finest": "trace",
    "finer": "trace", "silly": "trace", "debug": "debug", "dbg": "debug", "dbug": "debug", "fine": "debug",
    "config": "debug", "debug1": "debug", "debug2": "debug", "debug3": "debug", "debug4": "debug",
    "debug5": "debug", "info": "info", "inf": "info", "information": "info", "informational": "info",
    "log": "info", "detail": "info", "hint": "info", "statement": "info", "system": "info",
    "success": "info", "notice": "notice", "note": "notice", "ntc": "notice", "warn": "warn",
    "warning": "warn", "wrn": "warn", "warnings": "warn", "error": "error", "err": "error", "eror": "error",
    "fail": "error", "failure": "error", "severe": "error", "crit": "fatal", "critical": "fatal",
    "fatal": "fatal", "ftl": "fatal", "alert": "fatal", "emerg": "fatal", "emergency": "fatal",
    "panic": "fatal", "dpanic": "fatal", "wtf": "fatal", "assert": "fatal", "failed": "error",
}
_LETTERS: dict[str, Level] = {
    "V": "trace", "T": "trace", "D": "debug", "I": "info", "N": "notice", "W": "warn", "E": "error",
    "F": "fatal", "C": "fatal", "A": "fatal",
}
_REDIS: dict[str, Level] = {".": "debug", "-": "info", "*": "notice", "#": "warn"}
_SYSLOG: tuple[Level, ...] = ("fatal", "fatal", "fatal", "error", "warn", "notice", "info", "debug")
_PINO: tuple[Level, ...] = ("trace", "trace", "debug", "info", "warn", "error", "fatal")

HEADER = (
    r"(?:TRACE|TRC|VERBOSE|FINEST|FINER|DEBUG[1-5]?|DBG|FINE|CONFIG|INFORMATION|INFO|INF|LOG|DETAIL|HINT|STATEMENT|"
    r"SUCCESS|NOTICE|NOTE|WARNING|WARN|WRN|ERROR|ERR|SEVERE|CRITICAL|CRIT|FAILURE|FATAL|FTL|"
    r"ALERT|EMERGENCY|EMERG|DPANIC|PANIC|Trace|Verbose|Debug|Information|Info|Notice|Note|Warning|"
    r"Warn|Error|System|Critical|Fatal|Panic|trace|debug|information|info|notice|warning|warn|error|err|"
    r"critical|crit|alert|emerg|fatal|panic|dpanic)"
)
"""Regular expression of the words that mark a level in a header."""

_LEAD = re.compile(
    r"(?:<|\[|\()?(trace|debug|info|notice|warning|warn|error|err|fatal|critical|crit|alert|emerg|panic)"
    r"(?:>|\]|\))?\s*:", re.IGNORECASE,
)


def from_word(text: str) -> Level | None:
    """Read a level word of any case, a single letter, or a word with a known prefix."""
    word = text.strip(" \t[]<>():,")
    if len(word) == 1:
        return _LETTERS.get(word.upper())
    return _WORDS.get(word.lower())


def from_sign(text: str) -> Level | None:
    """Read the sign with which Redis marks a level."""
    return _REDIS.get(text)


def from_message(text: str) -> Level | None:
    """Read a level that opens a message, as in ``error: no such file``."""
    match = _LEAD.match(text)
    return from_word(match[1]) if match else None


def from_digits(scheme: str, digits: str) -> Level | None:
    """Read a numeric level.

    ``pino``: 10 trace … 60 fatal (bunyan too); ``syslog``: 0 emergency … 7 debug (RFC 5424, table 2; GELF
    and journald too); ``priority``: facility x 8 + syslog level; ``status``: HTTP, 5xx error, 4xx warn;
    ``otel``: 1-4 trace … 21-24 fatal; ``python``: 10 debug … 50 critical.
    """
    if not digits.isdigit() or len(digits) > 9:
        return None
    number = int(digits)
    if scheme == "status":
        return "error" if number >= 500 else "warn" if number >= 400 else "info"
    if scheme == "pino":
        return _PINO[min(6, number // 10)]
    if scheme == "priority":
        return _SYSLOG[number % 8]
    if scheme == "otel":
        return (("trace", "debug", "info", "warn", "error", "fatal")[min(5, max(0, number - 1) // 4)])
    return _SYSLOG[min(7, number)]


def words() -> list[tuple[str, Level]]:
    """Every known word, in small letters, with its level."""
    return list(_WORDS.items())
