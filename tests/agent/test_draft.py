"""Taking noun phrases, groups, buckets and limits out of a question."""

from __future__ import annotations

import pytest

from agent.offline.draft import ALL, Draft, buckets, groups, limit, named, phrase, take
from telemetry.models import Catalog
from tests.agent.books import HDFS, JAVA, K8S, NGINX, SSHD


@pytest.mark.parametrize(("catalog", "text", "words"), [
    (SSHD, "the different users that failed", ("users",)),
    (SSHD, "ip addresses, then more", ("ip", "addresses")),
    (JAVA, "order_id of builds", ("order_id",)),
    (NGINX, "request time per path", ("request", "time")),
    (NGINX, "requests per path", ("requests",)),
    (SSHD, "of users", ()),
    (SSHD, "", ()),
])
def test_phrase_ends_at_a_word_that_binds(catalog: Catalog, text: str, words: tuple[str, ...]) -> None:
    assert phrase(text, 0, catalog=catalog).words == words


@pytest.mark.parametrize(("catalog", "text", "ref", "size"), [
    (SSHD, "ip addresses", "param:ip", 2), (SSHD, "user names", "param:user", 2), (NGINX, "status codes", "param:status", 2),
    (NGINX, "request time", "param:request_time", 2), (HDFS, "block size", "param:size", 2), (SSHD, "users failed", "param:user", 1),
])
def test_name_takes_as_many_words_as_it_has(catalog: Catalog, text: str, ref: str, size: int) -> None:
    hit = named(phrase(text, 0, catalog=catalog), catalog)

    assert hit is not None
    assert (hit[0].ref, hit[1]) == (ref, size)


def test_taking_a_noun_cuts_it_out() -> None:
    draft = Draft(SSHD, "which users failed")

    assert take(draft, len("which"))
    assert (draft.field, draft.noun, draft.text) == ("param:user", "users", "which failed")


@pytest.mark.parametrize(("catalog", "text", "keys", "rest"), [
    (SSHD, "failed per host", ["host"], "failed"),
    (SSHD, "failed per user and ip", ["param:user", "param:ip"], "failed"),
    (K8S, "restarts per hour by pod", ["time", "param:pod"], "restarts"),
    (HDFS, "blocks for each level", ["level"], "blocks"),
    (SSHD, "failed by user root", [], "failed by user root"),
    (SSHD, "failed by elephants", [], "failed by elephants"),
])
def test_groups_are_taken_out(catalog: Catalog, text: str, keys: list[str], rest: str) -> None:
    draft = Draft(catalog, text)
    groups(draft)

    assert (draft.group_by, draft.text) == (keys, rest)


@pytest.mark.parametrize(("text", "seconds"), [
    ("errors per minute", 60), ("errors every 5 minutes", 300), ("hourly errors", 3600), ("errors in 10 minute buckets", 600),
    ("errors/min", 60), ("errors by day", 86400), ("errors for each hour", 3600), ("weekly errors", 604800), ("daily errors", 86400),
    ("errors in two-hour windows", 7200), ("errors in the last minute", None),
])
def test_buckets_in_seconds(text: str, seconds: int | None) -> None:
    draft = Draft(SSHD, text)

    assert buckets(draft) == (seconds is not None)
    assert draft.bucket == seconds


@pytest.mark.parametrize(("text", "n", "rest"), [
    ("top 5 users", 5, "top users"), ("the three slowest", 3, "the slowest"), ("last ten errors", 10, "last errors"),
    ("a dozen examples", 12, "a examples"), ("at most 20", 20, "at most"), ("top 99999 users", ALL, "top users"),
    ("users", 0, "users"), ("at most 5 MB", 0, "at most 5 MB"),
])
def test_limit_leaves_its_adjective(text: str, n: int, rest: str) -> None:
    draft = Draft(SSHD, text)

    assert (limit(draft), draft.text) == (n, rest)
