"""Bodies and headers that are too large, too slow or crooked, over raw sockets: nothing gets in, and the next one is served."""

from __future__ import annotations

import resource
import socket
import time

import httpx
import pytest

from api.door.bodies import BodyLimits
from api.door.building import DoorSettings
from tests.api.door.house import LOCAL, House, bearer

SMALL = DoorSettings(LOCAL, bodies=BodyLimits(1_000_000, seconds=1.5, pause=0.5, reading=1.0))
HUNDRED_MB = 100_000_000


def test_a_body_of_100_mb_is_refused_before_it_is_read(house: House) -> None:
    headers = bearer(house.key())
    with house.open(SMALL):
        answer = house.raw(_post("/sink", f"Content-Length: {HUNDRED_MB}", headers))

    assert answer.split()[1] == b"413"
    assert house.app.state.got == 0


def test_100_mb_in_pieces_are_refused_at_the_limit(house: House) -> None:
    headers, piece = bearer(house.key()), bytes(1 << 16)
    with house.open(SMALL), socket.create_connection(("127.0.0.1", house.port), timeout=10) as connection:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        connection.sendall(_post("/sink", "Transfer-Encoding: chunked", headers))
        sent = 0
        try:
            while sent < HUNDRED_MB:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                sent += len(piece)
        except OSError:
            pass
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        after = httpx.get(f"{house.url}/viewer", headers=headers).status_code

    assert sent < HUNDRED_MB
    assert grown < 50_000  # kilobytes
    assert (house.app.state.got, after) == (0, 200)


@pytest.mark.parametrize("path", ["/sink", "/json", "/form"])
def test_a_client_that_sends_too_much_reads_why(house: House, path: str) -> None:
    """However the application reads: its own answer to the torn body is not sent."""
    headers = {**bearer(house.key()), "Content-Type": "application/json"}
    with house.open(SMALL):
        whole = httpx.post(house.url + path, content=bytes(1_500_000), headers=headers)
        pieces = httpx.post(house.url + path, content=(bytes(50_000) for _ in range(30)), headers=headers)
        fits = httpx.post(f"{house.url}/sink", content=bytes(1_000_000), headers=headers)

    assert (whole.status_code, pieces.status_code) == (413, 413)
    assert pieces.headers["content-type"] == "application/problem+json"
    assert fits.json() == 1_000_000


@pytest.mark.parametrize("pause", [0.7, 0.1])
def test_a_slow_body_is_given_up(house: House, pause: float) -> None:
    """One that stops for too long, and one that goes on drop by drop."""
    headers = bearer(house.key())
    with house.open(SMALL), socket.create_connection(("127.0.0.1", house.port), timeout=10) as connection:
        connection.sendall(_post("/sink", "Content-Length: 100", headers))
        began = time.monotonic()
        connection.settimeout(pause)
        answer = b""
        while not answer and time.monotonic() - began < 8:
            try:
                answer = connection.recv(4_096)
            except TimeoutError:
                connection.sendall(b"x")

    assert answer.split()[1] == b"408"
    assert time.monotonic() - began < 4
    assert house.app.state.got == 0


@pytest.mark.parametrize("begin", [b"", b"GET /viewer HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
def test_slow_headers_hold_no_connection(house: House, begin: bytes) -> None:
    """Slow-loris: also on a connection that had an answer before."""
    with house.open(header_seconds=0.6), socket.create_connection(("127.0.0.1", house.port), timeout=10) as connection:
        connection.sendall(begin)
        began = time.monotonic()
        if begin.endswith(b"\r\n\r\n"):
            connection.recv(65_536)
            connection.sendall(b"GET /livez HTTP/1.1\r\n")
        ended = _drip(connection, b"X-Slow: 1\r\n", 8)

    assert ended
    assert time.monotonic() - began < 5


def test_many_slow_connections_keep_nobody_out(house: House) -> None:
    headers = bearer(house.key())
    with house.open(header_seconds=1.0):
        slow = [socket.create_connection(("127.0.0.1", house.port), timeout=10) for _ in range(200)]
        for one in slow:
            one.sendall(b"POST /sink HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
        served = httpx.get(f"{house.url}/viewer", headers=headers, timeout=5).status_code
        ends = [_drip(one, b"", 5) for one in slow]

    assert served == 200
    assert all(ends)


def test_endless_headers_are_cut_off(house: House) -> None:
    with house.open(), socket.create_connection(("127.0.0.1", house.port), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        sent, line = 0, b"X-A: " + b"a" * 1_000 + b"\r\n"
        try:
            while sent < 5_000_000:
                connection.sendall(line)
                sent += len(line)
        except OSError:
            pass

    assert sent < 5_000_000


def test_an_answer_that_nobody_reads_is_given_up(house: House) -> None:
    headers = bearer(house.key(name="ann"))
    with house.open(SMALL), socket.create_connection(("127.0.0.1", house.port), timeout=10) as connection:
        connection.sendall(_get("/flood", headers))
        until = time.monotonic() + 8
        while time.monotonic() < until and not house.door.limiter._under_way:
            time.sleep(0.02)
        held = dict(house.door.limiter._under_way)
        while time.monotonic() < until and house.door.limiter._under_way:
            time.sleep(0.05)
        left = dict(house.door.limiter._under_way)

    assert (held, left) == ({"ann": 1}, {})


@pytest.mark.parametrize("lengths", [
    "Content-Length: 1\r\nContent-Length: 2", "Content-Length: -1", "Content-Length: 1e3", "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked\r\nContent-Length: 3", "Content-Length: 99999999999999999999999999", "Content-Length : 1",
])
def test_crooked_lengths_never_reach_a_route(house: House, lengths: str) -> None:
    headers = bearer(house.key())
    with house.open(SMALL):
        answer = house.raw(_post("/sink", lengths, headers) + b"0\r\n\r\nGET /viewer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert answer == b"" or answer.split()[1] in {b"400", b"413"}
    assert house.app.state.got == 0


@pytest.mark.parametrize("lines", ["Authorization: Bearer x\r\n y", "X\x00: 1", "Host: a\r\nHost: 127.0.0.1", "Author\nization: Bearer x"])
def test_crooked_headers_get_nothing(house: House, lines: str) -> None:
    house.key()
    with house.open(SMALL):
        answer = house.raw(f"GET /viewer HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n\r\n".encode())

    assert answer == b"" or answer.split()[1] in {b"400", b"401", b"421"}


def test_a_websocket_is_not_opened(house: House) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    with house.open():
        answer = house.raw(f"GET /viewer HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n\r\n".encode())

    assert not answer.startswith(b"HTTP/1.1 101")


def _drip(connection: socket.socket, drop: bytes, seconds: float) -> bool:
    """Send drop by drop; whether the other side ended it within the seconds."""
    until = time.monotonic() + seconds
    connection.settimeout(0.2)
    while time.monotonic() < until:
        try:
            connection.sendall(drop)
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def _post(path: str, lengths: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}{lengths}\r\n\r\n".encode("latin-1")


def _get(path: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode("latin-1")




def test_connections_that_ask_nothing_make_room_for_one_that_asks(house: House) -> None:
    secret = house.key()
    with house.open(idle=5, old=0.2):
        idle = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(8)]
        time.sleep(0.5)  # they are old by then
        asked = f"GET /viewer HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"

        assert house.raw(asked.encode()).startswith(b"HTTP/1.1 200")
        gone = [one for one in idle if _ended(one)]
        assert len(gone) == 4  # the nine that were there, but for five
        assert house.raw(asked.encode()).startswith(b"HTTP/1.1 200")
        for one in idle:
            one.close()


def _ended(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
