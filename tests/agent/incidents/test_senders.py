"""Who sent a body is proved, or it is refused: forged, late, or by nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.incidents.alert import Source
from agent.incidents.errors import ForgedAlertError, LateAlertError
from agent.incidents.senders import Proof, Request, prove, sign
from agent.incidents.settings import Sender
from tests.agent.incidents.making import NOW

AT, BODY, WINDOW = int(NOW.timestamp()), b'{"alerts": []}', timedelta(minutes=5)
OURS = Sender(hmac=("s3cret", "older"), bearer=("tok-en",), basic=(("am", "pw"),))
GRAFANA = Sender(hmac=("g",), timestamp_header="X-Grafana-Alerting-Timestamp")
PAGERDUTY = Sender(hmac=("new", "old"), routing_keys=("r" * 32,))


def mac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, *, secret: str = OURS.hmac[0], at: int = AT, nonce: str = "nonce-0001") -> dict[str, str]:
    return {"x-oncalm-signature": sign(secret, body, at=at, nonce=nonce), "x-oncalm-timestamp": str(at), "x-oncalm-nonce": nonce}


def proved(source: Source, sender: Sender, headers: dict[str, str], body: bytes = BODY, routing_key: str = "") -> Proof:
    return prove(source, sender, Request(headers, body, routing_key), NOW, WINDOW)


@pytest.mark.parametrize("secret", ["s3cret", "older"])
def test_our_signature_proves_and_counts_once(secret: str) -> None:
    assert proved("generic", OURS, signed(secret=secret)).once == "generic:nonce-0001"


@pytest.mark.parametrize("headers", [
    {}, {"authorization": "Bearer tok-em"}, {"authorization": "Bearer "}, {"authorization": "Bearer"}, {"authorization": "tok-en"},
    {"authorization": "Basic " + base64.b64encode(b"am:px").decode()}, {"authorization": "Basic !!"}, {"authorization": "Basic " + base64.b64encode(b"\xff").decode()},
    signed(secret="other"), signed(b"{}"), {**signed(), "x-oncalm-timestamp": str(AT + 1)}, {**signed(), "x-oncalm-nonce": "nonce-0002"},
    {**signed(), "x-oncalm-nonce": ""}, {**signed(nonce="a b c d e f"), "x-oncalm-nonce": "a b c d e f"}, {**signed(), "x-oncalm-signature": "v1=é"},
])
def test_forgeries_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ForgedAlertError):
        proved("generic", OURS, headers)


@pytest.mark.parametrize("apart", [-301, 301, 10**9])
def test_what_was_signed_at_another_time_is_late(apart: int) -> None:
    with pytest.raises(LateAlertError):
        proved("alertmanager", OURS, signed(at=AT + apart))


def test_a_wrong_signature_does_not_fall_back_on_a_token() -> None:
    with pytest.raises(ForgedAlertError):
        proved("generic", OURS, {**signed(secret="other"), "authorization": "Bearer tok-en"})


@pytest.mark.parametrize("header", ["Bearer tok-en", "bearer tok-en", "Basic " + base64.b64encode(b"am:pw").decode()])
def test_tokens_and_passwords_prove(header: str) -> None:
    assert proved("alertmanager", OURS, {"authorization": header}).once == ""


def test_grafana_signs_time_and_body() -> None:
    good = {"x-grafana-alerting-signature": mac("g", f"{AT}:".encode() + BODY), "x-grafana-alerting-timestamp": str(AT)}

    assert proved("grafana", GRAFANA, good).once.startswith("grafana:")
    for bad in ({**good, "x-grafana-alerting-timestamp": str(AT - 1)}, {**good, "x-grafana-alerting-signature": mac("g", BODY)}):
        with pytest.raises(ForgedAlertError):
            proved("grafana", GRAFANA, bad)
    old = AT - 400
    with pytest.raises(LateAlertError):
        proved("grafana", GRAFANA, {"x-grafana-alerting-signature": mac("g", f"{old}:".encode() + BODY), "x-grafana-alerting-timestamp": str(old)})


def test_grafana_without_a_timestamp_signs_the_body() -> None:
    assert proved("grafana", Sender(hmac=("g",)), {"x-grafana-alerting-signature": mac("g", BODY)}) == Proof("grafana sender")


@pytest.mark.parametrize(("header", "good"), [
    (f"v1={mac('new', BODY)}", True), (f"v1={'0' * 64},v1={mac('old', BODY)}", True), (f"v1={mac('other', BODY)}", False), (mac("new", BODY), False),
    (f"v0={mac('new', BODY)}", False), ("", False), (f"v1={mac('new', BODY + b' ')}", False),
])
def test_pagerduty_signs_with_several(header: str, good: bool) -> None:
    if good:
        proved("pagerduty", PAGERDUTY, {"x-pagerduty-signature": header})
        return
    with pytest.raises(ForgedAlertError):
        proved("pagerduty", PAGERDUTY, {"x-pagerduty-signature": header})


def test_an_integration_key_proves_an_event() -> None:
    assert proved("pagerduty", PAGERDUTY, {}, routing_key="r" * 32) == Proof("pagerduty events")
    with pytest.raises(ForgedAlertError):
        proved("pagerduty", PAGERDUTY, {}, routing_key="r" * 31)


def test_a_signature_of_one_sender_is_none_of_another() -> None:
    with pytest.raises(ForgedAlertError):
        proved("grafana", Sender(hmac=("s3cret",)), signed())


def test_an_empty_secret_proves_nobody() -> None:
    with pytest.raises(ForgedAlertError):
        proved("generic", Sender(bearer=("",), basic=(("", ""),)), {"authorization": "Bearer "})


@given(st.binary(max_size=40), st.integers(0, 7))
def test_a_changed_bit_is_seen(body: bytes, bit: int) -> None:
    headers = signed(body)
    changed = bytes([body[0] ^ (1 << bit), *body[1:]]) if body else b"x"

    with pytest.raises(ForgedAlertError):
        proved("generic", OURS, headers, changed)


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(OURS)
