"""Certificates for one test: an authority, and what it issues; all for an hour."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """Issues certificates into a folder; ``ca.crt`` is its own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: str

    def issue(self, name: str, address: str = "127.0.0.1") -> tuple[Path, Path]:
        """Paths of ``NAME.crt`` and ``NAME.key``."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _signed(name, key, self.name, self.key, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]))
        return _write(self.folder / f"{name}.crt", made.public_bytes(serialization.Encoding.PEM)), _write(self.folder / f"{name}.key", _pem(key))


def authority(folder: Path) -> Authority:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = _signed("authority", key, "authority", key, x509.BasicConstraints(ca=True, path_length=0))
    _write(folder / "ca.crt", own.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, key, "authority")


def self_signed(folder: Path) -> Path:
    """A PEM file with a new key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _signed("localhost", key, "localhost", key, x509.BasicConstraints(ca=False, path_length=None))
    return _write(folder / "server.pem", _pem(key) + made.public_bytes(serialization.Encoding.PEM))


def _signed(name: str, key: ec.EllipticCurvePrivateKey, by: str, with_key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> x509.Certificate:
    now = datetime.now(UTC)
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by))
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(hours=1)).add_extension(extension, critical=False).sign(with_key, hashes.SHA256()))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o644)
    return path
