"""Secrets go, everything else stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.redact import find_secrets, key_block, may_hold_secret, names_secret, redact, rules_for
from telemetry.secret_kinds import RULES

SECRETS = [
    ("using secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY now", "wJalrXUtnFEMI"),
    ("the password is Tr0ub4dorANDxyzAB12", "Tr0ub4dor"),
    ("password=hunter2 user=x", "hunter2"), ('{"password":"hu nter","u":1}', "hu nter"),
    ("postgres://bob:s3cr@db:5432/x", "s3cr"), ("run --password foo -v", "foo"), ("Cookie: a=b; c=d", "a=b"),
    ("Authorization: Bearer abc.def-123", "abc.def"), ("Authorization: Basic dXNlcjpwYXNz", "dXNl"),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIA"), ("ghp_" + "a1" * 18, "a1a1"), ("card 4111 1111 1111 1111 ok", "4111"),
    ("AccountKey=Zm9v+/==;Endpoint=x", "Zm9v"), ("sk_live_abcdefghij12", "abcdef"),
    ('{\\"dbPassword\\":\\"hunter22\\"}', "hunter22"), ("next=%2Fx%3Ftoken%3Dabc123def%26page%3D2", "abc123def"),
    ("<db.password>hunter22</db.password>", "hunter22"), ("postgres://app:p@ss@db/x", "ss@"), ("requirepass hunter22", "hunter22"),
    ("Cookie: a=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh; sid=k2j3h4g5", "k2j3h4g5"),
    ("https://discord.com/api/webhooks/12/" + "aB3" * 20, "aB3"), ("admin:$apr1$abcdefgh$" + "aB3" * 7, "aB3aB3"),
    ("sepa to DE89370400440532013000 failed", "DE89"), ("PRIVATE-TOKEN=%22glpat-" + "aB3" * 7, "aB3"), ("API_KEY_2=hunter22", "hunter22"),
    ('{"auths":{"r.io":{"auth":"dXNlcjpwYXNz"}}}', "dXNl"), ("Authorization: GenieKey 1234-abcd", "1234"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nnext", "MIIE"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secret_is_replaced(text: str, secret: str) -> None:
    clean, count = redact(text)

    assert count >= 1
    assert secret not in clean
    assert clean.count("\n") == text.count("\n")
    assert may_hold_secret(text)
    assert redact(clean) == (clean, 0)


@pytest.mark.parametrize("text", [
    "Failed password for root from 1.2.3.4 port 22 ssh2", "token: invalid", "id 4111111111111111",
    "cache key 9f86d081884c7d659a2feaa0c55ad015", "secret manager-config-v2-production loaded", "token expired for user bob",
    "bearer of bad news", "pwd=/home/x", "may require authorization: server message: denied",
    "session termination for sessionid: 0x14ed93111f20000", "configSecret: alertmanager-config-secret", "nextPageToken=c2FmZQ",
    "sepa to DE88370400440532013000 failed", "com.example.Foo$1$bar.run", "routing_key=orders.created", "key-value store", "auth: ok", 'password authentication failed for user "x"',
])
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == (text, 0)


_PIECES = st.sampled_from([t for t, _ in SECRETS] + ["Bearer ", "token=", "password: ", '"', " ", "=", "4", "[REDACTED:x]", "x"])


@given(st.lists(_PIECES, max_size=6))
def test_redaction_is_idempotent_and_foreseen(pieces: list[str]) -> None:
    text = "".join(pieces)
    clean, count = redact(text)

    assert redact(clean)[0] == clean
    assert not count or may_hold_secret(text)


def test_key_block_bounds_are_told() -> None:
    assert key_block("x -----BEGIN PRIVATE KEY-----") == "begin"
    assert key_block("-----END PRIVATE KEY-----") == "end"
    assert key_block("nothing") is None


def test_places_of_secrets_are_told_also_of_costly_kinds() -> None:
    text = "sid SKaaaabbbbccccdddd0000111122223333 and password=hunter22"

    assert {text[s.start : s.end]: s.kind for s in find_secrets(text)} == {
        "SKaaaabbbbccccdddd0000111122223333": "twilio-key", "hunter22": "secret"}


def test_secrets_are_found_among_many_lines_and_over_line_ends() -> None:
    plain = "2026-01-01 INFO nothing to see\n" * 50
    text = f"{plain}password=hunter22\n{plain}- name: DB_PASSWORD\n  value: hunter33\n{plain}token: |\n  hunter44\n{plain}"

    assert [text[s.start : s.end] for s in find_secrets(text)] == ["hunter22", "hunter33", "hunter44"]


@pytest.mark.parametrize(("name", "secret"), [
    ("password", True), ("DB_PASSWORD", True), ("dbPassword", True), ("X-Api-Key", True), ("Authorization", True), ("api.token", True),
    ("aws_secret_access_key", True), ("token_type", False), ("tokens", False), ("secretName", False), ("key", False), ("user", False),
    ("imagePullSecret", False), ("max_tokens", False),
])
def test_fields_that_hold_secrets_are_told_by_name(name: str, *, secret: bool) -> None:
    assert names_secret(name) is secret


def test_no_planted_secret_hides_from_the_test_of_many_lines() -> None:
    from telemetry.redact import all_clean
    from tests.agent.secrets_corpus import planted

    for one in planted(each=3):
        if redact(one.text)[1]:
            assert not all_clean(one.text, rules_for(one.text)), one


_NAME_PIECES = st.sampled_from([
    "password", "DB_PASSWORD", "apiKey", "access-token", "sessionid", "Token", "secret", "clientSecret_v1", "pwd2", "token-12", "imagePullSecret",
    "<db.password>", "<Token a=1>", "=", ":", " : ", " = ", " => ", ":=", "%3D", "%253D", "%22%3A", '"', "'", '\\"', "value", ", ", " ", "|", "\n ",
    "\u2003", "é", "hunter22", "Ab1Cd2", "4111", "null", "{", "[", "(", ",", "</", "&", "[REDACTED:x]",
])


@given(st.lists(_NAME_PIECES, min_size=2, max_size=9), st.integers(1, 30), st.sampled_from("0379"))
def test_rules_are_foretold_by_texts_with_other_digits(pieces: list[str], count: int, digit: str) -> None:
    text = "".join(pieces)
    like = re.sub(r"\d+", digit * count, text)

    assert redact(text, rules_for(like)) == redact(text, RULES)
    assert redact(text, rules_for(like.encode().decode("latin-1"))) == redact(text, RULES)


@pytest.mark.parametrize("statement", [
    "ALTER USER app PASSWORD 'hunter2Xtra99'", "CREATE ROLE app WITH LOGIN PASSWORD 'hunter2Xtra99' VALID UNTIL 'infinity'",
    "alter login [sa] with password = N'hunter2Xtra99'", "CREATE USER 'app'@'%' IDENTIFIED WITH mysql_native_password BY 'hunter2Xtra99'",
])  # fmt: skip
def test_passwords_in_statements_of_sql_are_masked(statement: str) -> None:
    told, count = redact(f"executed: {statement} in 3 ms")

    assert "hunter2Xtra99" not in told
    assert count == 1
    assert may_hold_secret(statement)
