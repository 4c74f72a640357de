"""What a look into the kernel would tell: the probe that would separate the suspects that are left, and what each outcome means.

Pure: a diagnosis in, sentences out. Which probes there are is known by name alone; nobody is asked and nothing attached here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signals.diagnosis import Diagnosis, Suspect
from signals.observed import Entity

SETTLED = 0.9
"""Probability of the first suspect from which no probe is worth its price."""
MOST = 2
_DATABASES = (("postgres", re.compile(r"postgres|pgsql|\bpg\b|cockroach", re.IGNORECASE)), ("mysql", re.compile(r"mysql|mariadb|percona|vitess", re.IGNORECASE)))
_NAMES = re.compile(r"\bdns\b|resolv|no such host|NXDOMAIN|SERVFAIL|name or service not known|getaddrinfo", re.IGNORECASE)
_CONNECTS = re.compile(r"connection refused|ECONNREFUSED|connect(ion)? timed? ?out|i/o timeout|no route to host|dial tcp", re.IGNORECASE)
_RESETS = re.compile(r"connection reset|ECONNRESET|broken pipe|EPIPE|unexpected eof", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One probe. ``side`` is whose requests are looked at: ``server`` those that ``entity`` answers, ``client`` those it makes."""

    probe: str
    entity: Entity
    side: str
    why: str
    outcomes: tuple[tuple[str, str], ...]
    """What may be seen, and what that would mean."""

    @property
    def statement(self) -> str:
        """All of it in a sentence."""
        seen = "; ".join(f"if {what}, {means}" for what, means in self.outcomes)
        whose = {"server": " (what it answers)", "client": " (what it asks)"}.get(self.side, "")
        return f"probe {self.probe} on {self.entity.name}{whose}: {self.why}; {seen}"


def suggestions(found: Diagnosis) -> tuple[Suggestion, ...]:
    """At most :data:`MOST`, the most telling first; none where the first suspect is sure or there is none."""
    if not found.suspects or found.suspects[0].score >= SETTLED:
        return ()
    told: dict[tuple[str, Entity], Suggestion] = {}
    for one in _all(found):
        told.setdefault((one.probe, one.entity), one)
    return tuple(told.values())[:MOST]


def _all(found: Diagnosis) -> Iterator[Suggestion]:
    first, *others = found.suspects
    for other in others[:3]:
        for caller, callee in ((first, other), (other, first)):
            if (caller.entity, callee.entity) in found.calls:
                yield _between(caller, callee)
    for one in (first, *others[:2]):
        yield from _alone(one)


def _between(caller: Suspect, callee: Suspect) -> Suggestion:
    """Two suspects of which one calls the other: how long does the other take, seen from where it is asked?"""
    asks, answers = caller.entity.name, callee.entity.name
    probe = next((name for name, pattern in _DATABASES if pattern.search(answers)), "http")
    return Suggestion(probe, caller.entity, "client", f"it shows what {asks} waits for when it asks {answers}", (
        (f"its requests to {answers} are slow or fail", f"{answers} or what that calls is the origin, and {asks} suffers"),
        (f"its requests to {answers} are as fast as usual", f"the time is lost in {asks} itself"),
        (f"requests to {asks} lie unread for long", f"{asks} is out of workers or CPU"),
    ))


def _alone(one: Suspect) -> Iterator[Suggestion]:
    """A suspect by itself: what it is suspected of, asked of the kernel."""
    entity, name = one.entity, one.entity.name
    told = " ".join([one.cause, one.statement, *(sign.statement for sign in one.evidence)])
    aspects = {one.cause.lower(), *(sign.aspect.lower() for sign in one.evidence), *(sign.kind for sign in one.evidence)}
    if _NAMES.search(told):
        yield Suggestion("dns", entity, "client", "its messages speak of names that are not found", (
            ("questions get no answer or SERVFAIL", "the name server, or the way to it, is the origin"),
            ("all are answered quickly", "names are not the trouble: look at connections")))
    if _CONNECTS.search(told):
        yield Suggestion("tcp_connect", entity, "client", "its messages speak of connections that are not opened", (
            ("connects are refused", "nobody listens at the destination: it is down or full"),
            ("SYNs are sent again", "packets are lost on the way, or the destination's queue is full"),
            ("all open at once", "the network is not the trouble")))
    if _RESETS.search(told):
        yield Suggestion("tcp_resets", entity, "either", "its messages speak of connections that were cut", (
            ("the other side resets", f"whoever {name} talks to ends them: look there"),
            (f"{name} resets them itself", f"{name} closes what it has not read, or crashes")))
    if any("oom" in one or "memory" in one for one in aspects):
        yield Suggestion("oom_kills", entity, "either", "memory is short", (
            ("a process of it is killed", f"the limit of {name} is too low, or it leaks"), ("none is killed", "memory is not the origin yet")))
    if "restart" in aspects or "crash" in told:
        yield Suggestion("process_exits", entity, "either", "it is started again and again", (
            ("it ends by signal 9", "something kills it: memory, a probe of the cluster, a person"),
            ("it ends by signal 6 or 11", "it crashes: its code or a library"), ("it ends by itself with a status", "it gives up: its own log says why")))
    if any("cpu" in one or "saturation" in one for one in aspects):
        yield Suggestion("cpu_profile", entity, "either", "it uses more CPU than usual", (
            ("one function has most samples", "that code is the origin"), ("samples are spread as usual", "it has more to do: look at who asks"),
            ("few samples are its own", "somebody else on the node takes the CPU: run_queue tells")))
    if any("disk" in one for one in aspects):
        yield Suggestion("block_io", entity, "either", "its disk is suspected", (
            ("requests take long", "the device or its neighbours are the origin"), ("requests are fast", "the disk is not the trouble")))
    if any("network" in one for one in aspects):
        yield Suggestion("tcp_retransmits", entity, "either", "the network is suspected", (
            ("segments to one peer are sent again", "the way to that peer, or the peer, is the origin"),
            ("to all peers", f"the network of {name}'s node is"), ("none are", "the network is not the trouble")))
    if any("latency" in one for one in aspects):
        yield Suggestion("off_cpu", entity, "either", "it is slow by itself, and no resource shows it", (
            ("threads wait for a lock", f"{name} blocks itself"), ("threads wait for the network", "what it calls is slow"),
            ("threads wait for disks", "files or the device are slow"), ("threads hardly wait", "it computes: cpu_profile tells where")))
