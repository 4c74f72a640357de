"""The file sources.yaml: what it may say, and errors that name the key and never the value."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import UsageError
from telemetry.sources.config import Loki, read_sources
from tests.telemetry.sources.opened import opened

GOOD = """
sources:
  loki-prod:
    kind: loki
    url: https://logs.example:3100/loki-gw/
    auth: {bearer: {env: LOKI_TOKEN}, tenant: team-a}
    ca_file: certs/ca.pem
    timeouts: {total: 50}
    max_bytes: 8MB
    labels: {service: app}
  search: {kind: opensearch, url: http://search.example, index: "app-*,audit-*"}
  metrics: {kind: prometheus, url: http://metrics.example/prometheus}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "sources.yaml").write_text(text)
    return folder / "sources.yaml"


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    loki, search, metrics = read_sources(written(tmp_path, GOOD))

    assert isinstance(loki, Loki)
    assert (loki.name, loki.url, loki.max_bytes) == ("loki-prod", "https://logs.example:3100/loki-gw", 8 << 20)
    assert loki.ca_file == tmp_path / "certs/ca.pem"
    assert (search.kind, metrics.kind) == ("opensearch", "prometheus")


def one(body: str) -> str:
    return f"sources:\n  here: {{{body}}}\n"


@pytest.mark.parametrize(("text", "told"), [
    ("", "no map `sources`"), ("sources: [1]", "no map `sources`"), ("sources: {a: 5}", "sources.a is not a map"),
    ("other: 1\nsources: {}", "other: there is no such key"), (one("url: http://a"), "sources.here: kind is missing"),
    (one("kind: splunk, url: http://a"), "sources.here.kind: must be one of loki"), (one("kind: loki"), "sources.here.url: Field required"),
    (one("kind: loki, url: http://a, lables: {}"), "sources.here.lables: there is no such key; did you mean labels?"),
    (one("kind: loki, url: ftp://a"), "sources.here.url: must begin with http://"),
    (one("kind: loki, url: 'http://me:hunter2@a'"), "sources.here.url: put credentials into auth"),
    (one("kind: loki, url: http://a, auth: {bearer: hunter2}"), "sources.here.auth.bearer"),
    (one("kind: loki, url: http://a, auth: {bearer: {env: A, file: b}}"), "sources.here.auth.bearer: give either env or file"),
    (one("kind: loki, url: http://a, auth: {bearer: {env: A}, basic: {user: u, password: {env: B}}}"), "sources.here.auth: give one of"),
    (one("kind: loki, url: http://a, auth: {tenant: 'a b'}"), "sources.here.auth.tenant"),
    (one("kind: loki, url: http://a, timeouts: {total: -1}"), "sources.here.timeouts.total"),
    (one("kind: loki, url: http://a, max_bytes: lots"), "sources.here.max_bytes"),
    (one("kind: elasticsearch, url: http://a, index: 'a/../b'"), "sources.here.index"),
    ("sources:\n  UPPER: {kind: loki, url: http://a}", "sources.UPPER.name"),
    ("sources:\n  a: {kind: loki, url: http://a}\n  a: {kind: loki, url: http://b}", "the key a stands twice"),
    ("sources: &x\n  a: *x", "aliases"), ("sources:\n\t- x", "line 2"), ("[" * 3000, "")])
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        read_sources(written(tmp_path, text))

    assert told in str(error.value)
    assert "hunter2" not in str(error.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, "utf-8", errors="replace")
    refused = None
    try:
        read_sources(path)
    except UsageError as error:
        refused = error
    assert refused is None or refused.remedy


def test_a_secret_in_a_file_may_change_while_the_source_is_open(tmp_path: Path) -> None:
    from tests.telemetry.sources.serving import as_json, serving

    (tmp_path / "token").write_text("first\n")
    with serving(lambda _: as_json({"data": []})) as served:
        source = opened("jaeger", served.url, auth={"bearer": {"file": str(tmp_path / "token")}})
        source.services(0, 1)
        (tmp_path / "token").write_text("second\n")
        source.services(0, 1)
        (tmp_path / "token").unlink()
        gone = source.services(0, 1)
        source.close()

    assert [one.headers["authorization"] for one in served.requests] == ["Bearer first", "Bearer second"]
    assert (gone.status, "cannot be read" in gone.reason) == ("not_assessed", True)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that is its own authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem",  # noqa: S607
                    "-days", "2", "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return tmp_path


def test_only_a_named_authority_is_trusted(authority: Path) -> None:
    class Services(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": ["web"]}')

    server = HTTPServer(("127.0.0.1", 0), Services)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "ca.pem", authority / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"https://127.0.0.1:{server.server_port}"
    trusted, strange = opened("jaeger", url, ca_file=str(authority / "ca.pem")), opened("jaeger", url)
    missing = opened("jaeger", url, ca_file=str(authority / "none.pem"))
    answers = [one.services(0, 1) for one in (trusted, strange, missing)]
    for one in (trusted, strange, missing):
        one.close()
    server.shutdown()

    assert [one.status for one in answers] == ["complete", "not_assessed", "not_assessed"]
    assert "not trusted" in answers[1].reason
    assert "ca_file" in answers[2].reason
