"""Where actions are asked for, decided, approved and carried out: one object that joins catalogue, policy, approvals and audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.actions.connections import OURSELVES, Connection, Connections, actor
from api.actions.decisions import CONFIDENCE, UNSAID, Decisions
from api.actions.outcomes import Asked, Outcomes
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.approvals.service import Approvals
    from agent.audit.journal import Journal
    from agent.executor.executor import Executor
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
    from tools.actions.action import Json, Target
    from tools.actions.catalogue import Catalogue
    from tools.actions.probes import Nodes

INCIDENT = "incident"
"""Evidence of this kind has ``window`` and ``baseline`` (``start`` and ``end`` each, ISO 8601), the ``services`` that suffered, and
the ``alert`` that it began with (:mod:`api.incidents.triggering_alert`)."""


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
        self._connections = Connections(access, access_of, lambda one: Connection(one, lambda: self.also, self._nodes, lambda: self.records, self._clock))
        self._read_also = also
        self.alert_servers = alert_servers
        self.home, self._clock, self._telling = home, clock, teller
        self.records = home
        """The home whose telemetry verifications look at."""
        self._policy, self._state_url = policy, state_url

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

    @cached_property
    def decisions(self) -> Decisions:
        """What policy, risk and history say of actions."""
        return Decisions(self._policy, self.home, self.approvals, lambda by: self.connection(by).risk, self._clock)

    @property
    def outcomes(self) -> Outcomes:
        """What became of proposals, and what engineers say of it."""
        return Outcomes(self.approvals, self.records)

    @property
    def catalogue(self) -> Catalogue:
        """Every action, on the systems that are configured, as OnCalm itself sees them."""
        return self.connection(None).catalogue

    def connection(self, by: Person | None) -> Connection:
        """What acts on the cluster in a person's name; None is :attr:`me`. Raises UsageError where nobody on it stands for them."""
        return self._connections.of(by or self.me)

    def finish(self) -> None:
        """Wait for what was begun and goes on by itself: probes, until their time is over. :meth:`close` ends them."""
        self._connections.finish()

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
        return self._executor(lambda approval: self.connection(actor(approval)).catalogue)

    def _executor(self, performer: Callable[[Approval], Catalogue]) -> Executor:
        from agent.executor.executor import Executor

        return Executor(self.approvals, performer, recheck=self.decisions.recheck)

    @cached_property
    def runs(self) -> Pausing:
        """The paused runs of investigations' proposals; they wait on the approvals, which are the truth."""
        from agent.executor.pausing import Pausing

        return Pausing(self.home / "paused.db", self.approvals, self._effect, self._finished, lambda ident: self._locks.held(f"run of {ident}", seconds=60))

    @cached_property
    def _locks(self) -> TargetLocks:
        from agent.state_db.locks import TargetLocks

        return TargetLocks(self.journal.database)

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
        preview = self.connection(by).catalogue.preview(name, target, params)
        verdict = self.decisions.decide(preview, cause=cause, confidence=confidence, by=by)
        if verdict.decision == "refuse":
            return Asked(preview, verdict, None)
        told: list[Mapping[str, Any]] = [{"kind": CONFIDENCE, "value": confidence}, *([{"kind": "reason", "text": short(reason)}] if reason else []),
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
        executor = self.executor if by is None else self._executor(lambda _: self.connection(by).catalogue)
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
            access = self._connections.access(actor(approval)) if approval is not None else None
        world = world_of(access) if access is not None else None
        watch = Watch(self, world, clock=self._clock, **how)
        try:
            yield watch
        finally:
            watch.close()
            if world is not None:
                world.close()

    def close(self) -> None:
        """Let connections go; notices get a moment to go out."""
        if (teller := self.__dict__.get("_teller")) is not None:
            teller.flush()
        self._connections.close()
