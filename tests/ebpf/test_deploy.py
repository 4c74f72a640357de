"""The files of ``deploy/`` fit the code, and a probe runs with exactly the rights that they give."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml
from prometheus_client import generate_latest

from api.cli import app
from ebpf.catalog import CATALOG
from ebpf.client import Address, Client
from ebpf.daemon.figures import Figures
from ebpf.errors import ProbeError
from ebpf.grants import grant, private_key, public_text, sign
from ebpf.kinds import kinds
from ebpf.spec import spec_from
from ebpf.targets import mounted
from tests.ebpf.conftest import attached_to
from tests.ebpf.unprivileged import command, folder_of

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT, MANIFEST, PROFILE, BOARD = (DEPLOY / name for name in ("probed.service", "probed.yaml", "probed-seccomp.json", "grafana-probes.json"))
OPTIONAL = frozenset({"CAP_SYS_PTRACE"})
"""What one probe alone needs: the files name it in a comment."""


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def manifest(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in yaml.safe_load_all(MANIFEST.read_text()) if one["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("DaemonSet")["spec"]["template"]["spec"]
    return found


def options() -> set[str]:
    """The long options of ``oncalm probed``."""
    made = typer.main.get_command(app)
    return {name for one in made.commands["probed"].params for name in one.opts}  # type: ignore[attr-defined]


NEEDED = frozenset[str]().union(*(entry.capabilities for entry in CATALOG.values())) - OPTIONAL


def test_the_catalogue_names_what_each_kind_needs() -> None:
    assert {name: kind.capabilities for name, kind in kinds().items() if name in CATALOG} == {name: entry.capabilities for name, entry in CATALOG.items()}


def test_the_unit_gives_the_capabilities_that_probes_need_and_no_other() -> None:
    assert set(unit()["AmbientCapabilities"].split()) == set(unit()["CapabilityBoundingSet"].split()) == NEEDED
    assert all(name in UNIT.read_text() for name in OPTIONAL)


def test_the_unit_uses_options_that_there_are() -> None:
    used = set(re.findall(r"(--[\w-]+)", unit()["ExecStart"]))

    assert used <= options()
    assert unit()["User"] == "oncalm-probed"
    assert unit()["StateDirectory"] in unit()["ExecStart"]
    assert {name: unit()[name] for name in ("NoNewPrivileges", "ProtectSystem", "ProtectHome")} == {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "read-only"}


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / "probed.service"
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/oncalm", "/bin/true").replace("User=oncalm-probed", "User=root").replace("Group=oncalm-probed", "Group=root"))

    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)

    assert "probed.service" not in done.stderr, done.stderr


def test_the_pod_has_those_capabilities_and_is_not_privileged() -> None:
    context = pod()["containers"][0]["securityContext"]

    assert context["capabilities"] == {"drop": ["ALL"], "add": [name.removeprefix("CAP_") for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN")]}
    assert {f"CAP_{name}" for name in context["capabilities"]["add"]} == NEEDED
    assert (context["privileged"], context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, False, True)
    assert pod()["hostPID"] is True
    assert not {"hostNetwork", "hostIPC"} & set(pod())
    assert all(name.removeprefix("CAP_") in MANIFEST.read_text() for name in OPTIONAL)


def test_the_pod_mounts_what_it_names_and_writes_its_state_alone() -> None:
    container, volumes = pod()["containers"][0], {one["name"]: one for one in pod()["volumes"]}
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    host = {name: one["hostPath"]["path"] for name, one in volumes.items() if "hostPath" in one}

    assert set(mounts) == set(volumes)
    assert host == {"cgroup": "/sys/fs/cgroup", "btf": "/sys/kernel/btf", "state": "/var/lib/oncalm-probed"}
    assert [name for name in host if not mounts[name].get("readOnly")] == ["state"]
    assert {one.split("=")[0] for one in container["args"]} <= options()
    assert {"limits", "requests"} == set(container["resources"])


def test_the_agents_role_reads_pods_and_nothing_else() -> None:
    assert manifest("Role")["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    assert manifest("ServiceAccount")["automountServiceAccountToken"] is False


def test_the_seccomp_profile_refuses_what_it_does_not_name() -> None:
    profile = json.loads(PROFILE.read_text())
    names = {name for rule in profile["syscalls"] for name in rule["names"]}

    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"bpf", "perf_event_open"} <= names
    assert not {"mount", "ptrace", "init_module", "kexec_load", "reboot", "unshare", "setns", "io_uring_setup", "process_vm_readv", "keyctl"} & names


def test_each_metric_of_the_dashboard_is_one_of_the_daemons() -> None:
    board = json.loads(BOARD.read_text())
    text = generate_latest(Figures().registry).decode()
    there = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    used = {name for panel in board["panels"] for target in panel["targets"] for name in re.findall(r"\b((?:ebpf|otlp)_\w+)", target["expr"])}

    assert {name.removesuffix("_bucket") for name in used} == {name for name in there if not name.endswith("_created")}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["description"] for panel in board["panels"])


class Deployed:
    """A daemon with rights of its own."""

    def __init__(self, folder: Path, capabilities: frozenset[str], user: str | None, seccomp: Path | None, *more: str) -> None:
        self.key = private_key(folder / "home.key")
        (folder / "keys" / "home.pem").write_text(public_text(self.key))
        self.address = Address("here", str(folder / "probed.sock"))
        arguments = ["probed", "--node", "here", "--socket", self.address.socket, "--state", str(folder / "state"), "--keys", str(folder / "keys"), *more]
        self.process = subprocess.Popen(command(capabilities, user=user, seccomp=seccomp, arguments=arguments), stderr=subprocess.PIPE, cwd="/")
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert b"oncalm probed on here" in line, line + self.process.stderr.read(2000)

    def session(self, group: Path, port: int, name: str = "http", **more: Any) -> list[dict[str, Any]]:
        """One session with three requests."""
        spec = spec_from({"name": name, "target": {"cgroup": f"/{group.relative_to(mounted())}", "port": port}, "side": "server", "seconds": 60, "overhead": 0.2, **more})
        told = []
        with Client(self.address, timeout=60) as client:
            for line in client.start(sign(grant(spec, "here", "ap-1", ("ann",), datetime.now(UTC), timedelta(minutes=2)), self.key)):
                told.append(line)
                if line["type"] == "attached":
                    for _ in range(3):
                        httpx.get(f"{'https' if name == 'https' else 'http'}://127.0.0.1:{port}/orders/7", trust_env=False, verify=False)  # noqa: S501 - our own, made for this test
                    client.stop()
        return told


@pytest.fixture(params=["as an unprivileged user", "as root with nothing else"])
def user(request: pytest.FixtureRequest, kernel: None) -> str | None:
    return "nobody" if request.param == "as an unprivileged user" else None


@pytest.fixture
def home(user: str | None, tmp_path: Path) -> Iterator[Path]:
    with folder_of(user, tmp_path) as folder:
        yield folder


@pytest.mark.parametrize("loader", ["core", "bcc"])
def test_a_probe_runs_with_the_rights_of_the_files(home: Path, user: str | None, group: Path, http_server: int, loader: str) -> None:
    if loader == "bcc":
        from ebpf.loaders import bccmodule

        if why := bccmodule.why_not():
            pytest.skip(why)
    daemon = Deployed(home, NEEDED, user, PROFILE, "--loader", loader)
    try:
        told = daemon.session(group, http_server)
    finally:
        daemon.process.terminate()
        daemon.process.wait(30)

    attached = next(one for one in told if one["type"] == "attached")
    assert attached["loader"] == loader
    assert attached["capabilities"] == 0
    assert [one["call"]["route"] for one in told if one["type"] == "call"] == ["/orders/{id}"] * 3
    assert attached_to(group) == 0


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_without_one_of_them_it_is_refused_by_name(tmp_path: Path, kernel: None, group: Path, http_server: int, missing: str) -> None:
    with folder_of("nobody", tmp_path) as home:
        daemon = Deployed(home, NEEDED - {missing}, "nobody", None)
        try:
            with Client(daemon.address, timeout=60) as client:
                assert missing in client.ask("hello")["probes"]["http"]
            with pytest.raises(ProbeError, match=missing):
                raise_errors(daemon.session(group, http_server))
        finally:
            daemon.process.terminate()
            daemon.process.wait(30)

    assert attached_to(group) == 0


def raise_errors(told: list[dict[str, Any]]) -> None:
    """A session's error as it would be raised."""
    for one in told:
        if one["type"] == "error":
            raise ProbeError(one["what"], where=one.get("where", ""), remedy=one.get("remedy", ""))


_TLS_SERVER = """
import http.server, os, ssl, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True); print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.mark.parametrize("more", [frozenset[str](), OPTIONAL])
def test_https_of_other_users_needs_one_more(tmp_path: Path, kernel: None, group: Path, spawn: Any, more: frozenset[str]) -> None:
    from tests.ebpf.certificates import self_signed

    server = spawn(_TLS_SERVER, str(self_signed(tmp_path)), group=group)
    port = int(server.stdout.readline())
    with folder_of("nobody", tmp_path) as home:
        daemon = Deployed(home, NEEDED | more, "nobody", None)
        try:
            with Client(daemon.address, timeout=60) as client:
                assert client.ask("hello")["probes"]["https"] == sorted(OPTIONAL - more)
            told = daemon.session(group, port, "https") if more else _attempt(daemon, group, port)
        finally:
            daemon.process.terminate()
            daemon.process.wait(30)

    if more:
        assert [one["call"]["route"] for one in told if one["type"] == "call"] == ["/orders/{id}"] * 3
    else:
        assert "CAP_SYS_PTRACE" in str(told)


def _attempt(daemon: Deployed, group: Path, port: int) -> list[dict[str, Any]]:
    try:
        return daemon.session(group, port, "https")
    except ProbeError as error:
        return [{"type": "error", "what": str(error)}]
