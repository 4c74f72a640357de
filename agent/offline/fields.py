"""From a noun of a question ("users", "block size", "how long") to a field of the catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.offline.words import singular
from telemetry.models import Catalog, FieldInfo, Query

SYNONYMS: dict[str, tuple[str, ...]] = {
    "user": ("user", "username", "account", "login", "ruser", "customer", "player", "sender", "email", "uid"),
    "account": ("account", "user", "username"),
    "person": ("user", "username"),
    "who": ("user", "username", "account", "player", "customer", "sender", "from", "email"),
    "sender": ("sender", "from", "user", "email"), "recipient": ("recipient", "to", "rcpt", "email"),
    "response": ("duration", "request_time", "latency", "latency_ms", "response_time", "elapsed"),
    "price": ("price", "amount", "cost"), "cost": ("cost", "price", "amount"),
    "database": ("db", "database"), "namespace": ("namespace", "ns"), "session": ("session", "session_id", "sid"),
    "ip": ("ip", "client_ip", "src", "source", "client", "rhost", "remote", "peer", "host"),
    "address": ("ip", "client_ip", "src", "dest", "rhost", "address", "email"),
    "client": ("client", "client_ip", "ip", "src"),
    "attacker": ("ip", "client_ip", "rhost"),
    "source": ("src", "client_ip", "ip", "source", "from"),
    "destination": ("dest", "dst", "ip"),
    "host": ("host", "hostname", "node", "rhost", "server"),
    "machine": ("host", "hostname", "node"),
    "node": ("node", "host"),
    "server": ("host", "server", "node"),
    "service": ("service", "logger"),
    "app": ("service", "app", "logger"),
    "application": ("service", "app", "logger"),
    "program": ("service", "program", "logger"),
    "process": ("service", "pid", "process"),
    "daemon": ("service",),
    "tag": ("tag", "logger"), "component": ("logger", "component", "service"),
    "logger": ("logger", "service"),
    "class": ("logger",),
    "module": ("logger", "module"),
    "file": ("path", "file", "filename", "source"),
    "level": ("level",), "severity": ("level",),
    "status": ("status", "status_code", "response_code", "http_status", "response_status", "code", "sc_status"),
    "code": ("status", "code", "status_code", "response_code", "error_code", "http_status"),
    "url": ("path", "url", "uri"), "endpoint": ("path", "url", "uri"), "route": ("path", "url"),
    "page": ("path", "url"), "path": ("path", "url", "file"),
    "duration": ("duration", "latency", "elapsed", "took", "time", "request_time", "latency_ms", "ms"),
    "latency": ("latency", "latency_ms", "duration", "request_time", "time", "elapsed"),
    "runtime": ("runtime", "duration", "elapsed", "took", "time", "latency"),
    "time": ("request_time", "time", "duration", "elapsed", "latency"),
    "long": ("duration", "elapsed", "took", "latency", "request_time", "time"),
    "size": ("size", "bytes", "length", "len"), "bytes": ("bytes", "size", "length", "len"),
    "length": ("length", "len", "size"),
    "block": ("block", "blk", "id"), "id": ("id",), "request": ("request", "req", "id"),
    "delay": ("delay", "latency", "duration"), "wait": ("wait", "delay", "duration"),
    "thread": ("thread",), "pid": ("pid",), "trace": ("trace_id",),
    "template": ("template",), "message": ("template",), "event": ("template",), "error": ("template",),
    "warning": ("template",), "failure": ("template",), "exception": ("template",), "line": ("template",),
    "pattern": ("template",), "problem": ("template",), "log": ("template",), "kind": ("template",),
    "pod": ("pod", "pod_name", "host", "container"), "container": ("container", "container_name", "host", "service"),
    "instance": ("instance", "instance_id", "host"), "device": ("device", "disk", "interface"), "disk": ("disk", "device", "drive"),
    "customer": ("customer", "customer_id", "user", "account"), "tenant": ("tenant", "customer", "account", "org"),
    "product": ("product", "sku", "item", "article"), "item": ("item", "sku", "product"), "order": ("order", "order_id", "ord"),
    "query": ("query", "statement", "sql"), "table": ("table", "relation"), "queue": ("queue", "topic"), "topic": ("topic", "queue"),
    "country": ("country", "geo"), "region": ("region", "zone"), "task": ("task", "task_id", "job"), "job": ("job", "job_id", "task"),
    "worker": ("worker", "thread", "host"), "domain": ("domain", "host", "vhost"), "browser": ("user_agent", "agent"),
    "command": ("command", "cmd", "comm"), "action": ("action", "verb", "method"), "verb": ("verb", "method"),
    "connection": ("connection", "conn", "conn_id"), "temperature": ("temperature", "temp"), "load": ("load", "cpu"),
    "memory": ("memory", "mem", "rss", "heap"), "heap": ("heap", "memory"), "reason": ("reason", "cause", "error"),
 "version": ("version",), "throughput": ("throughput", "rate", "bytes"),
    "received": ("received", "bytes"), "sent": ("sent", "bytes"), "transfer": ("bytes", "size", "transferred"),
    "payload": ("bytes", "size", "payload"), "body": ("body", "bytes", "size"), "method": ("method",), "agent": ("user_agent",), "email": ("email",), "amount": ("amount",),
}
TAILS = frozenset({"name", "id", "number", "address", "code", "value", "type", "class", "field", "count"})
"""Words after a noun that leave it the same thing: "user name"."""
TEMPLATE_NOUNS = frozenset(k for k, v in SYNONYMS.items() if v == ("template",))
NUMERIC = frozenset({"number", "size", "duration", "percent", "port", "timestamp"})
_HEADER = frozenset({"level", "service", "host", "logger", "source", "template", "pid", "thread", "trace_id"})


@dataclass(frozen=True, slots=True)
class Linked:
    """The field chosen, how sure (0 to 1), and what else it could have been."""

    ref: str
    type: str
    score: float
    others: tuple[str, ...] = ()


def field_word(word: str) -> str:
    """A noun as fields are named by it: addresses → address, ips → ip; "bytes" and names with ``_`` stay."""
    word = word.lower()
    if "_" in word or word in {"bytes", "was"}:
        return word
    return word.removesuffix("s") if len(word) == 3 and not word.endswith("ss") else singular(word)


def link(phrase: str, catalog: Catalog, *, numeric: bool = False, owners: frozenset[str] = frozenset()) -> Linked | None:
    """The field that ``phrase`` (one to three words) names. ``owners`` are templates the question is about."""
    words = [field_word(w) for w in re.findall(r"[A-Za-z_][\w.]*", phrase)]
    if not words:
        return None
    scored: list[tuple[float, int, str, str]] = []
    for info in catalog.fields:
        name = info.ref.removeprefix("param:")
        score = _score(words, name, info)
        if score <= 0 or numeric and info.type not in NUMERIC:
            continue
        if owners and info.templates and not owners & set(info.templates):
            score -= 0.45
        scored.append((score, len(info.templates), info.ref, info.type))
    if not numeric:
        scored += [(s if ref == "template" else s * 0.6, 0, ref, "word") for ref in ("template", "pid", "thread", "trace_id", "source")
                   if (s := _score(words, ref, None)) > 0]
    scored.sort(key=lambda s: (-s[0], -s[1], s[2]))
    if not scored or scored[0][0] < 0.3:
        return None
    best = scored[0]
    close = tuple(s[2] for s in scored[1:4] if s[0] > best[0] - 0.08)
    return Linked(best[2], best[3], min(1.0, best[0]), close)


def rated(phrase: str, catalog: Catalog, *, numeric: bool = False) -> dict[str, float]:
    """How surely ``phrase`` names each field it may name, by field reference."""
    words = [field_word(w) for w in re.findall(r"[A-Za-z_][\w.]*", phrase)]
    if not words:
        return {}
    found: dict[str, float] = {}
    for at in range(len(words)):
        for end in range(at + 1, len(words) + 1):
            dropped = [w for w in words[end:] if w not in TAILS]  # the head of a noun phrase comes last
            cost = 0.02 * at + 0.3 * len(dropped)
            for info in catalog.fields:
                score = _score(words[at:end], info.ref.removeprefix("param:"), info)
                if score > 0 and not (numeric and info.type not in NUMERIC):
                    found[info.ref] = max(found.get(info.ref, 0.0), score - cost)
    if not numeric:
        for ref in ("template", "pid", "thread", "trace_id", "source"):
            score = _score(words, ref, None)
            if score > 0:
                found[ref] = max(found.get(ref, 0.0), score if ref == "template" else score * 0.6)
    return found


_SUFFIX = re.compile(r"_(?:ms|s|us|ns|sec|secs|seconds|millis|micros|bytes|kb|mb|b|count|total)$", re.IGNORECASE)


def _score(words: list[str], name: str, info: FieldInfo | None) -> float:
    """How surely the words name the field; a unit at the end of its name counts little."""
    plain = _SUFFIX.sub("", name)
    if plain == name:
        return _scored(words, name, info)
    return max(_scored(words, name, info), _scored(words, plain, info) - 0.03)


def _scored(words: list[str], name: str, info: FieldInfo | None) -> float:
    parts = re.split(r"[_.\-]", name.lower())
    head = words[-1]
    joined = "_".join(words)
    if name.lower() == joined or name.lower() == "".join(words):
        return 1.4 if len(words) > 1 else 1.25 if name in _HEADER and (info is None or info.ref == name) else 1.2
    kin = (words[0], *SYNONYMS.get(words[0], ()))
    if len(words) > 1 and info is not None and info.type == head and name.lower() in kin:
        return 1.35 - 0.01 * kin.index(name.lower())  # "source IPs": an address by its type, the source by its name
    if field_word(name) == joined or name.lower().replace("_", "") == joined.replace("_", ""):
        return 1.1
    if name.lower() == head:
        return 1.0 if name in _HEADER or info is None or info.distinct != 1 else 0.95
    names = SYNONYMS.get(head, ())
    if name.lower() in names:
        score = 0.9 - 0.06 * names.index(name.lower())
        score += 0.02 if info is not None and info.ref == name else 0.0  # a column before a parameter called the same
        score -= 0.2 if name in _HEADER and info is not None and info.distinct == 1 else 0.0  # tells nothing apart
        return score + (0.15 if len(words) > 1 and words[0] in parts else 0)
    if len(words) > 1 and name.lower() in SYNONYMS.get(words[0], ()) and head in {"name", "id", "number", "address"}:
        return 0.85 - 0.05 * SYNONYMS[words[0]].index(name.lower())
    if head in parts or head in {field_word(p) for p in parts}:
        return 0.7
    if info is not None and (info.type == head or info.type in names):
        return 0.55
    return 0.0


def candidates(catalog: Catalog, limit: int = 5) -> tuple[str, ...]:
    """Names of fields to offer when a question cannot be read."""
    ranked = sorted(catalog.fields, key=lambda f: (-len(f.templates), f.ref))
    return tuple(f.ref.removeprefix("param:") for f in ranked[:limit])


_IDENTIFIER = re.compile(r"(?:^|_)(?:id|port|pid|code|status|version|line|year|uid|gid|seq|tid|errno|number_id)$|_id$", re.I)
_LASTING = re.compile(r"duration|latency|elapsed|took|delay|wait|time(?!stamp|zone)|_ms$|_s$|_us$|ttl|timeout|lag", re.I)
_TAKING = re.compile(r"duration|latency|elapsed|took|(?:response|request|run|exec\w*|query)_?time|^time$|^rt$", re.I)
_SIZED = re.compile(r"size|bytes|length|^len$|_kb$|_mb$|memory|mem$|payload|transferred|sent|received", re.I)


def suits(kind: str, info: FieldInfo) -> float:
    """How well a field fits the sort of number asked for, whatever its name."""
    name = info.ref.removeprefix("param:")
    if kind in {"", "any"} or info.type not in NUMERIC:
        return 0.0
    plain = 0.05 if _IDENTIFIER.search(name) or info.type in {"port", "timestamp"} else 0.25
    match kind:
        case "duration" if info.type == "size" or (_SIZED.search(name) and not _LASTING.search(name)):
            return -0.5
        case "size" if info.type == "duration" or _TAKING.search(name):
            return -0.5
        case "duration":
            return 0.6 if _TAKING.search(name) else 0.52 if info.type == "duration" or _LASTING.search(name) else plain - 0.2
        case "size":
            return 0.6 if info.type == "size" or _SIZED.search(name) else plain
        case "count":
            return plain + 0.1 if info.type == "number" else plain
    return plain


def unit_after(query: Query, catalog: Catalog) -> str:
    """The unit of the number a query asks about: what messages write right after it, or into what values with units
    are read; "" when there is none."""
    name = re.escape((query.field or "").removeprefix("param:"))
    wanted: set[str] = set()
    for item in query.filters:
        if item.field == "template" and item.op in {"eq", "in"}:
            wanted |= set(item.value if isinstance(item.value, tuple) else (str(item.value),))
    found = {match[1] for t in catalog.templates if not wanted or t.id in wanted
             for match in re.finditer(rf"<{name}> ?(ms|us|ns|msec|s|secs?|seconds?|milliseconds?|minutes?|hours?|bytes|[KMG]i?B|%)(?!\w)", t.display)}
    if not found:  # units inside the values are read: into seconds, into bytes
        types = {field.type for field in catalog.fields if field.ref == query.field}
        return {"duration": "s", "size": "bytes"}.get(types.pop(), "") if len(types) == 1 else ""
    return found.pop() if len(found) == 1 else f"({' or '.join(sorted(found))}: units differ between messages)"
