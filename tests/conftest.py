"""Shared fixtures. Tests cannot reach the world by accident: every socket but loopback is shut."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, settings

from api.wiring.product import Product
from telemetry import native

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # a busy machine makes no test fail


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", action="store_true", help="Also run the cluster suite on the real cluster of KUBECONFIG (it reads; the actions change a namespace that they make and remove).")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    real = socket.socket.connect
    case = getattr(request.node, "callspec", None)
    if case is not None and "real_cluster" in case.params.values() and request.config.getoption("--cluster"):
        return

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"tests may not reach {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"):  # no test asks a real model
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _no_public_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one certificate that nobody has, here and in processes that tests start: no server of the world, and reading the machine's takes 40 ms for every client."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("authorities") / "nobody.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(scope="module", params=["c", "numpy"])
def either_kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a module's tests with the C kernel, and again without it."""
    if request.param == "numpy":
        with native.without():
            yield
    elif native.kernel() is None:
        pytest.skip("no C compiler made the kernel")
    else:
        yield


@pytest.fixture
def eval_data() -> Callable[[str], Path]:
    """Find a folder of public benchmark data, or skip with the reason."""

    def find(name: str) -> Path:
        root = os.environ.get("ONCALM_EVAL_DATA")
        if not root:
            pytest.skip("ONCALM_EVAL_DATA is not set: public benchmark logs are not here")
        folder = Path(root) / name
        if not folder.is_dir():
            pytest.skip(f"{folder} is not a folder")
        inner = folder / name
        return inner if inner.is_dir() else folder

    return find


@pytest.fixture
def product(tmp_path: Path) -> Product:
    """OnCalm over an empty home."""
    return Product(tmp_path / "home")


SSHD = """\
Dec 10 09:00:01 lab sshd[101]: Failed password for root from 10.0.0.1 port 4001 ssh2
Dec 10 09:00:05 lab sshd[101]: Failed password for root from 10.0.0.1 port 4002 ssh2
Dec 10 09:10:00 lab sshd[102]: Failed password for invalid user bob from 10.0.0.2 port 4003 ssh2
Dec 10 09:40:00 lab sshd[103]: Accepted password for alice from 10.0.0.9 port 5001 ssh2
Dec 10 10:05:00 lab sshd[104]: Failed password for root from 10.0.0.3 port 4004 ssh2
Dec 10 10:06:00 lab sshd[105]: Connection closed by 10.0.0.3 [preauth]
Dec 10 10:07:00 lab sshd[106]: error: Received disconnect from 10.0.0.3: 14: No more user authentication methods available. [preauth]
"""


@pytest.fixture
def sshd(product: Product, tmp_path: Path) -> Product:
    """A home with a little sshd log."""
    (tmp_path / "auth.log").write_text(SSHD)
    product.ingest([tmp_path / "auth.log"])
    product.index()
    return product
