"""Where a URL may lead."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from telemetry.reaching import UnreachableError, reachable

PUBLIC = "93.184.215.14"
PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "100.64.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::1", "::",
           "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1"]
METADATA = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"]


@pytest.mark.parametrize("address", [*PRIVATE, *METADATA])
def test_a_name_that_leads_inside_is_refused_to_users(address: str) -> None:
    with pytest.raises(UnreachableError):
        reachable("https://hook.example/x", user_supplied=True, resolver=lambda *_: [address])
    with pytest.raises(UnreachableError):
        reachable("https://hook.example/x", user_supplied=True, resolver=lambda *_: [PUBLIC, address])


@pytest.mark.parametrize("address", METADATA)
def test_credentials_of_machines_are_refused_to_all(address: str) -> None:
    with pytest.raises(UnreachableError, match="credentials"):
        reachable("http://hook.example/", user_supplied=False, resolver=lambda *_: [address])


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]", "[::ffff:7f00:1]"])
def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises(UnreachableError):
        reachable(f"http://{host}/", user_supplied=True)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "//x", "http://", "http://a@b/", "http://a:b@c/", "http://x:99999/", "http://a b/",
                                 "http://evil.example\\@good.example/", "http://[::1/", "http://x\n/", ""])
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(UnreachableError):
        reachable(url, user_supplied=False, resolver=lambda *_: [PUBLIC])


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
    found = reachable(f"http://hook.example:{server.server_port}/a?b=c", user_supplied=False, resolver=lambda *_: next(answers))
    with httpx.Client(trust_env=False) as client:
        status = client.request("GET", **found.request()).status_code
    server.server_close()

    assert (status, asked) == (204, [f"hook.example:{server.server_port} /a?b=c"])


def test_public_addresses_are_reachable() -> None:
    found = reachable("https://hook.example", user_supplied=True, resolver=lambda *_: [PUBLIC, "2606:2800:21f::1"])

    assert found.request() == {"url": f"https://{PUBLIC}:443/", "headers": {"Host": "hook.example"}, "extensions": {"sni_hostname": "hook.example"}}
