"""Names come from the words around a variable."""

import pytest

from vectorstore.masking import mask
from vectorstore.naming import names_value, snake, word_name
from vectorstore.skeleton import skeleton


def names(message: str) -> list[str]:
    return [slot.name for slot in mask(skeleton(message))]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("link from 10.0.0.7 port 4022", ["ip", "port"]),
        ("link from 10.0.0.7:4022", ["ip", "port"]),
        ("stored part of size 1024", ["size"]),
        ("login refused rhost=10.0.0.7 uid=0", ["rhost", "uid"]),
        ('{"retryCount": 3}', ["retry_count"]),
        ("queue depth: 42", ["depth"]),
        ("closed after 00:00:30 bytes 1234 TCP FINs", ["clock", "bytes"]),
        ("copied 5 bytes 3 packets", ["size", "packets"]),
        ("len: 1893 time: 0.25", ["len", "time"]),
        ("alarm on broker mq1: 512 MB used", ["used"]),
        ("built for outside:10.0.0.7/443 to inside:10.0.0.8/80", ["outside", "port", "inside", "port"]),
        ("deny src outside:10.0.0.7/443 dst dmz:10.0.0.8/80", ["src", "port", "dest", "port"]),
        ("route 10.0.0.0/24", ["ip"]),
        ("sent to node3:41002", ["host", "port"]),
        ("copying src: /10.0.0.7:99", ["src", "port"]),
        ("worker started by pid 991", ["pid"]),
        ("asked node to delete blk_-5", ["block"]),
        ("stored blk_17", ["block"]),
        ("r24=0xff00 r25=0x00ff", ["r", "r"]),
    ],
)
def test_context_names_slots(message: str, expected: list[str]) -> None:
    assert names(message) == expected


def test_nameless_slot_has_type() -> None:
    assert names("until 2026-03-01 10:00:00") == ["timestamp"]


def test_verbs_name_nothing() -> None:
    assert names("verifying 17") == ["number"]


@pytest.mark.parametrize(
    "text",
    ["Failed password for invalid user ann from", "session opened for user ann by",
     "Accepted publickey for ann from"],
)
def test_accounts_are_users(text: str) -> None:
    tokens = text.split()
    at = tokens.index("ann")

    assert names_value(tokens, at)
    assert word_name(tokens, at, "") == "user"


def test_purpose_is_no_user() -> None:
    assert not names_value("waiting for shutdown of pool".split(), 2)


def test_snake_drops_case_and_digits() -> None:
    assert [snake(word) for word in ("maxRetries", "HTTPStatus", "sha256", "user-name")] == [
        "max_retries", "http_status", "sha", "user_name",
    ]  # fmt: skip


def test_word_takes_key_as_name() -> None:
    assert word_name(["request", "method=GET"], 1, "method=") == "method"
