"""Every other kind that kubectl describes, back into API objects; and the events below each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from evals.kube import specs
from evals.kube.specs import Json
from evals.kube.tables import NOTHING, Entry, description, moment, seconds, section, table

KINDS = {"pods": "Pod", "deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet",
         "jobs": "Job", "cronjobs": "CronJob", "services": "Service", "endpoints": "Endpoints", "nodes": "Node", "persistentvolumeclaims": "PersistentVolumeClaim",
         "persistentvolumes": "PersistentVolume", "storageclasses": "StorageClass", "resourcequotas": "ResourceQuota", "serviceaccounts": "ServiceAccount",
         "configmaps": "ConfigMap", "secrets": "Secret", "ingresses": "Ingress", "networkpolicies": "NetworkPolicy", "namespaces": "Namespace",
         "limitranges": "LimitRange", "horizontalpodautoscalers": "HorizontalPodAutoscaler", "virtualservices": "VirtualService",
         "gateways": "Gateway", "httproutes": "HTTPRoute", "destinationrules": "DestinationRule",
         "mutatingwebhookconfigurations": "MutatingWebhookConfiguration", "validatingwebhookconfigurations": "ValidatingWebhookConfiguration"}
ALIASES = {"pod": "pods", "deployment": "deployments", "replicaset": "replicasets", "service": "services", "svc": "services", "node": "nodes",
           "pvc": "persistentvolumeclaims", "pv": "persistentvolumes", "resourcequota": "resourcequotas", "quota": "resourcequotas",
           "configmap": "configmaps", "secret": "secrets", "serviceaccount": "serviceaccounts", "namespace": "namespaces", "ingress": "ingresses",
           "networkpolicy": "networkpolicies", "limitrange": "limitranges", "storageclass": "storageclasses", "event": "events", "hpa": "horizontalpodautoscalers"}
_EVENT_AGE = re.compile(r"(?P<last>\S+)(?: \(x(?P<count>\d+) over (?P<first>\S+)\))?")
_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}


@dataclass(frozen=True, slots=True)
class Page:
    """A description as a tree, and as it was printed: tables in it go by columns."""

    entry: Entry
    text: str


def read(kind: str, text: str) -> Json | None:
    """The object a description tells of; None when it tells of none."""
    entry = description(text)
    name = entry.text("Name")
    if not name:
        return None
    build = _READERS.get(kind)
    found = build(Page(entry, text)) if build else {}
    metadata = found.setdefault("metadata", {})
    metadata.update({key: value for key, value in {"name": name, "namespace": entry.text("Namespace"), "labels": entry.pairs("Labels")}.items()
                     if value or key == "name"})
    created = moment(entry.text("CreationTimestamp"))
    if created:
        metadata["creationTimestamp"] = created.astimezone(UTC).isoformat()
    return found


def events(kind: str, text: str, now: datetime) -> Iterator[Json]:
    """Events below a description, with their ages made times."""
    entry = description(text)
    about = {"kind": KINDS.get(kind, kind), "name": entry.text("Name"), "namespace": entry.text("Namespace")}
    for row in _event_rows(text):
        age = _EVENT_AGE.match(row["Age"])
        last = seconds(age["last"]) if age else None
        first = seconds(age["first"]) if age and age["first"] else last
        each: Json = {"involvedObject": about, "metadata": {"namespace": about["namespace"]}, "type": row["Type"], "reason": row["Reason"],
                      "message": row["Message"], "count": int(age["count"] or 1) if age else 1, "source": {"component": row["From"]}}
        for key, ago in (("lastTimestamp", last), ("firstTimestamp", first)):
            if ago is not None:
                each[key] = (now - timedelta(seconds=ago)).astimezone(UTC).isoformat()
        yield each


def listed_events(text: str, namespace: str, now: datetime) -> Iterator[Json]:
    """Rows of ``kubectl get events``: LAST SEEN, TYPE, REASON, OBJECT (``pod/NAME``), perhaps COUNT, MESSAGE."""
    for row in table(text):
        kind, _, name = row.get("OBJECT", "").partition("/")
        ago = seconds(row.get("LAST SEEN", "").split(" ")[0])
        if not name:
            continue
        plural = ALIASES.get(kind.lower(), f"{kind.lower()}s")
        each: Json = {"involvedObject": {"kind": KINDS.get(plural, kind), "name": name, "namespace": namespace}, "type": row.get("TYPE", ""),
                      "reason": row.get("REASON", ""), "message": row.get("MESSAGE", ""), "metadata": {"namespace": namespace},
                      "count": int(row["COUNT"]) if row.get("COUNT", "").isdigit() else 1}
        if ago is not None:
            each["lastTimestamp"] = (now - timedelta(seconds=ago)).astimezone(UTC).isoformat()
        yield each


def _event_rows(text: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("Events:")), len(lines))
    tail = "\n".join(lines[start:])
    for row in section(tail, "Events"):
        if row.get("Type") in {"Normal", "Warning"}:
            rows.append({key: row.get(key, "") for key in ("Type", "Reason", "Age", "From", "Message")})
        elif rows:
            rows[-1]["Message"] += "\n" + " ".join(row.values()).strip()
    return rows


def _workload(page: Page) -> Json:
    template = page.entry.get("Pod Template")
    desired = re.match(r"(\d+) desired|(?:\d+) current / (\d+) desired", page.entry.text("Replicas"))
    ready = re.search(r"(\d+) available", page.entry.text("Replicas"))
    wanted = next((int(each) for each in (desired.groups() if desired else ()) if each), None)
    owner = page.entry.text("Controlled By").partition("/")
    spec: Json = {"selector": {"matchLabels": page.entry.pairs("Selector")},
                  "template": {"metadata": {"labels": template.pairs("Labels") if template else {}},
                               "spec": specs.pod_spec(template) if template else {}}}
    if wanted is not None:
        spec["replicas"] = wanted
    conditions = [{"type": row.get("Type", ""), "status": row.get("Status", ""), "reason": row.get("Reason", ""), "message": row.get("Message", "")}
                  for row in section(page.text, "Conditions")]
    return {"metadata": {"ownerReferences": [{"kind": owner[0], "name": owner[2]}] if owner[2] else []}, "spec": spec,
            "status": {"conditions": conditions, "availableReplicas": int(ready[1]) if ready else None}}


def _service(page: Page) -> Json:
    ports: list[Json] = []
    for each in page.entry.below:
        words = each.value.split()
        if each.key == "Port" and words:
            number, _, protocol = words[-1].partition("/")
            ports.append({"name": words[0] if len(words) > 1 and words[0] != "<unset>" else "", "port": int(number), "protocol": protocol})
        elif each.key == "TargetPort" and ports:
            ports[-1]["targetPort"] = specs.number(each.value.partition("/")[0])
        elif each.key == "AppProtocol" and ports:
            ports[-1]["appProtocol"] = each.value
    spec: Json = {"type": page.entry.text("Type"), "selector": page.entry.pairs("Selector"), "clusterIP": page.entry.text("IP"), "ports": ports}
    return {"spec": spec}


def _endpoints(page: Page) -> Json:
    subsets = page.entry.get("Subsets")
    ready = [part.strip() for part in (subsets.text("Addresses") if subsets else "").split(",") if part.strip()]
    waiting = [part.strip() for part in (subsets.text("NotReadyAddresses") if subsets else "").split(",") if part.strip()]
    return {"subsets": [{"addresses": [{"ip": each} for each in ready], "notReadyAddresses": [{"ip": each} for each in waiting]}]
            if ready or waiting else []}


def _node(page: Page) -> Json:
    taints: list[Json] = []
    for line in page.entry.values("Taints"):
        pair, _, effect = line.rpartition(":")
        key, _, value = pair.partition("=")
        taints.append({"key": key, "value": value, "effect": effect})
    conditions = [{"type": row.get("Type", ""), "status": row.get("Status", ""), "reason": row.get("Reason", ""), "message": row.get("Message", "")}
                  for row in section(page.text, "Conditions")]
    amounts = {key.lower(): {each.key: each.value for each in specs.below(page.entry, key)} for key in ("Capacity", "Allocatable")}
    return {"spec": {"taints": taints, "unschedulable": page.entry.text("Unschedulable") == "true"}, "status": {"conditions": conditions, **amounts}}


def modes(text: str) -> list[str]:
    """``RWO,RWX`` in full."""
    return [_MODES.get(each.strip(), each.strip()) for each in text.split(",") if each.strip() not in NOTHING]


def _claim(page: Page) -> Json:
    spec: Json = {"storageClassName": page.entry.text("StorageClass"), "volumeName": page.entry.text("Volume")}
    if modes(page.entry.text("Access Modes")):
        spec["accessModes"] = modes(page.entry.text("Access Modes"))
    return {"spec": spec, "status": {"phase": page.entry.text("Status"), "capacity": {"storage": page.entry.text("Capacity")}}}


def _volume(page: Page) -> Json:
    spec: Json = {"storageClassName": page.entry.text("StorageClass"), "accessModes": modes(page.entry.text("Access Modes")),
                  "capacity": {"storage": page.entry.text("Capacity")}}
    namespace, _, claim = page.entry.text("Claim").partition("/")
    if claim:
        spec["claimRef"] = {"namespace": namespace, "name": claim}
    return {"spec": spec, "status": {"phase": page.entry.text("Status")}}


def _quota(page: Page) -> Json:
    used, hard = quota_rows(page.text.splitlines())
    return {"status": {"used": used, "hard": hard}}


def quota_rows(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Used and hard of a quota: rows below ``Resource  Used  Hard``."""
    rows = [line.split() for line in lines]
    start = next((number for number, row in enumerate(rows) if row == ["Resource", "Used", "Hard"]), len(rows))
    found = [row for row in rows[start + 1:] if len(row) == 3 and not set(row[0]) <= {"-"}]
    return {row[0]: row[1] for row in found}, {row[0]: row[2] for row in found}


def _class(page: Page) -> Json:
    return {"provisioner": page.entry.text("Provisioner"), "volumeBindingMode": page.entry.text("VolumeBindingMode")}


def _account(page: Page) -> Json:
    return {"imagePullSecrets": [{"name": line.split(" ")[0]} for line in page.entry.values("Image pull secrets")]}


def _data(page: Page) -> Json:
    """A ConfigMap: keys stand alone before a line of dashes."""
    found = re.findall(r"^(\S+):\n-{4}\n(.*?)(?=\n\n|\n\S+:\n-{4}\n|\nBinaryData|\Z)", page.text, re.M | re.S)
    return {"data": {key: value.strip("\n") for key, value in found}}


def _secret(page: Page) -> Json:
    """Keys only, never values."""
    tail = page.text.partition("Data\n====")[2]
    return {"type": page.entry.text("Type"), "data": dict.fromkeys(re.findall(r"^(\S+):\s+\d+ bytes", tail, re.M), "")}


def _policy(page: Page) -> Json:
    """A NetworkPolicy, as far as "allows nothing" goes."""
    spec = page.entry.get("Spec")
    if spec is None:
        return {}
    types = [each.strip() for each in spec.text("Policy Types").split(",") if each.strip()]
    made: Json = {"podSelector": {"matchLabels": spec.pairs("PodSelector")}, "policyTypes": types}
    for key, field in (("Allowing ingress traffic", "ingress"), ("Allowing egress traffic", "egress")):
        rules = spec.get(key)
        if rules is not None:
            made[field] = [] if any(each.key.startswith("<none>") for each in rules.below) else [{"from": _peers(rules)} if field == "ingress" else {}]
    return {"spec": made}


def _peers(rules: Entry) -> list[Json]:
    found = [each.pairs("PodSelector") for each in [rules, *rules.below] if each.get("PodSelector")]
    found += [dict([pair.split("=", 1)]) for each in rules.below if each.key == "PodSelector" for pair in each.value.split(",") if "=" in pair]
    return [{"podSelector": {"matchLabels": each}} for each in found]


_READERS: dict[str, Callable[[Page], Json]] = {
    "pods": lambda page: specs.pod(page.entry, page.text), "deployments": _workload, "replicasets": _workload, "statefulsets": _workload, "daemonsets": _workload,
    "services": _service, "endpoints": _endpoints, "nodes": _node, "persistentvolumeclaims": _claim, "persistentvolumes": _volume,
    "resourcequotas": _quota, "storageclasses": _class, "serviceaccounts": _account, "configmaps": _data, "secrets": _secret,
    "networkpolicies": _policy,
}
