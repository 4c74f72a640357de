"""Who comes through the door, over real HTTP."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from statistics import median

import httpx
import pytest

from agent.keys.keys import Key
from agent.keys.secrets import new_key
from api.door.building import DoorSettings, check_door
from api.door.rates import Rates
from telemetry.errors import UsageError
from tests.api.door.house import LOCAL, House, bearer

ROLES = ("viewer", "responder", "approver", "admin")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_its_routes_and_no_further(house: House, role: str) -> None:
    headers = bearer(house.key(role))
    with house.open(), httpx.Client(base_url=house.url, headers=headers) as web:
        reached = [web.get(f"/{one}").status_code for one in ROLES]

    assert reached == [200 if ROLES.index(one) <= ROLES.index(role) else 403 for one in ROLES]


def test_keys_work_on_either_database(tmp_path: Path, url: str | None) -> None:
    house = House(tmp_path / "home", url)
    secret = house.key("viewer", "ann")
    with house.open():
        before = httpx.get(f"{house.url}/viewer", headers=bearer(secret))
        house.keys.revoke("ann", LOCAL)
        after = httpx.get(f"{house.url}/viewer", headers=bearer(secret))

    assert (before.status_code, before.json(), after.status_code) == (200, "ann", 401)
    assert after.headers["content-type"] == "application/problem+json"
    assert after.headers["www-authenticate"].startswith("Bearer")


def test_nobody_is_let_in_without_a_key_once_there_was_one(house: House) -> None:
    with house.open():
        alone = httpx.get(f"{house.url}/admin").status_code
        house.key("viewer", "ann")
        with_key = httpx.get(f"{house.url}/viewer").status_code
        house.keys.revoke("ann", LOCAL)
        revoked = httpx.get(f"{house.url}/viewer").status_code

    assert (alone, with_key, revoked) == (200, 401, 401)


@pytest.mark.parametrize("header", [
    {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer ock_"},
    {"Authorization": f"Bearer {new_key()}"}, {"Authorization": "Bearer ock_" + "A" * 5_000}, {"Authorization": "Bearer é".encode("latin-1")}, {"Authorization": "Bearer a.b.c"},
])
def test_bad_credentials_are_never_the_local_person(house: House, header: dict[str, str]) -> None:
    with house.open():
        assert httpx.get(f"{house.url}/viewer", headers=header).status_code == 401
        assert httpx.get(f"{house.url}/livez", headers=header).status_code == 401


def test_two_authorizations_are_none(house: House) -> None:
    good = house.key("admin")
    with house.open():
        both = httpx.get(f"{house.url}/viewer", headers=[("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {new_key()}")])

    assert both.status_code == 401


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_the_local_person_is_not_behind_a_proxy(house: House, name: str) -> None:
    with house.open():
        assert httpx.get(f"{house.url}/viewer", headers={name: "127.0.0.1"}).status_code == 401


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
])
def test_pages_of_others_change_nothing(house: House, headers: dict[str, str]) -> None:
    with house.open():
        assert httpx.post(f"{house.url}/sink", content=b"x", headers=headers).status_code == 403
        assert house.app.state.got == 0


def test_pages_of_others_only_open_ours_as_a_page(house: House) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with house.open():
        opened, framed, loaded = (httpx.get(f"{house.url}/viewer", headers=one).status_code for one in (
            link, {**link, "Sec-Fetch-Dest": "iframe"}, {**link, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}))

    assert (opened, framed, loaded) == (200, 403, 403)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "[::2]", "169.254.169.254", "", "a b"])
def test_a_name_that_is_not_ours_is_answered_nothing(house: House, host: str) -> None:
    with house.open():
        answer = house.raw(f"GET /viewer HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    assert answer.split()[1] in {b"421", b"400"}


def test_cors_stays_closed(house: House) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with house.open():
        asked = httpx.options(f"{house.url}/sink", headers=headers)

    assert asked.status_code == 403
    assert not [name for name in asked.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("path", "status"), [("/viewer", 200), ("/livez", 200), ("/nothing", 404), ("/admin", 403), ("/viewer?x=1", 421)])
def test_every_answer_has_the_headers_that_bind_browsers(house: House, path: str, status: int) -> None:
    headers = {**bearer(house.key()), **({"Host": "evil.example"} if status == 421 else {})}
    with house.open():
        answer = httpx.get(house.url + path, headers=headers)

    policy = answer.headers["content-security-policy"]
    assert answer.status_code == status
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"], answer.headers["cross-origin-opener-policy"],
            answer.headers["cache-control"]) == ("nosniff", "same-origin", "same-origin", "no-store")


@pytest.mark.parametrize(("path", "status"), [
    ("/v1/logs", 200), ("/v1/chat", 403), ("/sink", 403), ("/v1/logs/../chat", 404), ("//v1/logs", 403), ("/v1/logsx", 403), ("/v1/%6cogs", 200), ("/V1/logs", 403),
])
def test_a_narrowed_key_goes_where_its_scope_is(house: House, path: str, status: int) -> None:
    headers = bearer(house.key("admin", scopes=["otlp"]))
    with house.open():
        answer = house.raw(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_lines(headers)}Content-Length: 1\r\nConnection: close\r\n\r\nx".encode())

    assert int(answer.split()[1]) == status


def test_failures_are_counted_by_address_and_keep_no_good_key_out(house: House) -> None:
    good = bearer(house.key())
    with house.open(DoorSettings(LOCAL, rates=Rates(failures=5))):
        first = httpx.get(f"{house.url}/viewer", headers=good).status_code
        tried = [httpx.get(f"{house.url}/viewer", headers=bearer(new_key())) for _ in range(8)]
        last = httpx.get(f"{house.url}/viewer", headers=good).status_code

    assert [one.status_code for one in tried] == [401] * 5 + [429] * 3
    assert 1 <= int(tried[-1].headers["retry-after"]) <= 120
    assert (first, last) == (200, 200)


def test_requests_are_counted_by_person_whatever_their_keys(house: House) -> None:
    keys = [bearer(house.key(name="ann")), bearer(house.key(name="ann")), bearer(house.key(name="bob"))]
    with house.open(DoorSettings(LOCAL, rates=Rates(requests=4))):
        statuses = [httpx.get(f"{house.url}/viewer", headers=keys[which]).status_code for which in (0, 1, 0, 1, 0, 1, 2)]

    assert statuses == [200, 200, 200, 200, 429, 429, 200]


def test_only_so_many_requests_of_one_at_once(house: House) -> None:
    headers = bearer(house.key())
    with house.open(DoorSettings(LOCAL, rates=Rates(at_once=2))), httpx.Client(base_url=house.url, headers=headers) as web, \
            web.stream("GET", "/stream"), web.stream("GET", "/stream"):
        third = web.get("/viewer")
        other = httpx.get(f"{house.url}/livez")

    assert (third.status_code, third.headers["retry-after"], other.status_code) == (429, "1", 200)


def test_a_revoked_key_ends_the_stream_it_reads(house: House) -> None:
    headers = bearer(house.key(name="ann"))
    with house.open(recheck=0.2), httpx.stream("GET", f"{house.url}/stream", headers=headers, timeout=5) as answer:
        lines = answer.iter_lines()
        first = next(lines)
        house.keys.revoke("ann", LOCAL)
        began = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)

    assert first == "data: 0"
    assert time.monotonic() - began < 3


def test_after_revoking_no_request_comes_in_however_many_race(house: House) -> None:
    """Requests that begin after the revocation has returned are refused; those before may go either way."""
    key: Key
    key, secret = house.keys.create("ann", "viewer", LOCAL)
    revoked, late = threading.Event(), []
    with house.open():
        def hammer() -> None:
            with httpx.Client(base_url=house.url, headers=bearer(secret)) as web:
                for _ in range(60):
                    began_after = revoked.is_set()
                    status = web.get("/viewer").status_code
                    if began_after:
                        late.append(status)

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for one in threads:
            one.start()
        time.sleep(0.1)
        house.keys.revoke(key.id, LOCAL)
        revoked.set()
        for one in threads:
            one.join()

    assert late
    assert 200 not in late


def test_a_database_that_is_gone_lets_nobody_in(house: House) -> None:
    headers = bearer(house.key("admin"))
    with house.open():
        with house.journal.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE keys RENAME TO gone")
        answer = httpx.get(f"{house.url}/viewer", headers=headers)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_beyond_loopback_nothing_starts_without_a_door(house: House) -> None:
    with pytest.raises(UsageError, match="neither a key nor an identity provider"):
        check_door("0.0.0.0", house.journal, DoorSettings(LOCAL))
    check_door("127.0.0.1", house.journal, DoorSettings(LOCAL))
    house.key()
    check_door("0.0.0.0", house.journal, DoorSettings(LOCAL))
    house.keys.revoke("a-viewer", LOCAL)
    with pytest.raises(UsageError):
        check_door("::", house.journal, DoorSettings(LOCAL))


@pytest.mark.parametrize(("host", "status"), [("anything.example", 421), ("oncalm.example", 200), ("10.1.2.3:8000", 200)])
def test_beyond_loopback_the_given_names_count(house: House, host: str, status: int) -> None:
    headers = {**bearer(house.key()), "Host": host}
    with house.open(DoorSettings(LOCAL, hosts=("oncalm.example",)), host="0.0.0.0"):
        assert httpx.get(f"{house.url}/viewer", headers=headers).status_code == status
        assert httpx.get(f"{house.url}/viewer").status_code == 401


def test_a_wrong_key_takes_as_long_wherever_it_is_wrong(house: House) -> None:
    """By its digest a key is looked up, and digests of guesses say nothing; the medians differ by less than a third."""
    good = house.key()
    early, late = [f"ock_{'B' if good[4] == 'A' else 'A'}{good[5:]}", good[:-2] + ("BB" if good.endswith("AA") else "AA")]
    times: dict[str, list[float]] = {early: [], late: []}
    for _ in range(200):
        for guess, taken in times.items():
            began = time.perf_counter()
            assert house.keys.find(guess) is None
            taken.append(time.perf_counter() - began)

    assert 0.67 < median(times[early]) / median(times[late]) < 1.5


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


