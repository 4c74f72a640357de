"""From causes to candidate actions, by rules written from how operations works; or no action, and why.

The origin is acted on, never a victim. What is not known well enough, not reversible, or only right by hand is left to
people, who are told what the right act is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from agent.decision.candidates import Candidate, None_, Proposed, Rule, changed
from agent.decision.demand import OVERLOADED
from agent.decision.names import WORKLOADS
from agent.decision.shedding import breaker, ingress_limit, nginx_limit
from agent.decision.situation import Believed, Facts, Seen
from agent.decision.telling import Owner, notice
from tools.actions.action import Json, Target

KNOWN, APART = 0.4, 0.1
"""A cause below this confidence, or not so far ahead of one elsewhere, is not known well enough to act on."""
GROWTH, LEAST_HEADROOM = 1.5, 1.2
"""A limit grows to half more than it is, and to a fifth more than was used; twice what it is, at most (bounds of the catalogue)."""
STEP_UP = 1.5
PATIENCE, LONGEST_DELAY = 2.0, 600.0
"""A probe that gives up too early waits twice as long; what is not up within ten minutes is not slow but broken."""
_MIB = 2**20
_ENOUGH = 3
"""From so many pods on the others are taken to carry what one of them leaves."""
_BY_HAND: tuple[tuple[tuple[str, ...], str], ...] = (
    (("secret_", "configmap_", "service_account"), "create or correct the object that is missing; OnCalm holds no secrets and writes none"),
    (("quota_", "limit_range"), "agree on a larger quota or smaller requests with the namespace's owner"),
    (("image_", "registry_"), "publish the image or correct its name and pull secret"),
    (("db_",), "ask the database's owner: credentials, connections and read-only mode are not safely changed from outside"),
    (("pv", "volume_"), "correct the claim, class or volume; data hangs on it"),
    (("service_", "gateway_", "network_policy", "endpoints_", "dns_", "env_", "port_conflict", "command_"), "correct the configuration where it is declared"),
    (("webhook_", "pod_security"), "repair the webhook or the pod's security settings"),
    (("node_selector", "node_affinity", "pod_affinity", "pod_anti", "topology_", "taint", "host_port", "insufficient_"), "give the cluster room or correct the pod's placement"),
    (("node_cordoned",), "ask who took the nodes out, and put those back that are well; a pod that is recreated waits as well"),
    (("scheduler_", "kube_proxy_"), "repair the control plane's component on its node"),
)


def propose(seen: Seen, owners: Sequence[Owner] = ()) -> Proposed:
    """What to do about the first cause that is no victim; where it is known and nothing surely helps, tell its ``owners``."""
    found = _mended(seen)
    if found.none not in {"by_hand", "nothing_helps"}:
        return found
    first = next(one for one in seen.causes if one.victim_of is None)
    told = notice(first, seen.facts.get(first.entity, Facts()), found.why, owners)
    return replace(found, candidates=told, none=None) if told else found


def _mended(seen: Seen) -> Proposed:
    origins = [one for one in seen.causes if one.victim_of is None]
    if not origins:
        return Proposed("", 0.0, none="healthy", why="nothing is wrong that has a cause here: an action could only do harm")
    first = origins[0]
    rival = next((one for one in origins[1:] if one.entity != first.entity), None)
    if not first.confidence >= KNOWN or (rival is not None and first.confidence - rival.confidence < APART):
        beside = f", and {rival.entity.name} is nearly as likely" if rival is not None else ""
        return _none(first, "unsure", f"{first.entity.name} is the cause with {first.confidence:.2f} only{beside}: look further first")
    facts = seen.facts.get(first.entity, Facts())
    hand = "" if _image(first, facts) or _uncordon(first, facts) else _by_hand(first.cause)
    if hand and not (first.changes & {"deploy"}):
        return _none(first, "by_hand", f"no action of OnCalm mends {first.cause}: {hand}; notify them")
    if facts.managed_by:
        return _none(first, "by_hand", f"{facts.managed_by} would revert a change of {facts.name}: change it where it is declared")
    if facts.stateful or first.entity.kind in ("database", "external"):
        return _none(first, "by_hand", f"{first.entity.name} holds state or is not ours: no action is surely harmless; notify its owner")
    found = tuple(candidate for rule in _RULES for candidate in rule(first, facts))
    if found:
        return Proposed(first.cause, first.confidence, found)
    if _grows(first, facts):
        return _none(first, "waiting", f"{facts.name} has {facts.replicas} pods and its autoscaler may make {facts.autoscaler_most} of them: look again in some minutes")
    if first.changes:
        return _none(first, "by_hand", f"{', '.join(sorted(first.changes))} was changed shortly before: take that change back where it was made")
    return _none(first, "nothing_helps", f"no reversible action is known to help against {first.cause} of {first.entity.name}; notify its owner")


def _by_hand(cause: str) -> str:
    """What people do against a cause that no action mends; empty when an action may."""
    if cause.endswith(("_port", "_path", "_protocol")):
        return "correct the port, path or protocol where it is declared"
    return next((act for words, act in _BY_HAND if cause.startswith(words)), "")


def _none(cause: Believed, kind: None_, why: str) -> Proposed:
    return Proposed(cause.cause, cause.confidence, none=kind, why=why)


def _workload(facts: Facts) -> Target:
    return Target(facts.kind, facts.name, facts.namespace)


def _is_workload(facts: Facts) -> bool:
    return facts.kind in WORKLOADS and bool(facts.name and facts.namespace)


def _canary(_cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A failing canary gets no traffic: faster than a rollout, and exactly reversible."""
    if not (facts.route and facts.stable and facts.canary and facts.namespace):
        return ()
    weights: dict[str, Json] = {facts.stable: 100, facts.canary: 0}
    return (Candidate("shift_traffic", Target(facts.route_kind, facts.route, facts.namespace), {"weights": weights}, f"the canary {facts.canary} fails and {facts.stable} serves"),)


def _undo(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A rollout shortly before: back to the revision before it."""
    if cause.cause == "traffic" or ("deploy" not in cause.changes and cause.cause != "deploy"):
        return ()  # no rollout of a service makes its clients ask more
    if not (_is_workload(facts) and facts.earlier_revision and not facts.paused):
        return ()
    return (Candidate("undo_rollout", _workload(facts), {}, f"{facts.name} was rolled out shortly before the trouble began"),)


def _limit(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Killed at a limit that the working set needs; not a leak, which a larger limit only delays."""
    if cause.cause not in ("oom_killed", "memory") or changed(cause) or facts.leaking or not _is_workload(facts):
        return ()
    limit, used = facts.memory_limit, facts.memory_used
    if not limit or not used or used < 0.9 * limit:
        return ()
    wanted = max(limit * GROWTH, used * LEAST_HEADROOM)
    if wanted > 2 * limit:
        return ()
    params: dict[str, Json] = {"resource": "memory", "limit": f"{math.ceil(wanted / _MIB)}Mi"}
    return (Candidate("raise_limit", _workload(facts), params | ({"container": facts.container} if facts.container else {}), "its working set needs more than the limit"),)


def _leak(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A leak starts anew from a restart; it gains time."""
    if not facts.leaking or changed(cause) or not _is_workload(facts) or (facts.replicas or 0) < 2:
        return ()
    return (Candidate("restart_rollout", _workload(facts), {}, "its memory grows without load: a restart gains time until it is mended"),)


def _throttled(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Held back at a CPU limit without more load: the limit is too small, more pods would be held back too."""
    if cause.cause not in ("cpu", "pod_cpu") or changed(cause) or not (facts.cpu_throttled and facts.cpu_limit and _is_workload(facts)):
        return ()
    params: dict[str, Json] = {"resource": "cpu", "limit": f"{math.ceil(facts.cpu_limit * GROWTH * 1000)}m"}
    return (Candidate("raise_limit", _workload(facts), params | ({"container": facts.container} if facts.container else {}), "it is held back at its CPU limit"),)


def _grows(cause: Believed, facts: Facts) -> bool:
    """More is asked of it, and its autoscaler has room to answer that."""
    room = bool(facts.autoscaler) and facts.replicas is not None and facts.autoscaler_most is not None and facts.replicas < facts.autoscaler_most
    return room and cause.cause in OVERLOADED and cause.load == "more" and not changed(cause)


def _capacity(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Saturated by load: more pods, by the autoscaler where there is one (a scale would be undone by it)."""
    if cause.cause not in ("saturation", "cpu", "pod_cpu") or changed(cause) or not facts.namespace or facts.bad_pods or cause.load == "same":
        return ()  # without more load it is the program: more pods burn as much
    now = facts.replicas
    if facts.autoscaler:
        most = facts.autoscaler_most
        if now is None or most is None or now < most:
            return ()
        return (Candidate("set_autoscaler_bounds", Target("HorizontalPodAutoscaler", facts.autoscaler, facts.namespace), {"maximum": math.ceil(most * STEP_UP)}, "it is saturated and the autoscaler is at its most"),)
    if facts.kind != "Deployment" or not now:
        return ()
    return (Candidate("scale", _workload(facts), {"replicas": math.ceil(now * STEP_UP)}, "it is saturated and nothing scales it"),)


def _scaled_away(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Scaled to nothing while others call it: as many pods as before."""
    if cause.cause != "zero_replicas" or facts.replicas != 0 or facts.kind != "Deployment" or not facts.namespace or not facts.replicas_before:
        return ()
    return (Candidate("scale", _workload(facts), {"replicas": facts.replicas_before}, f"it had {facts.replicas_before} pods before it was scaled to none, and others call it"),)


def _image(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Its image is gone: the newest one that ran before, by digest. Where only the last revision has it, undoing that is plainer."""
    if cause.cause != "image_reference" or not _is_workload(facts) or facts.paused or not facts.earlier_image:
        return ()
    if not facts.image_stays and "deploy" in cause.changes:
        return ()
    params: dict[str, Json] = {"image": facts.earlier_image}
    return (Candidate("set_image", _workload(facts), params | ({"container": facts.container} if facts.container else {}),
                      "its image cannot be had, and this is the newest other one that its revisions name by digest"),)


def _uncordon(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """Pods wait for a node that OnCalm itself took out, and that is well again."""
    if cause.cause != "node_cordoned":
        return ()
    return tuple(Candidate("uncordon_node", Target("Node", name), {}, f"OnCalm cordoned {name}, which is ready again, and pods of {facts.name} wait for room") for name in facts.released)


def _outlier(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """One pod of several is served to and fails: the mesh takes such out by itself, and nothing is lost by it.

    What a Service leads nobody to any more gains nothing from it; of two pods the other may not carry all.
    """
    served = facts.ready_pods is not None and facts.replicas is not None and facts.ready_pods >= facts.replicas
    alone = cause.entity.kind == "pod" and len(facts.bad_pods) == 1 and (facts.replicas or 0) >= _ENOUGH
    if not (served and alone and facts.mesh_rule and facts.unguarded and facts.namespace) or changed(cause) or cause.cause in ("oom_killed", "memory"):
        return ()
    params: dict[str, Json] = {"consecutive_5xx_errors": 5, "interval": "10s", "base_ejection_time": "30s", "max_ejection_percent": math.floor(100 / (facts.replicas or 1))}
    return (Candidate("set_outlier_detection", Target("DestinationRule", facts.mesh_rule, facts.namespace), params,
                      f"{facts.bad_pods[0]} alone fails and is still served to: the mesh leaves it out while it does"),)


def _one_pod(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """One bad pod of many: it is the pod, not the program."""
    if len(facts.bad_pods) != 1 or (facts.replicas or 0) < 2 or changed(cause) or cause.cause in ("oom_killed", "memory"):
        return ()
    return (Candidate("recreate_pod", Target("Pod", facts.bad_pods[0], facts.namespace), {}, "one of its pods is bad and the others serve"),)


def _node(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A bad node takes no new pods, where others can."""
    if cause.entity.kind != "node" or not facts.other_nodes:
        return ()
    return (Candidate("cordon_node", Target("Node", cause.entity.name), {}, f"{cause.entity.name} is bad and {facts.other_nodes} other nodes can take pods"),)


def _probe(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A probe gives up before the program is up."""
    probe, _, what = cause.cause.partition("_")
    if what != "timing" or probe not in ("liveness", "readiness", "startup") or not _is_workload(facts):
        return ()
    waits = facts.probe_seconds.get(probe)
    delay = facts.startup_seconds * LEAST_HEADROOM if facts.startup_seconds else waits * PATIENCE if waits else None
    if delay is None or delay > LONGEST_DELAY:
        return ()
    params: dict[str, Json] = {"probe": probe, "initial_delay_seconds": math.ceil(delay)}
    return (Candidate("set_probe", _workload(facts), params | ({"container": facts.container} if facts.container else {}),
                      f"it needs {facts.startup_seconds:g} s to come up" if facts.startup_seconds else f"it is not up within the {waits:g} s that the probe waits"),)


def _paused(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """A deploy that is still rolling out bad pods and has no revision to go back to is at least stopped."""
    if "deploy" not in cause.changes or facts.kind != "Deployment" or facts.paused or facts.earlier_revision or not facts.bad_pods or not facts.namespace:
        return ()
    return (Candidate("pause_rollout", _workload(facts), {}, "its new pods are bad and no earlier revision is kept"),)


_RULES: tuple[Rule, ...] = (_canary, _undo, _image, _uncordon, _paused, _limit, _leak, _throttled, breaker, ingress_limit, nginx_limit, _capacity, _scaled_away,
                            _outlier, _one_pod, _node, _probe)
"""The best first."""
