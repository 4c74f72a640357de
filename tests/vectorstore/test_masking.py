"""Masks see shapes only; each line here imitates a common format."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectorstore import imitated_services as services
from tests.vectorstore import imitated_systems as systems
from tests.vectorstore.keying import key, key_text
from vectorstore.masking import _PLAIN, _RULES, LONG, MANY, mask, unit
from vectorstore.skeleton import runs, skeleton

PIECES = st.sampled_from(
    ["0", "17", "deadbeef1", " ", "-", "_", "x", "ü", ".", ":", "/", "=", "10.0.0.1:80", "[", "]", "a1b2",
     "%", "ms", "123e4567-e89b-12d3-a456-426614174000", "2026-03-01 10:00:00", "node", "::",
     "C:\\", "true", '"', ","]
)
TEXT = st.lists(PIECES, max_size=30).map("".join)


def kinds(message: str) -> list[tuple[str, str]]:
    bones = skeleton(message)
    return [(slot.type, bones[slot.start : slot.end]) for slot in mask(bones)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("dropped link to 10.1.2.3:8080 now", "dropped link to <:ip:>:<:number:> now"),
        ("peer fe80::a1:b2 gone", "peer <:ipv6:> gone"),
        ("lease for 00:1b:44:11:3a:b7 ended", "lease for <:mac:> ended"),
        ("order 123e4567-e89b-12d3-a456-426614174000 paid", "order <:uuid:> paid"),
        ("fault at 0x7ffe12ab", "fault at <:hex:>"),
        ("digest 9f86d081884c7d65 wrong", "digest <:hex:> wrong"),
        ("cannot open /srv/app/conf.d", "cannot open <:path:>"),
        (r"cannot open C:\Temp\report.txt", "cannot open <:path:>"),
        ("fetching https://shop.example.com/cart?id=7", "fetching <:url:>"),
        ("mail for ann@example.org bounced", "mail for <:email:> bounced"),
        ("lookup of db1.prod.example.com failed", "lookup of <:host:> failed"),
        ("cache grew by 512MB", "cache grew by <:size:>"),
        ("cache grew by 512 MB", "cache grew by <:size:> MB"),
        ("took 12.5ms", "took <:duration:>"),
        ("took 12 seconds", "took <:duration:> seconds"),
        ("disk 91% full", "disk <:percent:>% full"),
        ("since 2026-03-01T10:00:00Z", "since <:timestamp:>"),
        ("stored blk_-42 twice", "stored <:id:> twice"),
        ("started task_77_0003_r_000001", "started <:id:>"),
        ("retry=true", "retry=<:bool:>"),
    ],
)
def test_formats_have_types(message: str, expected: str) -> None:
    assert key(message) == expected


def test_word_digits_stay_literal() -> None:
    assert key("handshake with ssh2 on eth0") == "handshake with ssh2 on eth0"


def test_class_name_is_no_host() -> None:
    assert key("java.io.IOException thrown") == "java.io.IOException thrown"


def test_identity_hash_is_hex() -> None:
    assert key("drop Surface{9f4ef63 u} now") == "drop Surface{<:hex:> u} now"


def test_units_follow_their_numbers() -> None:
    bones = skeleton("read 12 KB in 30ms")

    assert [unit(bones, slot) for slot in mask(bones)] == ["KB", "ms"]


def test_empty_message_has_no_slots() -> None:
    assert mask("") == ()


@given(TEXT)
def test_slots_are_sorted_and_apart(text: str) -> None:
    bones = skeleton(text.encode().decode("latin-1"))

    slots = mask(bones)

    assert all(0 <= slot.start < slot.end <= len(bones) for slot in slots)
    assert all(a.end <= b.start for a, b in pairwise(slots))


@given(TEXT)
def test_digits_never_change_masks(text: str) -> None:
    message = text.encode().decode("latin-1")
    bones = skeleton(message)

    assert mask(bones) == mask(skeleton(bones.replace("0", "7")))


@given(TEXT)
def test_skeleton_and_runs_hold_the_whole_message(text: str) -> None:
    message = text.encode().decode("latin-1")
    bones = skeleton(message)

    literal = key_text(bones, (), [message[start:end] for start, end in runs(message)])

    assert literal == message


def test_typed_parts_keep_order() -> None:
    assert kinds("10.0.0.1 used 5 MB") == [("ip", "0.0.0.0"), ("size", "0")]


HOSTILE = ["0-", "0.", "-", ".", "a.", "0 ", "a._%+-", "=a0", "://", 'a="', "\\0", "[a, ", "Mon, 0 ", "v0.", "<a@"]


@pytest.mark.parametrize("unit_text", HOSTILE)
def test_longest_message_is_bounded(unit_text: str) -> None:
    bones = (unit_text * 500_000)[:1_000_000]

    slots = mask(bones)

    assert len(slots) <= MANY + 1
    assert all(slot.end <= LONG for slot in slots[:-1])


def test_rest_of_long_message_is_text() -> None:
    head = "copied /srv/a to node "
    bones = head + "word " * LONG

    slots = mask(bones)

    assert [slot.type for slot in slots] == ["path", "text"]
    assert (slots[-1].end, LONG - MANY <= slots[-1].start <= LONG) == (len(bones), True)


def test_what_long_messages_end_with_is_no_key() -> None:
    head = "stored rows " + "word " * LONG

    assert key(head + "1 of alpha") == key(head + "many of beta and more")


def test_scheme_stays_in_key() -> None:
    assert key("reading hdfs://10.0.0.1:9000/logs/a.log now") == "reading hdfs://<:url:> now"


def test_message_id_is_one_email() -> None:
    assert key("msgid=<2005.jA9K12@cn1021> sent") == "msgid=<<:email:>> sent"


def test_percentages_of_parts_stay_apart() -> None:
    assert key("used 3%/7% of heap") == "used <:percent:>%/<:percent:>% of heap"


SYSTEMS = (systems.LINUX, systems.MAC, systems.THUNDERBIRD, systems.ANDROID, services.SPARK, services.WINDOWS,
           services.PROXIFIER, services.KUBERNETES, services.POSTGRES, services.NGINX)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_rule_begins_at_the_words_that_are_passed_over_at_once(system: dict[str, list[str]]) -> None:
    bones = [skeleton(message) for messages in system.values() for message in messages]
    passed = [(text, place) for text in bones for found in re.finditer(_PLAIN, text) for place in range(*found.span())]
    rules = [re.compile(rule) for kind, rule in _RULES if kind != "token"]

    begun = [(text, place) for text, place in passed for rule in rules if rule.match(text, place)]

    assert passed
    assert not begun
