"""Where actions are asked for, decided, approved and carried out: one object that joins catalogue, policy, approvals and audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.actions.connections import OURSELVES, Hands, Names, actor
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.outcomes import CauseVerdict, EffectVerdict, Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.approvals.service import Approvals
    from agent.audit.journal import Journal
    from agent.decision.engine import Verdict
    from agent.decision.policy import Policy
    from agent.executor.executor import Executor, Refusal
    from agent.executor.pausing import Pausing
    from agent.incidents.service import Incidents
    from agent.state_db.locks import TargetLocks
    from agent.verification.state import State
    from agent.verification.verifier import Limits
    from api.actions.config import Also
    from api.actions.connections import AccessOf
    from api.actions.incident_timeline import Following
    from api.actions.notifications import Teller
    from api.actions.verification import Watch
    from telemetry.sources.kubernetes.configuration import Access
    from telemetry.sources.opening import AlertServer
    from tools.actions.action import Json, Preview, Target
    from tools.actions.catalogue import Catalogue
    from tools.actions.probes import Nodes

HOUR = timedelta(hours=1)
UNSAID = 1.0
"""How sure a person is of the cause who asks for an action and says nothing of it."""
_CONFIDENCE = "confidence of the cause"
INCIDENT = "incident"
"""Evidence of this kind has ``window`` and ``baseline`` (``start`` and ``end`` each, ISO 8601), the ``services`` that suffered, and
the ``alert`` that it began with (:mod:`api.incidents.triggering_alert`)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a proposal: the approval that waits, unless it was refused."""

    preview: Preview
    verdict: Verdict
    approval: Approval | None


class Desk:
    """The actions of one home. Nothing is opened or connected before it is needed."""

    def __init__(self, home: Path, access: Access | None, *, policy: Path | None = None, state_url: str | None = None,
                 clock: Callable[[], datetime] = lambda: datetime.now(UTC), teller: Callable[[], Teller | None] = lambda: None,
                 alert_servers: Callable[[], Sequence[AlertServer]] = tuple, also: Callable[[], Also] | None = None,
                 access_of: AccessOf | None = None, me: Person = OURSELVES) -> None:
        """``policy``: the policy file; ``policy.yaml`` in the home when it is there. ``state_url``: a PostgreSQL database.

        ``clock``: a rehearsal's own time; verifications wait by it, too. ``teller`` gives who tells people.
        ``alert_servers`` opens the servers that know which alerts fire; whoever asked for them closes them.
        ``also`` reads what may be acted on beside the cluster: channels and nginx. ``access_of`` gives the cluster as a person may see
        and change it, where people act in their own name; ``me`` is who acts when nobody asked.
        """
        self.me = me
        self._names = Names(access, access_of, lambda one: Hands(one, lambda: self.also, self._nodes, lambda: self.records, self._clock))
        self._read_also = also
        self.alert_servers = alert_servers
        self.home, self._clock, self._telling = home, clock, teller
        self.records = home
        """The home whose telemetry verifications look at."""
        self._policy = policy
        self._state_url = state_url

    @cached_property
    def _teller(self) -> Teller | None:
        return self._telling()

    @cached_property
    def journal(self) -> Journal:
        """The audit, and the database behind it."""
        from agent.audit.journal import Journal

        return Journal.of(self.home, clock=self._clock, url=self._state_url)

    @cached_property
    def approvals(self) -> Approvals:
        """The approvals of this home."""
        from agent.approvals.service import Approvals

        return Approvals(self.journal)

    @cached_property
    def incidents(self) -> Incidents:
        """What alerts made, as the same database keeps it."""
        from agent.incidents.service import Incidents

        return Incidents(self.journal.database, self._clock)

    @cached_property
    def _following(self) -> Following:
        from api.actions.incident_timeline import Following

        return Following(lambda: self.incidents)

    @property
    def catalogue(self) -> Catalogue:
        """Every action, on the systems that are configured, as OnCalm itself sees them."""
        return self.hands(None).catalogue

    def hands(self, by: Person | None) -> Hands:
        """What acts on the cluster in a person's name; None is :attr:`me`. Raises UsageError where nobody on it stands for them."""
        return self._names.of(by or self.me)

    def finish(self) -> None:
        """Wait for what was begun and goes on by itself: probes, until their time is over. :meth:`close` ends them."""
        self._names.finish()

    def now(self) -> datetime:
        """The time of this desk (UTC)."""
        return self._clock()

    def _nodes(self) -> Nodes:
        from api.probes.nodes import nodes_of

        return nodes_of(self.home, self.records)

    @cached_property
    def also(self) -> Also:
        """What may be acted on beside the cluster. Raises UsageError for a file that cannot be used."""
        from api.actions.config import Also

        return self._read_also() if self._read_also is not None else Also()

    @cached_property
    def executor(self) -> Executor:
        """Who carries out what was approved, in the name of whoever approved it."""
        return self._executor(lambda approval: self.hands(actor(approval)).catalogue)

    def _executor(self, performer: Callable[[Approval], Catalogue]) -> Executor:
        from agent.executor.executor import Executor

        return Executor(self.approvals, performer, recheck=self.recheck)

    @cached_property
    def runs(self) -> Pausing:
        """The paused runs of investigations' proposals; they wait on the approvals, which are the truth."""
        from agent.executor.pausing import Pausing

        return Pausing(self.home / "paused.db", self.approvals, self._effect, self._finished, lambda ident: self._locks.held(f"run of {ident}", seconds=60))

    @cached_property
    def _locks(self) -> TargetLocks:
        from agent.state_db.locks import TargetLocks

        return TargetLocks(self.journal.database)

    def policy(self) -> Policy:
        """The policy as it is now. Raises UsageError when there is a file and it is wrong."""
        from agent.decision.policy import Policy
        from agent.decision.reading import read

        if self._policy is None and (self.home / "policy.yaml").exists():
            self._policy = self.home / "policy.yaml"  # one that was there and is gone is no reason to go without
        return read(self._policy) if self._policy else Policy()

    def decide(self, preview: Preview, *, cause: str = "", confidence: float = UNSAID, but: str = "",
               alternatives: Iterable[Mapping[str, Any]] = (), by: Person | None = None) -> Verdict:
        """What policy, risk and history say of an action now; ``but``: an approval that is not counted as an earlier action.

        ``by``: who looks at the cluster for it. Raises UsageError for a wrong policy.
        """
        from agent.decision.engine import decide
        from agent.decision.learning import trusted
        from agent.decision.risk import Circumstances

        name, now = preview.action.name, self._clock()
        known = self._history_of(cause, name, preview.action.target)
        kept = trusted(known, cause)
        confidence *= kept
        on_target = [one for one in self.approvals.history(target=str(preview.action.target)) if one.approval != but and one.verified != "not_executed"]
        around = self.hands(by).around.of(preview)
        seen = Circumstances(confidence, max(around.dependents, len(preview.blast.services) - 1, 0), around.changes,
                             sum(now - one.at <= HOUR for one in on_target), (*around.unknown, *_learned(kept, confidence)))
        return decide(self.policy(), preview, seen, now=now, cause=cause, outcomes=known,
                      alternatives=alternatives)

    def propose(self, name: str, target: Target, params: Mapping[str, Json], by: Person, *, cause: str = "", confidence: float = UNSAID,
                reason: str = "", investigation: str = "", incident: Mapping[str, Any] | None = None, key: str = "", of: str = "") -> Asked:
        """Preview an action, decide, and put it before people unless it is refused. Nothing is done.

        ``incident``: what an investigation says of it (:data:`INCIDENT`), which tells the verification what was wrong and what is usual.
        ``of``: the id of the incident whose timeline tells of it. Asked again with the same ``key``, the first approval is given back.
        Raises UsageError for bad parameters or a wrong policy, RefusedError for a target that is not there.
        """
        from agent.approvals.record import Proposal
        from agent.audit.journal import short
        from api.actions.incident_timeline import OF

        part = [{"kind": OF, "value": self._following.full(of)}] if of else []
        preview = self.hands(by).catalogue.preview(name, target, params)
        verdict = self.decide(preview, cause=cause, confidence=confidence, by=by)
        if verdict.decision == "refuse":
            return Asked(preview, verdict, None)
        told: list[Mapping[str, Any]] = [{"kind": _CONFIDENCE, "value": confidence}, *([{"kind": "reason", "text": short(reason)}] if reason else []),
                                         *([{"kind": INCIDENT, **incident}] if incident else []), *part]
        proposal = Proposal(preview, verdict.decision, verdict.risk.score, verdict.policy, verdict.reasons, told, cause, investigation, rule=verdict.rule,
                            key=key or (f"{investigation}:{preview.digest}" if investigation else None))
        found = self.approvals.propose(proposal, by)
        if investigation and found.state == "pending":
            self.runs.begin(found.id)
        if self._teller is not None and found.state == "pending":
            self._teller.asked(found)
        return Asked(preview, verdict, self._moved(found))

    def approve(self, approval: str, by: Person, *, digest: str, reason: str = "", via: str = "cli") -> Approval:
        """Approve exactly what ``digest`` names, and carry it out once nobody else is needed."""
        found = self.approvals.approve(approval, by, digest=digest, reason=reason, via=via)
        return self.carry_out(found) if self._moved(found).state == "approved" else found

    def reject(self, approval: str, by: Person, *, reason: str, via: str = "cli") -> Approval:
        """Say no, and let the run that waits on it end."""
        found = self.approvals.reject(approval, by, reason=reason, via=via)
        return self.resume(found.id)

    def resume(self, approval: str) -> Approval:
        """Go on with what waits on an approval, by what the store says of it now: the one way for all who answer.

        Harmless at any time and however often; after a crash it goes on where that left it.
        """
        found = self.approvals.show(approval)
        if found.record.get("investigation"):
            return self._moved(self.runs.resume(approval))
        return self._moved(self._effect(found) if found.state == "approved" else found)

    def carry_out(self, approval: Approval) -> Approval:
        """Carry out what is approved; a run that waits on it goes on. Raises NotExecutedError for what may not be done."""
        if approval.record.get("investigation") and approval.state == "approved":
            return self._moved(self.runs.resume(approval.id))
        return self._moved(self._effect(approval))

    def _moved(self, approval: Approval) -> Approval:
        """Tell the incident that it is for, if it is for one."""
        self._following.moved(approval)
        return approval

    def outcome(self, approval: str) -> dict[str, Any]:
        """What became of a proposal, in words, as its investigation shows it: ``approval``, ``state``, ``told``, ``verified``."""
        from agent.approvals.wording import told

        found = self.approvals.show(approval)
        kept = next((one for one in self.approvals.history(target=found.line.target) if one.approval == approval), None)
        return {"approval": approval, "state": found.state, "told": told(found), "verified": kept.verified if kept else None,
                "statement": kept.statement if kept else "", "cause_verdict": kept.cause_verdict if kept else None,
                "effect_verdict": kept.effect_verdict if kept else None}

    def judge(self, approval: str, by: Person, *, cause: CauseVerdict | None = None, effect: EffectVerdict | None = None) -> Outcome:
        """Keep what an engineer says afterwards. A wrong cause is trusted less, and its investigation is recalled no more."""
        from agent.recall.memory import Memory

        kept = self.approvals.verdict(approval, by, cause=cause, effect=effect)
        investigation, folder = self.approvals.show(approval).record.get("investigation"), self.records / "cache" / "recall"
        if cause is not None and investigation and folder.exists():
            memory = Memory(folder)
            try:
                memory.judge_run(str(investigation), approval, right=cause == "right")
            finally:
                memory.close()
        return kept

    def _history_of(self, cause: str, action: str, target: Target) -> list[Outcome]:
        """Outcomes of this cause by this action anywhere, and by any action on this target."""
        if not cause:
            return self.approvals.history(cause=cause, action=action)
        return [one for one in self.approvals.history(cause=cause) if one.action == action or one.target == str(target)]

    def _finished(self, approval: str) -> bool:
        state = self.verification(approval)
        return state is None or state.phase == "done"

    def _effect(self, approval: Approval) -> Approval:
        """Do it, and keep how things were before, for the verification. One at a time: a second look would be at what the first did."""
        with self._locks.held(f"carrying out {approval.id}", seconds=60), self._watch(approval) as watch:
            approval = self.approvals.show(approval.id)
            state = watch.before(approval) if approval.preview.changes and approval.state == "approved" else None
            done = self.executor.run(approval.id)
            if done.state == "succeeded" and state is not None:
                watch.done(state)
        if self._teller is not None:
            self._teller.ended(done)
        return done

    def rollback(self, approval: str, *, reason: str, by: Person | None = None) -> Approval:
        """Take an action back by its inverse, and tell; in the name of ``by``, else of whoever approved it."""
        executor = self.executor if by is None else self._executor(lambda _: self.hands(by).catalogue)
        done = executor.rollback(approval, reason=reason)
        if self._teller is not None:
            self._teller.taken_back(done)
        return self._moved(done)

    def watch(self, approval: Approval, limits: Limits | None, *, wait: Callable[[float], bool], tell: Callable[[str], None]) -> State:
        """Verify an action until there is a verdict; what made things worse is taken back. ``limits``: other times than usual."""
        with self._watch(approval, limits=limits, wait=wait, tell=tell) as watch:
            state = watch.run(approval)
        if self._teller is not None:
            self._teller.verified(self.approvals.show(approval.id), state)
        self.resume(approval.id)
        return state

    def tend(self) -> None:
        """Let pass what nobody answered in time, and remind of what is about to. To be called every few seconds; harmless at any time."""
        for gone in self.approvals.expire_due():
            self.resume(gone)
        if self._teller is not None:
            self.approvals.remind(self._teller.remind)

    def recover(self) -> list[Approval]:
        """Settle, by looking, what a crash left under way. To be called at the start of a process that stays."""
        settled = self.executor.recover()
        if self._teller is not None:
            for one in settled:
                self._teller.ended(one)
        return [self._moved(one) for one in settled]

    def verification(self, approval: str) -> State | None:
        """How far an action's verification is; None when nothing was carried out."""
        with self._watch() as watch:
            return watch.held(approval)

    def unverified(self) -> list[State]:
        """Verifications that are not done yet: a server goes on with them."""
        with self._watch() as watch:
            return watch.unfinished()

    @contextmanager
    def _watch(self, approval: Approval | None = None, **how: Any) -> Iterator[Watch]:
        """``approval``: whose target is looked at, in the name in which it was carried out; None: at none."""
        from api.actions.verification import Watch, world_of

        access = None
        with suppress(UsageError):  # nobody on the cluster stands for them: then nothing of it is known, and nothing is carried out either
            access = self._names.access(actor(approval)) if approval is not None else None
        world = world_of(access) if access is not None else None
        watch = Watch(self, world, clock=self._clock, **how)
        try:
            yield watch
        finally:
            watch.close()
            if world is not None:
                world.close()

    def recheck(self, approval: Approval) -> Refusal | None:
        """Whether the policy of now still lets an approved action happen, with as many approvers as it has."""
        from agent.executor.executor import Refusal

        record = approval.record
        told = next((one.get("value") for one in record.get("evidence", ()) if one.get("kind") == _CONFIDENCE), UNSAID)
        verdict = self.decide(approval.preview, cause=str(record.get("cause", "")), confidence=float(told), but=approval.id, by=actor(approval))
        if verdict.decision == "refuse":
            return Refusal("; ".join(verdict.reasons[:3]))
        needed = {"allow": 0, "ask": 1, "ask_two": 2}[verdict.decision]
        return Refusal(f"the policy asks {needed} now, and {record['needed']} were asked") if needed > record["needed"] else None

    def close(self) -> None:
        """Let connections go; notices get a moment to go out."""
        if (teller := self.__dict__.get("_teller")) is not None:
            teller.flush()
        self._names.close()


def _learned(kept: float, confidence: float) -> tuple[str, ...]:
    return () if kept >= 1 else (f"engineers said that this cause was wrong before: its confidence counts {kept:.2f} of itself, {confidence:.2f}",)
