"""Browser sessions over real HTTP: signing in and out, cookies, CSRF."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from agent.keys.secrets import new_key
from api.door.building import DoorSettings
from api.door.pages import local_path
from api.door.rates import Rates
from tests.api.door.house import LOCAL, House, bearer


def signed_in(house: House, secret: str) -> tuple[httpx.Client, Any]:
    web = httpx.Client(base_url=house.url)
    return web, web.post("/login", json={"credential": secret})


def test_a_key_opens_a_session_with_its_rights(house: House) -> None:
    secret = house.key("responder", "ann")
    with house.open():
        web, answer = signed_in(house, secret)
        statuses = [web.get(f"/{role}").status_code for role in ("viewer", "responder", "approver")]
        me = web.get("/v1/me").json()

    cookies = answer.headers.get_list("set-cookie")
    assert (answer.status_code, statuses) == (200, [200, 200, 403])
    assert me == {"name": "ann", "role": "responder", "by": "session", "scopes": [], "csrf": answer.json()["csrf"]}
    assert "HttpOnly" in cookies[0]
    assert all("SameSite=strict" in one for one in cookies)
    assert secret not in str(cookies)


def test_over_https_the_cookie_is_secure_and_of_this_host(house: House) -> None:
    secret = house.key()
    with house.open(DoorSettings(LOCAL, proxies=("127.0.0.1",))):
        answer = httpx.post(f"{house.url}/login", json={"credential": secret}, headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"})

    cookies = answer.headers.get_list("set-cookie")
    assert cookies[0].startswith("__Host-oncalm=")
    assert all("Secure" in one for one in cookies)
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(("given", "status"), [("right", 200), ("", 403), ("0" * 64, 403), ("of another", 403), ("twice", 403)])
def test_a_session_changes_nothing_without_its_token(house: House, given: str, status: int) -> None:
    secret = house.key()
    with house.open():
        web, answer = signed_in(house, secret)
        other = signed_in(house, secret)[1].json()["csrf"]
        right = answer.json()["csrf"]
        sent = {"right": [right], "of another": [other], "twice": [right, right], "": []}.get(given, [given])
        done = web.post("/sink", content=b"x", headers=[("X-CSRF-Token", one) for one in sent])

    assert done.status_code == status
    assert house.app.state.got == (1 if status == 200 else 0)


def test_a_form_brings_the_token_in_a_field_and_arrives_whole(house: House) -> None:
    secret = house.key()
    with house.open():
        web, answer = signed_in(house, secret)
        good = web.post("/form", data={"csrf": answer.json()["csrf"], "a": "b"})
        bad = web.post("/form", data={"csrf": "x", "a": "b"})

    assert (good.status_code, bad.status_code) == (200, 403)
    assert good.json().endswith("a=b")


def test_the_form_signs_in_and_leads_on(house: House) -> None:
    secret = house.key()
    with house.open():
        wrong = httpx.post(f"{house.url}/login", data={"credential": new_key(), "next": "/viewer"})
        right = httpx.post(f"{house.url}/login", data={"credential": secret, "next": "/viewer"})
        astray = httpx.post(f"{house.url}/login", data={"credential": secret, "next": "https://evil.example/"})

    assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)
    assert (right.status_code, right.headers["location"], astray.headers["location"]) == (303, "/viewer", "/")


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb", "/\t/evil.example", "evil"])
def test_no_path_leads_elsewhere(path: str) -> None:
    assert local_path(path) == "/"


def test_a_browser_is_led_to_the_page_and_a_program_is_not(house: House) -> None:
    house.key()
    browser = {"Accept": "text/html,*/*", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
    with house.open():
        led = httpx.get(f"{house.url}/viewer?a=1", headers=browser)
        linked = httpx.get(f"{house.url}/viewer", headers={**browser, "Sec-Fetch-Site": "cross-site"})
        program = httpx.get(f"{house.url}/viewer")
        page = httpx.get(f"{house.url}/login?next=%22%3E%3Cscript%3E")

    assert (led.status_code, led.headers["location"]) == (303, "/login?next=%2Fviewer%3Fa%3D1")
    assert (linked.status_code, 'url=/viewer"' in linked.text) == (200, True)
    assert program.status_code == 401
    assert (page.status_code, "<script" in page.text) == (200, False)


@pytest.mark.parametrize("end", ["logout", "revoked"])
def test_a_session_ends(house: House, end: str) -> None:
    secret = house.key(name="ann")
    with house.open():
        web, answer = signed_in(house, secret)
        cookie = dict(web.cookies)
        if end == "logout":
            assert web.post("/logout", headers={"X-CSRF-Token": answer.json()["csrf"]}).status_code == 204
        else:
            house.keys.revoke("ann", LOCAL)
        after = httpx.get(f"{house.url}/viewer", cookies=cookie).status_code

    assert after == 401


def test_two_cookies_of_one_name_are_nobodys(house: House) -> None:
    secret = house.key()
    with house.open():
        web, _ = signed_in(house, secret)
        good = web.cookies["oncalm"]
        answer = httpx.get(f"{house.url}/viewer", headers={"Cookie": f"oncalm={'A' * 43}; oncalm={good}"})

    assert answer.status_code == 401


def test_signing_in_anew_changes_the_cookie(house: House) -> None:
    """A cookie that somebody planted before is not the one of the session (session fixation)."""
    secret = house.key()
    with house.open():
        web, _ = signed_in(house, secret)
        old = web.cookies["oncalm"]
        web.post("/login", json={"credential": secret}, headers={"X-CSRF-Token": web.cookies["oncalm_csrf"]})
        after = httpx.get(f"{house.url}/viewer", cookies={"oncalm": old}).status_code

    assert web.cookies["oncalm"] != old
    assert after == 401


def test_guesses_on_the_login_page_are_counted(house: House) -> None:
    house.key()
    with house.open(DoorSettings(LOCAL, rates=Rates(failures=3))):
        tried = [httpx.post(f"{house.url}/login", json={"credential": new_key()}).status_code for _ in range(5)]

    assert tried == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"credential": 7}', b"{" * 5_000, b"\xff"])
def test_what_is_no_sign_in_is_told(house: House, body: bytes) -> None:
    with house.open():
        assert httpx.post(f"{house.url}/login", content=body, headers={"Content-Type": "application/json"}).status_code == 400


def test_a_narrowed_keys_session_is_as_narrow(house: House) -> None:
    secret = house.key(scopes=["chat"])
    with house.open():
        web, _ = signed_in(house, secret)

        assert web.get("/viewer").status_code == 403
        assert httpx.get(f"{house.url}/viewer", headers=bearer(secret)).status_code == 403
