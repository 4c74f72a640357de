"""What goes further than the evidence: turned round, given to the wrong row or moment, done, approved, all for some."""

from __future__ import annotations

import pytest

from agent.evidence import Claim, Conclusion, Grounded, ground
from telemetry.models import Result, Window
from tests.agent.evidence.results import MORNING, NINE, RESULTS, line, result
from tools.registry import ToolResult

QUESTION = "Why did payments fail?"
COMPARED = [["t1", "Order <id> failed", 392, 356, "down x0.9"], ["t2", "Cache miss for <key>", 10, 40, "up x4.0"]]
DEPLOYED = [
    line(1, "09:02:00", "deploy of release 2.4.0 started by alice"),
    line(2, "09:05:00", "pool exhausted in payments"),
    line(3, "09:08:00", "order 17 failed: no connection"),
]
LINES = [line(n, f"09:{n:02}:00", f"order {n} failed: pool exhausted") for n in range(10, 20)]
SHOWN: dict[str, ToolResult] = {
    **{key: RESULTS[key] for key in ("E1", "E2", "E6", "E12")},
    "E20": result("compare", Result(kind="table", columns=["template", "pattern", "before", "after", "change"], rows=COMPARED), 798,
                  baseline=Window(start=MORNING.start, end=NINE)),
    "E21": result("lines", Result(kind="lines", lines=DEPLOYED), 3),
    "E22": result("lines", Result(kind="lines", lines=LINES), 240, limit=10),
    "E23": result("lines", Result(kind="lines", lines=[line(1, "09:01:00", "change CHG-7 approved by bob; payments rolled back")]), 1),
    "E24": result("top", Result(kind="table", columns=["user", "count"], rows=[["alice", 9], ["bob", 4], ["carol", 2]]), 15, field="param:user"),
}

FALSE = [
    # turned round
    ("Failed orders rose from 356 to 392.", "E20"),
    ("Failed orders fell from 356 to 392.", "E20"),
    ("`Order <id> failed` went from 356 to 392.", "E20"),
    ("`Order <id> failed`: 356 → 392.", "E20"),
    ("Failed orders increased from 392 to 356.", "E20"),
    ("Cache misses dropped from 40 to 10.", "E20"),
    ("Order <id> failed increased.", "E20"),
    ("Cache miss for <key> fell.", "E20"),
    ("Errors rose from 322 to 912.", "E6"),
    ("Errors went from 322 to 912 per quarter of an hour.", "E6"),
    # another row
    ("bob logged in 9 times.", "E24"),
    ("carol: 4 logins.", "E24"),
    ("alice had 4, bob 9.", "E24"),
    ("10.0.0.2 caused about 812 errors.", "E2"),
    # another moment
    ("Errors peaked at 09:30 with 912.", "E6"),
    ("Errors peaked between 09:30 and 09:45 with 912.", "E6"),
    ("At 09:15 there were 322 errors.", "E6"),
    ("The peak was at 09:30.", "E6"),
    ("The 09:30-09:45 bucket holds 912 errors.", "E6"),
    # another order
    ("`pool exhausted` was logged before `deploy of release`.", "E21"),
    ("The `deploy of release` came after `pool exhausted`.", "E21"),
    ("`pool exhausted` was followed by `deploy of release`.", "E21"),
    ("The pool was exhausted at 09:05, before the deploy at 09:02.", "E21"),
    ("The deploy at 09:02 came after the pool was exhausted at 09:05.", "E21"),
    # done or approved
    ("The change was approved.", "E21"),
    ("I restarted payments.", "E21"),
    ("I have rolled back release 2.4.0.", "E21"),
    ("We've restarted the pool.", "E21"),
    ("OnCalm scaled payments up.", "E21"),
    ("The deploy was rolled back.", "E21"),
    ("The incident has been resolved.", "E21"),
    ("Approval was given for the rollback.", "E21"),
    ("I approved change CHG-7.", "E23"),
    # all for some
    ("All requests failed.", "E22"),
    ("Every order failed with an exhausted pool.", "E22"),
    ("Orders always fail because the pool is exhausted.", "E22"),
]
TRUE = [
    ("Failed orders fell from 392 to 356.", "E20"),
    ("`Order <id> failed` went from 392 to 356 (392 → 356).", "E20"),
    ("Cache misses rose from 10 to 40.", "E20"),
    ("Cache miss for <key> rose fourfold, Order <id> failed fell.", "E20"),
    ("Failed orders did not rise: 392 before, 356 after.", "E20"),
    ("Errors fell from 912 to 322.", "E6"),
    ("Errors rose from 0 to 912 and then fell to 322.", "E6"),
    ("alice logged in 9 times, bob 4 times.", "E24"),
    ("alice and bob made 13 of the 15 logins.", "E24"),
    ("Three users share the 15 logins: alice (9), bob (4) and carol (2).", "E24"),
    ("Errors peaked between 09:15 and 09:30 with 912.", "E6"),
    ("The peak was at 09:15.", "E6"),
    ("By 09:30, 912 errors had been logged.", "E6"),
    ("The `deploy of release` came before `pool exhausted`.", "E21"),
    ("`pool exhausted` was logged after the `deploy of release`.", "E21"),
    ("`deploy of release` was followed by `pool exhausted`.", "E21"),
    ("The deploy at 09:02 came before the pool was exhausted at 09:05.", "E21"),
    ("Orders failed three minutes after the pool was exhausted.", "E21"),
    ("The pool was exhausted 3 minutes after the deploy.", "E21"),
    ("Change CHG-7 was approved by bob.", "E23"),
    ("payments was rolled back.", "E23"),
    ("I ran a search over the lines and found an exhausted pool.", "E21"),
    ("The release should be rolled back once it is approved.", "E21"),
    ("All ten lines shown name the pool.", "E22"),
    ("All 1,234 errors come from payments.", "E1 E12"),
    ("All of the 3 addresses are internal.", "E2"),
    ("240 orders failed.", "E22"),
    ("Orders fail every minute; we can raise the size of the pool.", "E22"),
    ("The pool can be exhausted by any order.", "E22"),
    ("The agent started the deploy of release 2.4.0.", "E21"),
    # two steps from what is shown
    ("10.0.0.1 made 812 errors, the other addresses 422.", "E2"),
    ("The remaining 34 % came from other addresses.", "E2"),
    ("10.0.0.2 and 10.0.0.3 made 34 % together, half of what 10.0.0.1 made.", "E2"),
    ("10.0.0.1 and 10.0.0.2 made 90 % of the errors.", "E2"),
    ("10.0.0.1 made nearly twice as many as the other two together.", "E2"),
]
CITED_WRONG = [("10.0.0.1 caused 812 errors.", "E6", "E2"), ("checkout-v2 logged 57 errors.", "E1", "E12"),
               ("`Order <id> failed` fell from 392 to 356.", "E1", "E20"), ("At 09:15 there were 912 errors.", "E21", "E6")]
NOT_RECITED = [("10.0.0.1 caused 302 errors.", "E6"), ("57 errors.", "E6"), ("No deploy was started.", "E1"), ("`Order <id> failed` rose from 356 to 392.", "E1"),
               ("10.0.0.1 caused 812 errors.", "E99")]


def judged(text: str, evidence: str) -> Grounded:
    claim = Claim(text=text, evidence=evidence.split())
    answer = Claim(text="1,234 errors.", evidence=["E1"])
    return ground(Conclusion(answer=answer, claims=[claim], confidence=0.9), SHOWN, QUESTION)


@pytest.mark.parametrize(("text", "evidence"), FALSE)
def test_overreaching_claim_goes(text: str, evidence: str) -> None:
    assert not judged(text, evidence).claims


@pytest.mark.parametrize(("text", "evidence"), TRUE)
def test_claim_within_evidence_stays(text: str, evidence: str) -> None:
    left = judged(text, evidence)

    assert [claim.text for claim in left.claims] == [text], left.dropped


@pytest.mark.parametrize(("text", "cited", "shown"), CITED_WRONG)
def test_slip_in_a_citation_is_put_right(text: str, cited: str, shown: str) -> None:
    assert [claim.evidence for claim in judged(text, cited).claims] == [[shown]]


@pytest.mark.parametrize(("text", "cited"), NOT_RECITED)
def test_what_nothing_shows_is_not_cited_anew(text: str, cited: str) -> None:
    assert not judged(text, cited).claims
