"""Target words to filters: the right templates, exact values, and saying what was not found."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.offline.target import Target, resolve
from telemetry.models import FieldInfo
from tests.agent.logbook import Logbook, NoSearch, PlannedSearch

SSH = Logbook(
    [
        "Failed password for {user:root} from {ip:10.0.0.1} port {port:4001} ssh2",
        "Failed password for {user:root} from {ip:10.0.0.2} port {port:22} ssh2",
        "Failed password for invalid user {user:web} from {ip:10.0.0.1} port {port:4002} ssh2",
        "message repeated {n:5} times: [ Failed password for {user:root} from {ip:10.0.0.9} port {port:5}]",
        "Accepted password for {user:ann} from {ip:10.0.0.3} port {port:4003} ssh2",
        "Invalid user {user:web} from {ip:10.0.0.1}",
        "pam_unix(sshd:auth): authentication failure; logname= uid={uid:0} rhost={rhost:10.0.0.1}",
        "pam_unix(sshd:session): session opened for user {user:ann} by (uid={uid:0})",
        "pam_unix(sshd:session): session closed for user {user:ann}",
        "Connection closed by {ip:10.0.0.4} [preauth]",
        "Received disconnect from {ip:10.0.0.5}: {number:11}: Bye Bye [preauth]",
        "Did not receive identification string from {ip:10.0.0.6}",
    ]
)

WEB = Logbook(
    [
        "[info@nginx] GET {path:/v2/a1/servers/detail} status: {status:200} len: {len:10}",
        "[error@nginx] GET {path:/v2/b2/servers/detail} status: {status:404} len: {len:404}",
        "[info@nginx] DELETE {path:/v2/a1/servers/9} status: {status:204} len: {len:0}",
        "[warn@db] Slow query took {number:1200} ms",
        "[error@db] write error: No space left on device {device:sda1}",
        "[fatal@db] Out of memory: Killed process {pid:77}",
        "[info@db] Starting backup {number:3}",
        "[info@db] connection accepted from {ip:10.1.1.1}",
        "[error@db] connection refused by {ip:10.1.1.2}",
        "[info@app] Took {number:3} seconds to build instance",
        "[info@app] Deleting block {block:blk_-12} file {file:/data/blk_-12}",
        "[info@app] Received block {block:blk_-12} of size {size:67}",
        "[info@app] Receiving block {block:blk_-12}",
    ]
)


def found(words: str, book: Logbook = SSH) -> list[str]:
    return book.texts(resolve(words, book.catalog, None).filters)


def starts(words: str, book: Logbook = SSH) -> set[str]:
    return {" ".join(text.split()[:2]) for text in found(words, book)}


def starts_of(target: Target) -> set[str]:
    return {" ".join(text.split()[:2]) for text in WEB.texts(target.filters)}


@pytest.mark.parametrize(
    "words",
    ["failed logins", "login failures", "unsuccessful login attempts", "failed password", "failed sign-ins"],
)
def test_failed_logins_in_any_words(words: str) -> None:
    assert starts(words) == {"Failed password", "message repeated"}


@pytest.mark.parametrize("words", ["successful logins", "accepted passwords", "logins that succeeded"])
def test_successful_logins_only_accepted(words: str) -> None:
    assert starts(words) == {"Accepted password"}


def test_authentication_failures_are_literal() -> None:
    assert starts("authentication failures") == {"pam_unix(sshd:auth): authentication"}


def test_user_narrows_exactly() -> None:
    assert len(found("failed logins for root")) == 3
    assert len(found("failed logins for user web")) == 1


def test_unknown_user_finds_nothing() -> None:
    assert found("failed logins for nobodyhere") == []
    assert found("failed logins for user nobodyhere") == []


def test_address_is_whole() -> None:
    assert found("lines from 10.0.0.1 with failed password") == [
        "Failed password for root from 10.0.0.1 port 4001 ssh2",
        "Failed password for invalid user web from 10.0.0.1 port 4002 ssh2",
    ]


def test_named_number_matches_its_field() -> None:
    assert found("port 22") == ["Failed password for root from 10.0.0.2 port 22 ssh2"]


@pytest.mark.parametrize(
    "words", ["status 404", "404 status code", "status code 404", "status=404", "HTTP status 404"]
)
def test_status_is_not_length(words: str) -> None:
    target = resolve(words, WEB.catalog, None)

    assert [(f.field, f.value) for f in target.filters] == [("param:status", "404")]


def test_unlisted_values_still_filter() -> None:
    marked = [f"GET status: {{status:{n}}} len: {{len:{n + 1}}}" for n in range(200, 206)]
    book = Logbook(marked, values=False)

    assert found("status 203", book) == ["GET status: 203 len: 204"]


def test_path_with_blanks_matches() -> None:
    assert len(found("GET requests to /v2/{tenant_id}/servers/detail", WEB)) == 2
    assert len(found("DELETE requests to /v2/*/servers/*", WEB)) == 1


def test_quoted_text_is_exact() -> None:
    target = resolve("'Connection closed by' messages", SSH.catalog, NoSearch())

    (condition,) = target.filters
    assert (condition.field, condition.op, condition.value) == ("text", "contains", "Connection closed by")


def test_quoted_words_may_have_gaps() -> None:
    book = Logbook(["PAM service(sshd) ignoring max retries; {n:6} > {m:3}", "PAM {n:2} more failures"])

    (line,) = found("'PAM service ignoring max retries'", book)
    assert line.startswith("PAM service(sshd) ignoring")


def test_quoted_text_unknown_finds_nothing() -> None:
    assert found("'Bad packet length' errors") == []


def test_apostrophes_quote_nothing() -> None:
    assert starts("who didn't send the server's identification string") == {"Did not"}


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ("errors", {"error", "fatal"}),
        ("warnings", {"warn"}),
        ("level FATAL", {"fatal"}),
        ("fatal errors", {"fatal"}),
    ],
)
def test_errors_mean_levels(words: str, levels: set[str]) -> None:
    assert {line.level for line in WEB.lines(resolve(words, WEB.catalog, None).filters)} == levels


def test_errors_of_a_service() -> None:
    assert found("errors in nginx", WEB) == ["GET /v2/b2/servers/detail status: 404 len: 404"]


def test_errors_without_levels() -> None:
    texts = found("errors")

    assert all("Accepted" not in text for text in texts)
    assert any("Failed" in text for text in texts)


def test_connection_errors_are_troubled() -> None:
    assert found("connection errors", WEB) == ["connection refused by 10.1.1.2"]


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("out of memory", "Out of"),
        ("disk full", "write error:"),
        ("slow queries", "Slow query"),
        ("crashes", "Out of"),
        ("refused connections", "connection refused"),
        ("deleted blocks", "Deleting block"),
        ("average time taken to build instances", "Took 3"),
    ],
)
def test_concepts_find_their_words(words: str, start: str) -> None:
    assert starts(words, WEB) == {start}


def test_tense_tells_events_apart() -> None:
    assert found("received blocks", WEB) == ["Received block blk_-12 of size 67"]


def test_failed_is_never_dropped() -> None:
    assert found("failed backups", WEB) == []


def test_foreign_topic_finds_nothing() -> None:
    target = resolve("kubernetes ingress", WEB.catalog, None)

    assert WEB.texts(target.filters) == []
    assert set(target.unmatched) == {"kubernetes", "ingress"}


def test_lost_is_not_accepted() -> None:
    assert found("lost connections", WEB) == ["connection refused by 10.1.1.2"]


def test_absent_phrase_is_searched_whole() -> None:
    target = resolve("out of memory", SSH.catalog, None)

    assert [f.value for f in target.filters] == ["out of memory"]


def test_compound_name_is_exact() -> None:
    assert found("GET requests to os-volumes", WEB) == []


def test_field_prefers_its_carriers() -> None:
    book = Logbook(["Deleting block {block:b1} file {file:/x}", "ask {ip:10.0.0.1} to delete {id:b1}"])

    target = resolve("were deleted", book.catalog, None, field="param:block")

    assert book.texts(target.filters) == ["Deleting block b1 file /x"]


def test_bounds_are_not_identifiers() -> None:
    assert resolve("users with more than 200 failed logins", SSH.catalog, None).identifiers == ()


def test_component_names_do_not_choose() -> None:
    fields = (*WEB.catalog.fields, FieldInfo("logger", "word", 1, (("dfs.Backup$Runner", 9),)))
    catalog = replace(WEB.catalog, fields=fields)

    assert starts_of(resolve("blocks received by Backups", catalog, None)) == {"Received block"}


def test_typing_error_is_told() -> None:
    target = resolve("conection refused", WEB.catalog, None)

    assert WEB.texts(target.filters) == ["connection refused by 10.1.1.2"]
    assert "read conection as connection" in target.reading


def test_clear_words_need_no_meaning() -> None:
    target = resolve("failed password", SSH.catalog, NoSearch())

    assert not target.lexical


def test_meaning_finds_unlike_words() -> None:
    search = PlannedSearch(WEB.catalog, {"Starting backup": 0.7, "Slow query": 0.2})

    target = resolve("nightly dump", WEB.catalog, search)

    assert WEB.texts(target.filters) == ["Starting backup 3"]
    assert "by meaning" in target.reading


def test_spelling_only_is_told() -> None:
    search = PlannedSearch(WEB.catalog, {"Starting backup": 0.8}, lexical=True)

    assert resolve("nightly dump", WEB.catalog, search).lexical


def test_repeated_wrapper_is_ambiguous() -> None:
    target = resolve("failed logins", SSH.catalog, None)

    assert any("stands for several" in said for said in target.ambiguities)


def test_close_readings_are_said() -> None:
    target = resolve("failed logins", SSH.catalog, None)

    assert any("authentication failure" in said for said in target.ambiguities)


def test_block_matches_negative_id() -> None:
    assert len(found("block blk_-12", WEB)) == 3


def test_empty_words_mean_all() -> None:
    assert resolve("", SSH.catalog, NoSearch()) == Target((), (), (), "all lines")


def test_empty_catalog_is_no_error() -> None:
    empty = Logbook([])

    assert resolve("failed logins for root from 10.0.0.1", empty.catalog, None).filters != ()


PIECES = ("failed", "user", "root", "port", "22", "'a b'", "x=1", "/v/{i}/*", "?", "10.0.0.1", "errors", "for", "a.b-c")


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_words_resolve(words: str) -> None:
    target = resolve(words, SSH.catalog, None)

    assert target.reading
    assert all(re.compile(str(f.value)) for f in target.filters if f.op == "regex")
