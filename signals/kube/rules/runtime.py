"""Containers that run and stop: out of memory, ports taken twice, wrong commands, crash loops; and nothing that runs.

Reasons of terminated containers are the runtime's (``OOMKilled``, ``Error``, ``StartError``, ``ContainerCannotRun``);
137 is 128 + SIGKILL (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle#container-states).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from signals.kube.excerpts import excerpts
from signals.kube.finding import CONFIGURED, LIKELY, POSSIBLE, STATED, SYMPTOM, Finding, Rule, found
from signals.kube.state import Object, at, items_at, mapping_at, name_of
from signals.kube.view import View, Workload, container_statuses, restarts, waiting

_OOM = re.compile(r"OOM-?killed|oom[_ -]kill|memory limit too low|out of memory: kill", re.I)
_HEAP = re.compile(r"java\.lang\.OutOfMemoryError|JavaScript heap out of memory|fatal error: runtime: out of memory|MemoryError\b|"
                   r"cannot allocate memory|Killed process", re.I)
_TAKEN = re.compile(r"address already in use|EADDRINUSE|port \d+ (?:is|was) already (?:in use|allocated|taken)|"
                    r"bind(?:ing)?(?: to)? .*(?:failed|in use)|Only one usage of each socket address|Port already in use", re.I)
_COMMAND = re.compile(r"executable file not found|no such file or directory|exec format error|permission denied: unknown|cannot run executable", re.I)


def oom(view: View) -> Iterator[Finding]:
    """Containers the kernel killed for their memory limit."""
    for workload in view.workloads:
        told = _oom_status(workload)
        event = next((each for each in view.events_about(workload) if _OOM.search(each.message) or each.reason == "OOMKilling"), None)
        hit = None if told or event else next(excerpts(view, workload, _HEAP), None)
        if not (told or event or (hit and not workload.ready)):
            continue
        limits = ", ".join(str(at(each, "resources", "limits", "memory")) for each in workload.containers if at(each, "resources", "limits", "memory"))
        words = told or (f"“{event.message}”" if event else f"“{hit.line}”" if hit else "")
        yield found("oom_killed", workload.entity, f"{workload.name} ran out of memory (limit {limits or 'none'}): {words}",
                    (STATED + 0.5 if told or event else LIKELY) - (2 if workload.ready and not _again(workload) else 0),
                    namespace=workload.namespace, refs=(workload.ref, *((event.ref,) if event else ())), at=event.last if event else None)


def _again(workload: Workload) -> bool:
    return any(restarts(pod) > 0 for pod in workload.pods)


def _oom_status(workload: Workload) -> str:
    for pod in workload.pods:
        for each in container_statuses(pod):
            for state in ("state", "lastState"):
                done = mapping_at(each, state, "terminated")
                if done.get("reason") == "OOMKilled":
                    return f"container {each.get('name')} was OOMKilled (exit code {done.get('exitCode')}, {each.get('restartCount')} restarts)"
    return ""


def idle(view: View) -> Iterator[Finding]:
    """Workloads scaled to nothing, when something needs them."""
    for workload in view.workloads:
        if workload.kind not in {"Deployment", "StatefulSet"} or workload.desired != 0:
            continue
        services = [name_of(each) for each in view.services() if workload in view.serving(each)]
        callers = [each.name for each in view.workloads if workload.key in view.calls.get(each.key, frozenset())]
        scaled = next((each for each in view.events_about(workload) if each.reason in {"ScalingReplicaSet", "SuccessfulDelete"}
                       and "down" in each.message.lower()), None)
        needed = f"needed by {', '.join(callers)}" if callers else f"behind service {', '.join(services)}" if services else "nobody is known to need it"
        yield found("zero_replicas", workload.entity, f"{workload.name} is scaled to 0 replicas; {needed}"
                    + (f"; “{scaled.message}”" if scaled else ""), STATED if callers or services else LIKELY,
                    namespace=workload.namespace, refs=(workload.ref,), at=scaled.last if scaled else None)


def taken(view: View) -> Iterator[Finding]:
    """A port that two containers of a pod, or two listeners, want."""
    for workload in view.workloads:
        ports = Counter((int(port.get("containerPort") or 0), str(port.get("protocol") or "TCP")) for each in _running(workload)
                        for port in items_at(each, "ports"))
        twice = sorted({port for (port, _), count in ports.items() if count > 1} | _asked(_running(workload)))
        hit = next(excerpts(view, workload, _TAKEN), None)
        if hit is None and (not twice or workload.ready or not any(_exits(pod) for pod in workload.pods)):
            continue
        several = len(_running(workload)) > 1
        yield found("port_conflict", workload.entity,
                    f"{workload.name}: " + (f"containers {', '.join(str(each.get('name')) for each in _running(workload))} "
                                            f"share port {', '.join(map(str, twice))}; " if twice else "")
                    + (f"container {hit.container} logs “{hit.line}”" if hit else "and it does not become ready"),
                    STATED + 0.5 if hit and (several or not workload.ready) else CONFIGURED if twice else LIKELY,
                    namespace=workload.namespace, refs=(workload.ref, *((hit.ref,) if hit else ())), at=hit.at if hit else None)


def _asked(containers: tuple[Object, ...]) -> set[int]:
    """Ports of one container that another names in its command, arguments or environment's PORT."""
    asked: set[int] = set()
    for each in containers:
        words = " ".join(map(str, (*items_at(each, "command"), *items_at(each, "args"))))
        own = {int(number) for number in re.findall(r"(?<![\d.])(\d{2,5})(?![\d.])", words)}
        own |= {int(str(at(one, "value"))) for one in items_at(each, "env") if at(one, "name") == "PORT" and str(at(one, "value")).isdigit()}
        others = {int(at(port, "containerPort") or 0) for other in containers if other is not each for port in items_at(other, "ports")}
        asked |= own & others
    return asked


def _running(workload: Workload) -> tuple[Object, ...]:
    """Containers of the pods, sidecars that were injected or run as restartable init containers included."""
    spec = mapping_at(workload.pods[0], "spec") if workload.pods else workload.spec
    sidecars = tuple(each for each in items_at(spec, "initContainers") if at(each, "restartPolicy") == "Always")
    return items_at(spec, "containers") + sidecars


def _exits(pod: Object) -> bool:
    """Does one of its containers stop again and again, or wait to be started again?"""
    return any(at(each, "state", "waiting", "reason") == "CrashLoopBackOff" or at(each, "lastState", "terminated") or at(each, "state", "terminated")
               for each in container_statuses(pod))


def commands(view: View) -> Iterator[Finding]:
    """Commands that cannot be started."""
    for workload in view.workloads:
        said = [message for pod in workload.pods for _, reason, message in waiting(pod) if reason in {"RunContainerError", "CreateContainerError"}]
        said += [str(at(each, state, "terminated", "message") or "") for pod in workload.pods for each in container_statuses(pod)
                 for state in ("state", "lastState")]
        said += [each.message for each in view.events_about(workload) if each.reason == "Failed"]
        line = next((each for each in said if _COMMAND.search(each) and not _OOM.search(each)), "")
        if line and not workload.ready:
            yield found("command_wrong", workload.entity, f"{workload.name} cannot be started: “{line}”", STATED,
                        namespace=workload.namespace, refs=(workload.ref,))


def looping(view: View) -> Iterator[Finding]:
    """Containers that exit again and again: a symptom unless nothing else explains it."""
    for workload in view.workloads:
        for pod in workload.pods:
            loops = [name for name, reason, _ in waiting(pod) if reason == "CrashLoopBackOff"]
            failed = [str(each.get("name")) for each in container_statuses(pod) if at(each, "state", "terminated", "exitCode") not in {None, 0}]
            if loops or failed:
                last = next((mapping_at(each, "lastState", "terminated") for each in container_statuses(pod) if at(each, "lastState", "terminated")), {})
                yield found("crash_loop", workload.entity,
                            f"{workload.name} exits again and again ({restarts(pod)} restarts, last: {last.get('reason') or 'unknown'}, "
                            f"exit code {last.get('exitCode')})", POSSIBLE if loops else SYMPTOM, namespace=workload.namespace, refs=(workload.ref,))
                break


def evicted(view: View) -> Iterator[Finding]:
    """Pods the kubelet evicted."""
    for workload in view.workloads:
        gone = [pod for pod in workload.pods if at(pod, "status", "reason") == "Evicted"]
        event = next((each for each in view.events_about(workload) if each.reason in {"Evicted", "TaintManagerEviction"}), None)
        if gone or (event and not workload.ready):
            words = at(gone[0], "status", "message") if gone else event.message if event else ""
            yield found("evicted", workload.entity, f"{len(gone) or 1} pods of {workload.name} were evicted: “{words}”", LIKELY - 1,
                        namespace=workload.namespace, refs=(workload.ref,), at=event.last if event else None)


RULES: tuple[Rule, ...] = (oom, idle, taken, commands, looping, evicted)
