"""Where a URL may lead."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from telemetry.reaching import CredentialsError, UnreachableError, connected, reachable

PUBLIC = "93.184.215.14"
METADATA = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"]


@pytest.mark.parametrize("address", METADATA)
def test_credentials_of_machines_are_refused_to_all(address: str) -> None:
    with pytest.raises(CredentialsError):
        reachable("http://hook.example/", resolver=lambda *_: [PUBLIC, address])


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:a9fe:a9fe]", "169.254.43518"])
def test_other_spellings_of_them_are_seen_through(host: str) -> None:
    with pytest.raises(CredentialsError):
        reachable(f"http://{host}/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "//x", "http://", "http://a@b/", "http://a:b@c/", "http://x:99999/", "http://a b/",
                                 "http://evil.example\\@good.example/", "http://[::1/", "http://x\n/", ""])
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(UnreachableError):
        reachable(url, resolver=lambda *_: [PUBLIC])


def test_the_request_goes_to_the_address_that_was_looked_at() -> None:
    """Under the URL's name, although the name would lead elsewhere by now."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']} {self.path}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    found = reachable(f"http://hook.example:{server.server_port}/a?b=c", resolver=lambda *_: next(answers))
    with httpx.Client(trust_env=False) as client:
        status = connected(found, lambda one: client.request("GET", **one).status_code)
    server.server_close()

    assert (status, asked) == (204, [f"hook.example:{server.server_port} /a?b=c"])


def test_an_address_that_takes_no_connection_is_passed_over() -> None:
    asked: list[str] = []

    def ask(one: dict[str, Any]) -> str:
        asked.append(one["url"])
        if PUBLIC in one["url"]:
            raise httpx.ConnectError("refused")
        return "there"

    found = reachable("https://hook.example:8443/x", resolver=lambda *_: [PUBLIC, "2606:2800:21f::1"])

    assert connected(found, ask) == "there"
    assert asked == [f"https://{PUBLIC}:8443/x", "https://[2606:2800:21f::1]:8443/x"]
    with pytest.raises(httpx.ConnectError):
        connected(reachable("https://hook.example", resolver=lambda *_: [PUBLIC]), ask)


def test_a_request_goes_to_an_address_under_its_name() -> None:
    (one,) = reachable("https://hook.example", resolver=lambda *_: [PUBLIC]).requests()

    assert one == {"url": f"https://{PUBLIC}:443/", "headers": {"Host": "hook.example"}, "extensions": {"sni_hostname": "hook.example"}}
