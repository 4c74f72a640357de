"""Order of lines: identifiers, then meaning, then the kind of value asked for."""

from __future__ import annotations

from agent.offline.rank import fetches, rank
from agent.offline.target import resolve
from tests.agent.logbook import Logbook

BOOK = Logbook(
    [
        "input_userauth_request: invalid user {user:bob} [preauth]",
        "Failed password for invalid user {user:bob} from {ip:10.0.0.1} port {port:4001} ssh2",
        "Invalid user {user:bob} from {ip:10.0.0.1}",
        "Invalid user {user:bobby} from {ip:10.0.0.2}",
        "Received block {block:blk_1} of size {size:67} from {ip:10.0.0.7}",
        "PacketResponder {number:2} for block {block:blk_1} terminating",
        "Deleting block {block:blk_1} file {file:/data/blk_1}",
        "Connection reset by peer [preauth]",
    ]
)


def first(question: str) -> str:
    target = resolve(question, BOOK.catalog, None)
    lines = [
        line
        for fetch in fetches(question, target, BOOK.catalog, None)
        for line in BOOK.lines(fetch.filters)[: fetch.limit]
    ]
    return rank(question, lines, target, BOOK.catalog, None)[0].text


def test_plain_message_answers_status() -> None:
    assert first("What is the status of user bob?") == "Invalid user bob from 10.0.0.1"


def test_port_question_wants_port() -> None:
    assert "port 4001" in first("What port did user bob fail on?")


def test_function_question_wants_code() -> None:
    assert first("Which function says that user bob is invalid?").startswith("input_userauth_request")


def test_names_are_whole_tokens() -> None:
    assert "bobby" in first("What is the status of user bobby?")


def test_where_question_wants_path() -> None:
    assert first("Where is the deleted block blk_1?").startswith("Deleting block")


def test_size_question_wants_size() -> None:
    assert first("What is the size of blk_1?").startswith("Received block")


def test_nameless_question_goes_by_template() -> None:
    assert first("Who reset the connection?") == "Connection reset by peer [preauth]"


def test_lines_are_not_repeated() -> None:
    target = resolve("block blk_1", BOOK.catalog, None)

    ranked = rank("block blk_1", [*BOOK.lines(), *BOOK.lines()], target, BOOK.catalog, None)

    assert len(ranked) == len(BOOK.records)


def test_equal_lines_keep_their_order() -> None:
    book = Logbook(["Disk full on {device:a}", "Disk full on {device:b}"])
    target = resolve("disk full", book.catalog, None)

    assert [line.id for line in rank("disk full", book.lines(), target, book.catalog, None)] == [0, 1]


def test_values_widen_the_search() -> None:
    target = resolve("strange things about blk_1", BOOK.catalog, None)

    assert len(BOOK.lines(fetches("strange things about blk_1", target, BOOK.catalog, None)[-1].filters)) == 3
