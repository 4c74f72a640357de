"""What only pods' logs have: earlier runs, permissions pod by pod, kubeconfigs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry.sources.config import Kubernetes
from telemetry.sources.opening import open_source
from telemetry.sources.protocols import LogQuery
from tests.telemetry.sources.corpus import BASE, END, LINES, SECOND
from tests.telemetry.sources.kube_server import KubeServer, kubeconfig
from tests.telemetry.sources.serving import serving


@contextmanager
def pods(folder: Path, server: KubeServer, **more: Any) -> Iterator[Any]:
    with serving(server) as served:
        given = {"name": "here", "kind": "kubernetes", "kubeconfig": kubeconfig(folder, served.url), **more}
        source = open_source(Kubernetes.model_validate(given), lambda _: None)
        yield source
        source.close()


def test_lines_before_a_restart_come_from_the_earlier_run(tmp_path: Path) -> None:
    with pods(tmp_path, KubeServer(LINES, restarted={"cart-1": BASE + 450 * SECOND})) as source:
        answer = source.lines(LogQuery(BASE, END, pod="cart-1"))

    assert [line.fields.get("previous", "") for line in answer.records] == ["true", "true", ""]
    assert answer.status == "complete"


def test_a_restart_that_left_no_log_is_noted(tmp_path: Path) -> None:
    server = KubeServer(LINES, restarted={"cart-2": 0})

    def answering(request: Any) -> Any:
        from tests.telemetry.sources.serving import as_json

        if request.one("previous") == "true":
            return as_json({"kind": "Status", "message": 'previous terminated container "main" in pod "cart-2" not found', "code": 400}, 400)
        return server(request)

    with pods(tmp_path, answering) as source:  # type: ignore[arg-type] # any handler serves
        answer = source.lines(LogQuery(BASE, END, pod="cart-2"))

    assert (answer.status, len(answer.records)) == ("complete", 1)
    assert "its last run left no log" in " ".join(answer.notes)


def test_one_forbidden_pod_makes_the_answer_partial(tmp_path: Path) -> None:
    server = KubeServer(LINES)
    server.forbidden = {"cart-2"}
    with pods(tmp_path, server) as source:
        answer = source.lines(LogQuery(BASE, END, service="cart"))

    assert (answer.status, len(answer.records)) == ("partial", 3)
    assert "forbidden" in answer.reason


def test_forbidden_pods_alone_are_not_assessed(tmp_path: Path) -> None:
    server = KubeServer(LINES)
    server.forbidden = {"cart-2"}
    with pods(tmp_path, server) as source:
        answer = source.lines(LogQuery(BASE, END, pod="cart-2"))

    assert (answer.status, answer.records) == ("not_assessed", ())


def test_the_token_of_the_kubeconfig_is_sent(tmp_path: Path) -> None:
    with pods(tmp_path, KubeServer(LINES, token="t0ken")) as source:
        assert source.check().status == "complete"
    with pods(tmp_path, KubeServer(LINES, token="another")) as source:
        assert source.check().status == "not_assessed"


def test_the_tail_of_a_running_log_is_asked_for(tmp_path: Path) -> None:
    with pods(tmp_path, KubeServer(LINES)) as source:
        answer = source.lines(LogQuery(BASE, 4_000_000_000 * SECOND, service="clock", limit=3, newest=True))

    assert [line.text for line in answer.records] == [f"INFO: tick {n} of the clock" for n in (1297, 1298, 1299)]
    assert any("tailLines=4" in said for said in answer.asked)


def test_a_kubeconfig_that_is_not_there_is_not_assessed(tmp_path: Path) -> None:
    entry = Kubernetes(kind="kubernetes", name="here", kubeconfig=tmp_path / "none")
    source = open_source(entry, lambda _: None)
    answer = source.check()
    source.close()

    assert (answer.status, "there is no kubeconfig at" in answer.reason) == ("not_assessed", True)
