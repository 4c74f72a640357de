"""The analyst that thinks with a model, on top of the offline one.

The offline reading and its one exact query come first and cost nothing. The model then sees the question, the
reading and that result; it calls more tools or concludes. What it concludes is checked against the evidence
before anyone reads it. Whatever goes wrong is raised as a ModelError, and the run goes on without a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import ValidationError

from agent.analyst import Analyst, Given, Progress, Step, Summary, ToolCall, Triage, Turn
from agent.cache.replies import ReplyCache
from agent.evidence import Conclusion, Grounded, ground
from agent.llm.conversation import Conversation
from agent.llm.errors import ContextTooLongError, LateError, ModelError, RefusedError, UselessError
from agent.llm.model import Call, Model, Reply, Request
from agent.llm.repair import loads
from agent.llm.wording import recalled, said
from agent.loopguard import Made, judge, transcript
from agent.offline.complaint import symptom_of
from agent.recall.recaller import Pending, Recaller
from prompts.loader import load
from telemetry.models import Catalog, Result
from tools.registry import ToolResult

UNSURE = 0.3
"""Confidence of an answer that shows a symptom where the cause was asked for."""
SAID = "The cause is asked for; this is what the records show of it, not why"
MOST_CALLS = 8
"""Tool calls of one turn; a model that asks for more is told to choose."""


class Purse(Protocol):
    """What a run may spend."""

    def allow(self, tokens: int, answer: int, used: Mapping[str, Any]) -> None:
        """Book a call of so many tokens and at most ``answer`` more, beside the run's usage so far.

        Raises OverBudgetError before a limit would be passed.
        """
        ...

    def record(self, reply: Reply) -> dict[str, Any]:
        """Book a reply; returns what the answer's usage adds up (``cost_usd`` is None when no price is known)."""
        ...

    def failed(self, error: ModelError) -> None:
        """Book a call that gave no reply."""
        ...


@dataclass(slots=True)
class LlmAnalyst:
    """One run's thinking with a model."""

    core: Analyst
    model: Model
    conversation: Conversation
    purse: Purse
    known: frozenset[str]
    """Names of the tools there are."""
    from_wire: Callable[[str], str]
    replies: ReplyCache | None = None
    recaller: Recaller | None = None
    """Both are asked before the model; None for neither."""
    seconds: float = 120.0
    """From the first model call of a run to its end."""
    clock: Callable[[], float] = time.monotonic
    name: str = "llm"
    seen: dict[str, ToolResult] = field(default_factory=dict)
    """The results so far, by evidence id: what the tool that reads more of them looks in."""
    _deadline: float | None = field(default=None)
    _shown: str = field(default="")
    _made: dict[str, Made] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        return self.core.catalog

    def triage(self, given: Given) -> Triage:
        """The offline reading; of a why-question, that of what it is about."""
        found = self.core.triage(given)
        about = symptom_of(given.question) if found.refusal is not None else None
        if about is None:
            return found
        look = self.core.triage(replace(given, question=about))
        if look.refusal is not None:
            return found
        return look.model_copy(update={"statements": [SAID, *look.statements], "confidence": min(look.confidence, UNSURE)})

    def step(self, given: Given, triage: Triage, progress: Progress) -> Step:
        """The offline calls first; then one model call a step. Raises ModelError when the model is of no use."""
        self.seen.update(progress.results)
        first = self.core.step(given, triage, progress)
        if first.turn.calls:
            return first
        if progress.memory and self._deadline is None:
            self.conversation.recall(progress.memory)
        return self._recalled(given, triage, progress) or self._thought(given, triage, progress)

    def left(self) -> float | None:
        """Seconds that the run has left; None before its first model call."""
        return None if self._deadline is None else max(self._deadline - self.clock(), 0.0)

    def _recalled(self, given: Given, triage: Triage, progress: Progress) -> Step | None:
        """An investigation of the same symptom: its calls first, then its conclusion if they bear it out."""
        if self.recaller is None:
            return None
        pending, turn = Pending.of(progress.memory.get("recall")), Turn()
        if pending is None:
            if len(progress.turns) != 1 or self._answered(given, triage, progress):
                return None
            begun = self.recaller.begin(given, triage, progress.results)
            if begun is None:
                return None
            pending, turn = begun
        if turn.calls:
            return Step(turn=turn, memory={**self.conversation.memory(), "recall": pending.as_json()})
        if not self.recaller.holds(pending, progress.results):
            return None
        return Step(done=True, conclusion=self.recaller.conclusion(pending, given.now), memory=self.conversation.memory())

    def _answered(self, given: Given, triage: Triage, progress: Progress) -> bool:
        """Whether the first request has a kept reply, which is better than a recall."""
        if self.replies is None:
            return False
        request = self.conversation.request(given, triage, progress, with_tools=True)
        return self.replies.holds(self.replies.key(request, self.conversation.boundary.neutral))

    def _thought(self, given: Given, triage: Triage, progress: Progress) -> Step:
        """One model call, within what the loop guard allows."""
        verdict = judge(transcript(progress, self._made))
        if verdict.ends:
            raise UselessError(f"the run was concluded with what was known: {verdict.reason}", where=self.model.name,
                                   remedy="use a more capable model")
        told = bool(progress.turns and progress.turns[-1].nudge)
        ending = load("conclude").render(reason=verdict.reason) if verdict.withdraws else "" if told else verdict.reason
        key, reply, usage = self._ask(given, triage, progress, with_tools=not verdict.withdraws, ending=ending)
        if reply.refusal:
            raise RefusedError(f"the model refused to answer: {reply.refusal[:200]}", where=self.model.name,
                               remedy="ask differently, or with --analyst offline").after(usage)
        if reply.calls and not verdict.withdraws:
            step = Step(turn=self._turn(reply, progress), usage=usage)
            useful = all(not call.problem for call in step.turn.calls.values())
        else:
            step = self._concluded(given, reply, progress, usage)
            useful = step.done
            if useful and self.recaller and not reply.stored:
                self.recaller.keep(given, triage, progress, Grounded.model_validate(step.conclusion), reply.model or self.model.name)
        if useful and self.replies:
            self.replies.keep(key, reply, self.conversation.boundary.neutral)
        return step.model_copy(update={"memory": self.conversation.memory()})

    def _ask(
        self, given: Given, triage: Triage, progress: Progress, *, with_tools: bool, ending: str
    ) -> tuple[str, Reply, dict[str, Any]]:
        """One reply and the key it is kept under, from the cache or within the run's time and budget; a request that is too long is cut down once."""
        for again in (False, True):
            request = self.conversation.request(given, triage, progress, with_tools=with_tools, ending=ending)
            self._shown = "\n".join(str(message.get("content")) for message in request.messages)
            key = self.replies.key(request, self.conversation.boundary.neutral) if self.replies else ""
            try:
                reply = (self.replies.find(key) if self.replies else None) or self._paid(request, progress)
            except ContextTooLongError:
                if again:
                    raise
                self.conversation.profile = self.conversation.profile.halved()
            else:
                return key, reply, {**self.purse.record(reply), "prompts": request.digests}
        raise AssertionError  # the second round returns or raises

    def _paid(self, request: Request, progress: Progress) -> Reply:
        """Ask the model, before the run's time is over."""
        if self._deadline is None:
            self._deadline = self.clock() + self.seconds
        if self.clock() >= self._deadline:
            raise LateError(f"the run's {self.seconds:.0f} s for model calls are over", where=self.model.name,
                            remedy="raise ONCALM_RUN_SECONDS or use a faster model")
        self.purse.allow(self.conversation.size(request), self.conversation.profile.answer, progress.usage)
        try:
            return self.model.complete(request, deadline=self._deadline, emit=_drafts(progress))
        except ModelError as error:
            self.purse.failed(error)
            raise

    def _turn(self, reply: Reply, progress: Progress) -> Turn:
        """The reply's calls under new evidence ids; what cannot be made is answered with the reason."""
        at = len({name for turn in progress.turns for name in turn.calls})
        calls = {f"E{at + place}": self._call(call, place) for place, call in enumerate(reply.calls, start=1)}
        return Turn(text=reply.text, calls=calls)

    def _call(self, call: Call, place: int) -> ToolCall:
        name = self.from_wire(call.name)
        problem = call.problem or ""
        if place > MOST_CALLS:
            problem = f"not made: a turn has at most {MOST_CALLS} calls; ask again for what still matters"
        elif name not in self.known:
            problem = f"there is no tool {call.name!r}; known: {', '.join(sorted(self.known))}"
        elif self.conversation.boundary.leaked(call.arguments):
            problem = "not made: the arguments hold the private token of this run"
        return ToolCall(tool=name, arguments=call.arguments, problem=problem)

    def _concluded(self, given: Given, reply: Reply, progress: Progress, usage: dict[str, Any]) -> Step:
        """Read and check a conclusion. A useless one is asked for again, once."""
        nudged = any(turn.nudge for turn in progress.turns)
        try:
            conclusion = Conclusion.model_validate(loads(reply.text))
        except (ValueError, ValidationError) as error:
            why = f"it was no conclusion of the form asked for ({_short(error)})"
        else:
            shown = {name: self.conversation.hidden(result) for name, result in progress.results.items()}
            found = ground(conclusion, shown, self.conversation.placeholders.hide(given.question), hide=self.conversation.placeholders.hide_again)
            obeyed = self._obeyed(reply)
            why = obeyed or _unshown(found)
            if not why or nudged and found.claims and not obeyed:
                return Step(done=True, conclusion=found.model_dump(mode="json"), usage=usage)
        if nudged:
            raise UselessError(f"the model answered uselessly twice; the last time {why}", where=self.model.name,
                                   remedy="use a more capable model").after(usage)
        return Step(turn=Turn(text=reply.text[:2000], nudge=load("nudge").render(reason=why)), usage=usage)

    def _obeyed(self, reply: Reply) -> str:
        """Why a reply looks as if it followed what it read; empty when it does not."""
        found = self.conversation.boundary.obeys(answer=reply.text, system=load(self.conversation.profile.prompt).text, read=self._shown)
        return "; ".join(f"it showed {one.what} ({one.check})" for one in found)

    def summarise(
        self, given: Given, triage: Triage, results: Mapping[str, ToolResult], conclusion: dict[str, Any] | None
    ) -> Summary:
        """The grounded conclusion in words; where it has no first sentence, the offline one stands in."""
        base = self.core.summarise(given, triage, results, None) if "E1" in results or triage.refusal else None
        if conclusion is None:
            return base or Summary(answer="I could not answer this.", interpretation="", result=Result(kind="none"),
                                   confidence=0.0)
        if conclusion.get("recall"):
            return recalled(conclusion, base, results, given.question)
        return said(Grounded.model_validate(conclusion), base, results, self._restored)

    def _restored(self, text: str) -> str:
        """What was hidden from the model, for the one who asked: they can read the store themselves."""
        return self.conversation.placeholders.restore(text, authorised=True)


def _drafts(progress: Progress) -> Callable[[str], None]:
    return lambda text: progress.say({"kind": "draft", "text": text})


def _unshown(found: Grounded) -> str:
    """Why a conclusion has no first sentence to show; empty when it has."""
    if found.answer is not None:
        return ""
    told = dict.fromkeys(f'"{d.text[:80]}": {d.why}' for d in found.dropped[:3])
    return "its answer is not shown by the results it cites. " + "; ".join(told)


def _short(error: Exception) -> str:
    """What is wrong with a reply, in a few words."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the object'}: {one['msg']}" for one in error.errors(include_url=False)[:3])[:200]
    return str(error).replace("\n", " ")[:200]
