"""The audit's key: 32 random bytes in a file that only its owner reads, or given. Its id says which key made a record."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from agent.audit.errors import KeyLostError

_LEAST = 16
_REMEDY = "put back the file that belongs to this state database; without it nothing can be proved, and nothing is executed"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A secret for HMAC-SHA256 (RFC 2104). At least 16 bytes."""

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) < _LEAST:
            raise KeyLostError(f"a key of {len(self.secret)} bytes is too short", where="audit", remedy=f"give {_LEAST} or more random bytes")

    @property
    def id(self) -> str:
        """Sixteen hex digits that tell keys apart and tell nothing of the key."""
        return hashlib.sha256(b"oncalm audit key " + self.secret).hexdigest()[:16]

    def mac(self, purpose: str, content: bytes) -> str:
        """HMAC-SHA256 as hex. ``purpose`` keeps what is signed for one thing from passing for another."""
        return hmac.new(self.secret, purpose.encode() + b"\0" + content, hashlib.sha256).hexdigest()

    def fits(self, purpose: str, content: bytes, mac: str) -> bool:
        """Whether ``mac`` is that of ``content``; in constant time."""
        return hmac.compare_digest(self.mac(purpose, content).encode(), mac.encode())


def key_at(path: Path, *, make: bool = True) -> Key:
    """The key in ``path``, made when there is none and ``make``. Raises KeyLostError; processes may race to make it."""
    try:
        if make and not path.exists():
            _make(path)
        with path.open("rb") as handle:
            if stat.S_IMODE(os.fstat(handle.fileno()).st_mode) & 0o077:
                raise KeyLostError("the audit's key may be read or written by others", where=str(path), remedy="chmod 600 it, and ask who read it")
            return Key(bytes.fromhex(handle.read().decode("ascii").strip()))
    except (OSError, ValueError) as error:
        raise KeyLostError(f"the audit's key cannot be read: {error}", where=str(path), remedy=_REMEDY) from error


def _make(path: Path) -> None:
    """Write a whole key aside, then link it in place: nobody reads half of one, and the first one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, secrets.token_hex(32).encode() + b"\n")
        os.fsync(handle)
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        os.close(handle)
        aside.unlink()
