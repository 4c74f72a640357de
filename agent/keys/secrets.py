"""Secrets that are shown once, and the digests that are kept of them.

A key is 32 random bytes, so its SHA-256 is enough to keep: slow, salted hashes (scrypt, Argon2) protect what people
choose and others can guess, and nobody can guess 256 bits. A fast one lets every request be checked anew, so that a
revoked key is refused at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

PREFIX = "ock_"
"""Tells people and secret scanners what it is."""
_BYTES = 32
_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


def new_key() -> str:
    """A key: ``ock_`` and 32 random bytes in base64url."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def new_session() -> str:
    """The secret of a session's cookie: 32 random bytes in base64url."""
    return secrets.token_urlsafe(_BYTES)


def is_key(text: str) -> bool:
    """Whether a text has the form of a key. Nothing else is looked up."""
    return _KEY.fullmatch(text) is not None


def is_session(text: str) -> bool:
    """Whether a text has the form of a session's secret."""
    return _SESSION.fullmatch(text) is not None


def digest(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def csrf_of(session: str) -> str:
    """The token that a page of this session sends with what it changes: nobody derives it without the cookie."""
    return hmac.new(session.encode(), b"oncalm csrf", hashlib.sha256).hexdigest()
