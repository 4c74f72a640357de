"""The detector on invented sessions: what it finds, what it leaves alone, what it keeps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.anomaly.detector import BUDGET, SessionDetector
from telemetry.errors import UsageError
from tests.signals.anomaly.invented import BREAKS, STEPS, broken, normal


@pytest.fixture(scope="module")
def detector() -> SessionDetector:
    return SessionDetector.fit(normal(1, 4000))


@pytest.mark.parametrize("kind", BREAKS)
def test_every_fault_is_found(detector: SessionDetector, kind: str) -> None:
    found = detector.scores(broken(kind, 2, 200)) > 0

    assert found.mean() >= 0.98


def test_false_alarms_keep_near_budget(detector: SessionDetector) -> None:
    false = detector.scores(normal(3, 4000)) > 0

    assert false.mean() <= 3 * BUDGET


def test_f1_passes_mark_on_whole_sessions(detector: SessionDetector) -> None:
    wrong = [session for kind in BREAKS for session in broken(kind, 4, 20)]
    right = int((detector.scores(wrong) > 0).sum())
    false = int((detector.scores(normal(5, 4000)) > 0).sum())

    assert 2 * right / (len(wrong) + right + false) >= 0.97


def test_odd_normal_session_teaches_nothing_wrong() -> None:
    odd = [[STEPS[0], *["status asked by <*>"] * 300]]
    detector = SessionDetector.fit(normal(1, 1000) + odd)

    assert (detector.scores(broken("cut", 2, 50)) > 0).all()


def test_reasons_name_unseen_template(detector: SessionDetector) -> None:
    verdict = detector.judge(broken("unseen", 2, 1))[0]

    assert verdict.abnormal
    assert "never seen in a normal session: scanner <*> raised <*>" in verdict.reasons


def test_reasons_name_broken_order(detector: SessionDetector) -> None:
    verdict = detector.judge(broken("reversed", 2, 1))[0]

    assert any("order" in reason or "step" in reason for reason in verdict.reasons)


def test_normal_session_has_no_reasons(detector: SessionDetector) -> None:
    judged = detector.judge(normal(1, 50))

    assert all(not verdict.reasons for verdict in judged if not verdict.abnormal)
    assert sum(verdict.abnormal for verdict in judged) <= 1


def test_state_survives_json(detector: SessionDetector) -> None:
    again = SessionDetector.from_state(json.loads(json.dumps(detector.state())))
    asked = normal(6, 100) + broken("reversed", 6, 20) + broken("unseen", 6, 20)

    assert again.scores(asked).tolist() == pytest.approx(detector.scores(asked).tolist())
    assert again.judge(asked)[110].reasons == detector.judge(asked)[110].reasons


@pytest.mark.parametrize("state", [{}, {"version": 0}, {"version": 1, "templates": ["a"]}])
def test_other_state_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="train the detector again"):
        SessionDetector.from_state(state)


def test_no_session_is_refused() -> None:
    with pytest.raises(UsageError, match="no normal session"):
        SessionDetector.fit([])


def test_equal_input_gives_equal_state() -> None:
    first, second = SessionDetector.fit(normal(7, 300)), SessionDetector.fit(normal(7, 300))

    assert json.dumps(first.state()) == json.dumps(second.state())


@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), max_size=12), min_size=1, max_size=30),
    st.lists(st.lists(st.sampled_from("abcxyz"), max_size=12), max_size=10),
)
def test_any_sessions_get_finite_verdicts(train: list[list[str]], asked: list[list[str]]) -> None:
    detector = SessionDetector.fit(train)

    verdicts = detector.judge(asked)

    assert len(verdicts) == len(asked)
    assert all(verdict.score == verdict.score and bool(verdict.reasons) == verdict.abnormal for verdict in verdicts)
