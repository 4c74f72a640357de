"""The signed approval of exactly one probe, on one node, until a deadline, once (Ed25519, RFC 8032).

Whoever approves holds the private key; a node holds public keys alone, so that nothing on a node can make a grant.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ebpf.errors import GrantError
from ebpf.spec import ProbeSpec, canonical, spec_from

PURPOSE = b"oncalm probe grant 1\n"
"""Signed before the content, so that no other signature of the same key can be taken for a grant."""
LIFETIME = timedelta(minutes=2)
"""From the signature to the start: it is made when the probe is about to be attached, not when somebody is asked."""
LONGEST = timedelta(minutes=10)
"""What a node accepts as that, whoever signed it."""
SKEW = timedelta(seconds=30)
"""What clocks may differ."""
_ASK = "propose the probe again and have it approved"


@dataclass(frozen=True, slots=True)
class Grant:
    """What was approved. ``ident`` is never used twice; ``approvers`` are names for the node's own log."""

    spec: ProbeSpec
    node: str
    deadline: datetime
    approval: str
    approvers: tuple[str, ...]
    ident: str
    made: datetime

    def document(self) -> dict[str, Any]:
        """As it is signed."""
        return {"spec": self.spec.model_dump(mode="json"), "node": self.node, "deadline": self.deadline.isoformat(), "approval": self.approval,
                "approvers": list(self.approvers), "ident": self.ident, "made": self.made.isoformat()}


def grant(spec: ProbeSpec, node: str, approval: str, approvers: Sequence[str], now: datetime, lifetime: timedelta = LIFETIME) -> Grant:
    """A new grant. ``now`` is aware (UTC)."""
    return Grant(spec, node, now + lifetime, approval, tuple(approvers), secrets.token_hex(16), now)


def sign(one: Grant, key: Ed25519PrivateKey) -> dict[str, str]:
    """As it travels: the content as it was signed, and the signature, both as base64."""
    content = canonical(one.document())
    return {"content": base64.b64encode(content).decode(), "signature": base64.b64encode(key.sign(PURPOSE + content)).decode()}


def verified(signed: Mapping[str, Any], keys: Sequence[Ed25519PublicKey], node: str, now: datetime) -> Grant:
    """The grant, if one of ``keys`` signed exactly this for this node and it is still good. Raises GrantError.

    That it is used once is up to :class:`ebpf.daemon.used.Used`.
    """
    content = _content(signed, keys)
    try:
        told = json.loads(content)
        one = Grant(spec_from(told["spec"]), str(told["node"]), _moment(told["deadline"]), str(told["approval"]), tuple(map(str, told["approvers"])),
                    str(told["ident"]), _moment(told["made"]))
    except (ValueError, KeyError, TypeError) as error:
        raise GrantError("what was signed is no grant of this version", where="grant", remedy="run the same version of OnCalm on both sides") from error
    if one.node != node:
        raise GrantError(f"it is for node {one.node}, and this is {node}", where="grant", remedy=_ASK)
    if now >= one.deadline:
        raise GrantError(f"it ended at {one.deadline.isoformat()}, and it is {now.isoformat()}", where="grant", remedy=_ASK)
    if one.made > now + SKEW:
        raise GrantError(f"it was made at {one.made.isoformat()}, and here it is {now.isoformat()}", where="grant", remedy="set the clocks (NTP)")
    if one.deadline - one.made > LONGEST:
        raise GrantError(f"it is good for {one.deadline - one.made}, and {LONGEST} is the most", where="grant", remedy=_ASK)
    if not re.fullmatch(r"[0-9a-f]{32}", one.ident):
        raise GrantError("its name is none that could be kept as used", where="grant", remedy=_ASK)
    if not one.approvers:
        raise GrantError("nobody approved it", where="grant", remedy=_ASK)
    return one


def _content(signed: Mapping[str, Any], keys: Sequence[Ed25519PublicKey]) -> bytes:
    if not keys:
        raise GrantError("this node trusts no key", where="grant", remedy="put the public key that `oncalm probe key` prints into its folder of keys")
    try:
        content, signature = (base64.b64decode(signed[name], validate=True) for name in ("content", "signature"))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise GrantError("it is no signed grant", where="grant", remedy=_ASK) from error
    for key in keys:
        try:
            key.verify(signature, PURPOSE + content)
        except InvalidSignature:
            continue
        return content
    raise GrantError("no key that this node trusts signed this: it was edited, or is from somewhere else", where="grant", remedy=_ASK)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found.astimezone(UTC)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key of a home, made when there is none; readable by its owner alone. Raises GrantError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _new(path)
    except OSError as error:
        raise GrantError(f"it cannot be read: {error.strerror}", where=str(path)) from error
    try:
        key = load_pem_private_key(content, None)
    except ValueError as error:
        raise GrantError("it is no private key in PEM", where=str(path), remedy="move it away: a new one is made, and nodes have to be told") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise GrantError("it is no Ed25519 key", where=str(path))
    if path.stat().st_mode & 0o077:
        raise GrantError("others can read it", where=str(path), remedy=f"chmod 600 {path}, and consider it known")
    return key


def _new(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)  # the first who comes wins
    except FileExistsError:
        return private_key(path)
    finally:
        made.unlink()
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half in PEM, for nodes."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_keys(folder: Path) -> list[Ed25519PublicKey]:
    """Every ``*.pem`` of a folder. Raises GrantError for one that is no public key (one that is passed over would puzzle), or that others could have put there."""
    found = []
    for path in sorted(folder.glob("*.pem")):
        if why := others_may_write(folder) or others_may_write(path):
            raise GrantError(why, where=str(path), remedy=f"whoever writes there can approve: chown root and chmod go-w {folder} and its files")
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise GrantError("it is no public key in PEM", where=str(path), remedy="put there what `oncalm probe key` prints") from error
        if not isinstance(key, Ed25519PublicKey):
            raise GrantError("it is no Ed25519 key", where=str(path))
        found.append(key)
    return found


def others_may_write(path: Path) -> str:
    """Why a file or folder is not only root's and ours to change; empty where it is, or where nobody can (mounted to be read)."""
    try:
        found, mount = path.stat(), os.statvfs(path)
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    if mount.f_flag & os.ST_RDONLY:
        return ""
    if found.st_uid not in {0, os.geteuid()}:
        return f"it belongs to another user (number {found.st_uid})"
    return "others can write it" if found.st_mode & 0o022 else ""
