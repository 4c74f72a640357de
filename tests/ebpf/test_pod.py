"""The DaemonSet's own command, with its capabilities and seccomp profile, as an agent reaches it: over mutual TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ebpf.client import Address, Client
from ebpf.errors import SessionError
from ebpf.grants import grant, private_key, public_text, sign
from ebpf.spec import spec_from
from ebpf.targets import mounted
from tests.ebpf.certificates import authority
from tests.ebpf.conftest import free_port
from tests.ebpf.test_deploy import NEEDED, PROFILE, pod
from tests.ebpf.unprivileged import command, folder_of


class Pod:
    """The container's process; its files are in ``home``."""

    def __init__(self, home: Path) -> None:
        issuer = authority(home)
        issuer.issue("tls")
        self.client = issuer.issue("client")
        self.key = private_key(home / "home.key")
        (home / "keys" / "home.pem").write_text(public_text(self.key))
        self.home, self.port, self.metrics = home, free_port(), free_port()
        places = {"/etc/oncalm/tls/": f"{home}/", "/etc/oncalm/probe-keys": f"{home}/keys", "/var/lib/oncalm-probed": f"{home}/state", "$(NODE)": "here",
                  "--tcp=0.0.0.0:9464": f"--tcp=127.0.0.1:{self.port}", "--metrics=9465": f"--metrics={self.metrics}", "--metrics-host=0.0.0.0": "--metrics-host=127.0.0.1"}
        arguments = ["probed", *pod()["containers"][0]["args"]]
        for name, here in places.items():
            assert any(name in one for one in arguments), name
            arguments = [one.replace(name, here) for one in arguments]
        self.process = subprocess.Popen(command(NEEDED, user=None, seccomp=PROFILE, arguments=arguments), stderr=subprocess.PIPE, cwd="/")
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert b"oncalm probed on here" in line, line + self.process.stderr.read(2000)

    def address(self, certificate: Path, key: Path) -> Address:
        return Address("here", "", "127.0.0.1", self.port, str(self.home / "ca.crt"), str(certificate), str(key))


@pytest.fixture
def running(kernel: None, tmp_path: Path) -> Iterator[Pod]:
    with folder_of(None, tmp_path) as home:
        one = Pod(home)
        yield one
        one.process.terminate()
        one.process.wait(30)


def test_a_session_runs_over_mutual_tls_and_is_counted(running: Pod, group: Path, http_server: int) -> None:
    spec = spec_from({"name": "http", "target": {"cgroup": f"/{group.relative_to(mounted())}", "port": http_server}, "side": "server", "overhead": 0.2})
    told: list[dict[str, Any]] = []
    with Client(running.address(*running.client), timeout=60) as client:
        for line in client.start(sign(grant(spec, "here", "ap-1", ("ann",), datetime.now(UTC), timedelta(minutes=2)), running.key)):
            told.append(line)
            if line["type"] == "attached":
                httpx.get(f"http://127.0.0.1:{http_server}/orders/7", trust_env=False)
                client.stop()

    assert [one["call"]["route"] for one in told if one["type"] == "call"] == ["/orders/{id}"]
    assert 'ebpf_events_total{probe="http"} 1.0' in httpx.get(f"http://127.0.0.1:{running.metrics}/metrics", trust_env=False).text


def test_a_certificate_of_another_authority_is_turned_away(running: Pod, tmp_path: Path) -> None:
    stranger = authority(tmp_path).issue("stranger")

    with pytest.raises(SessionError), Client(running.address(*stranger), timeout=30) as client:
        client.ask("hello")


def test_a_server_of_another_name_is_not_believed(running: Pod) -> None:
    address = running.address(*running.client)

    with pytest.raises(SessionError, match="certificate"):
        Client(Address(address.node, "", "localhost", address.port, address.authority, address.certificate, address.key), timeout=30)
