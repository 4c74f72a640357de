"""``cluster.logs``: the newest lines of containers, of this run and of the one before the last restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from signals.kube.clock import micros
from signals.kube.state import Object, at, name_of, namespace_of
from signals.kube.view import container_statuses
from telemetry.errors import QueryError
from telemetry.formats import LineReader
from telemetry.formats.levels import from_message
from telemetry.models import Found, Line, Result, Window
from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.masking import masked_lines
from telemetry.sources.kubernetes.resources import RESOURCES
from tools.cluster import inputs
from tools.cluster.asking import AbsentError, Asking, raised
from tools.live_patterns import LivePatterns
from tools.result import NotAssessed, Outcome, TemplateCount

SIZE = 1 << 20
"""Bytes of one container."""
PODS = 5
CONTAINERS = 20
_LONGEST = 4_000
_EXCERPT = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = {"E": "error", "F": "fatal", "W": "warn", "I": "info"}


def logs(asking: Asking, given: inputs.LogsInput, pattern: Callable[[str], tuple[str, str]] | None = None) -> Outcome:
    """Lines in time order, secrets masked, with the templates they are made of."""
    pods = _pods(asking, given)
    asking.searched = 0  # lines are counted, not pods
    lines: list[Line] = []
    troubles: list[Trouble] = []
    wanted = [(pod, container) for pod in pods for container in containers(pod) if given.container in {None, container}]
    if pods and not wanted:
        known = ", ".join(sorted({container for pod in pods for container in containers(pod)}))
        raise QueryError(f"no container {given.container!r} in {', '.join(map(name_of, pods))}", where="container", remedy=f"it is one of {known}")
    if len(wanted) > CONTAINERS:
        asking.notes.append(f"only {CONTAINERS} of {len(wanted)} containers were read: name a container")
    for pod, container in wanted[:CONTAINERS]:
        try:
            lines += _lines(asking, pod, container, given)
        except Trouble as trouble:
            troubles.append(trouble)
            asking.g.gap(f"{name_of(pod)} {container}: {trouble.what}")
    if troubles and len(troubles) == len(wanted[:CONTAINERS]):
        raise raised(troubles[0]) from troubles[0]
    return _outcome(asking, given, lines, pods, pattern or LivePatterns())


def _pods(asking: Asking, given: inputs.LogsInput) -> list[Object]:
    if given.pod:
        try:
            return [asking.one(RESOURCES["pods"], given.pod, given.namespace)]
        except AbsentError as error:
            raise AbsentError(error.what, where="pod", remedy="cluster.get kind=pods lists those there are; the pod may have been replaced") from error
    if not given.labels:
        raise QueryError("neither a pod nor labels are named", where="pod", remedy="name one of both")
    found = asking.need("pods", given.namespace or "", labels=given.labels)
    if len(found) > PODS:
        asking.notes.append(f"only {PODS} of {len(found)} pods were read")
    return sorted(found, key=lambda pod: -sum(int(at(one, "restartCount") or 0) for one in container_statuses(pod)))[:PODS]


def containers(pod: Object) -> list[str]:
    """The names of its containers, those that start first in front."""
    return [str(each.get("name")) for key in ("initContainers", "containers") for each in at(pod, "spec", key) or ()]


def _lines(asking: Asking, pod: Object, container: str, given: inputs.LogsInput) -> Iterator[Line]:
    try:
        text = asking.cluster.log(asking.g, namespace_of(pod), name_of(pod), container, previous=given.previous, tail=given.tail,
                                  since=given.since_seconds, size=SIZE)
    except Trouble as trouble:
        if trouble.code != 400:
            raise
        why = "it was not restarted" if given.previous and not _restarted(pod, container) else trouble.said or trouble.what
        asking.notes.append(f"{name_of(pod)} {container} has no {'previous ' if given.previous else ''}log: {why}")
        return
    if len(text.encode()) >= SIZE:
        asking.notes.append(f"{name_of(pod)} {container}: its log was cut at {SIZE:,} bytes: ask for a smaller tail")
    reader = LineReader(())
    written = [parted(said) for said in text.split("\n") if said]
    asking.searched += len(written)
    for number, ((when, said), shown) in enumerate(zip(written, masked_lines(said[:_LONGEST] for _, said in written), strict=True), 1):
        if (given.contains or "").casefold() in said.casefold():
            yield Line(id=0, time=_EPOCH + timedelta(microseconds=when) if when is not None else None, level=_level(reader, shown), service=None,
                       host=name_of(pod), template="", source=f"{namespace_of(pod)}/{name_of(pod)}/{container}{' (previous)' if given.previous else ''}",
                       line_no=number, text=shown)


def parted(line: str) -> tuple[int | None, str]:
    """The time the runtime gave a line (µs since 1970), and what the program wrote."""
    stamp, _, rest = line.partition(" ")
    when = micros(stamp)
    return (when, rest) if when is not None else (None, line)


def _level(reader: LineReader, text: str) -> str | None:
    """The severity a line states; klog writes it as its first letter."""
    if len(text) > 5 and text[0] in _LEVELS and text[1:5].isdigit():
        return _LEVELS[text[0]]
    parsed = reader.parse(text)
    return (parsed.level if parsed else None) or from_message(text) or None


def _restarted(pod: Object, container: str) -> bool:
    return any(each.get("name") == container and (at(each, "restartCount") or 0) for each in container_statuses(pod))


def _outcome(asking: Asking, given: inputs.LogsInput, lines: list[Line], pods: list[Object], pattern: Callable[[str], tuple[str, str]]) -> Outcome:
    lines.sort(key=lambda line: (line.time is not None, line.time or _EPOCH))
    patterns = [pattern(line.text) for line in lines]
    numbered = [line.model_copy(update={"id": number, "template": ident}) for number, (line, (ident, _)) in enumerate(zip(lines, patterns, strict=True), 1)]
    result = Result(kind="lines", lines=numbered) if numbered else Result(kind="none")
    found = Found(result=result, total=len(lines), searched=asking.searched, window=Window(), excerpt=numbered[:_EXCERPT])
    counts = Counter(patterns).most_common(50)
    short = asking.short()
    if not lines and short:
        raise NotAssessed("; ".join(short), where="cluster.logs")
    why = None if lines else _why(given, pods)
    return Outcome(found, query=asking.said(given.model_dump(mode="json")), templates=tuple(TemplateCount(id=i, pattern=p, count=c) for (i, p), c in counts),
                   notes=(*short, *asking.notes), reason=why)


def _why(given: inputs.LogsInput, pods: list[Object]) -> str:
    if not pods:
        return f"no pod has the labels {given.labels}"
    return f"the containers of {', '.join(map(name_of, pods))} wrote " + ("nothing with that text" if given.contains else "nothing")
