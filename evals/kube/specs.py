"""Pods, templates and containers as kubectl describes them, back into API objects."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

from evals.kube.tables import NOTHING, Entry, moment, section

Json = dict[str, Any]
_TIMING = re.compile(r"delay=(?P<delay>\d+)s timeout=(?P<timeout>\d+)s period=(?P<period>\d+)s #success=(?P<success>\d+) #failure=(?P<failure>\d+)")
_HTTP = re.compile(r"http-get (?P<scheme>https?)://(?P<host>[^:/\s]*):(?P<port>[^/\s]*)(?P<path>/\S*)?", re.I)
_TCP = re.compile(r"tcp-socket (?P<host>[^:\s]*):(?P<port>\S+)")
_GRPC = re.compile(r"grpc <pod>:(?P<port>\d+)(?: (?P<service>(?!delay=)\S+))?")
_EXEC = re.compile(r"exec \[(?P<command>.*)\] delay=")
_KEY_OF = re.compile(r"<set to the key '(?P<key>[^']+)' (?:in|of) (?P<kind>secret|config map) '(?P<name>[^']+)'>(?P<rest>.*)")
_TOLERATION = re.compile(r"^(?P<key>[^\s:=]*)(?:=(?P<value>[^:\s]*))?(?::(?P<effect>\w+))?(?P<exists> op=Exists)?(?: for (?P<seconds>\d+)s)?$")


def number(text: str) -> int | str:
    """A port: a number, or a name."""
    return int(text) if text.isdigit() else text


def probe(text: str) -> Json:
    """``http-get http://:8080/ok delay=0s timeout=1s period=10s #success=1 #failure=3``."""
    spec: Json = {}
    timing = _TIMING.search(text)
    if timing:
        spec = {"initialDelaySeconds": int(timing["delay"]), "timeoutSeconds": int(timing["timeout"]), "periodSeconds": int(timing["period"]),
                "successThreshold": int(timing["success"]), "failureThreshold": int(timing["failure"])}
    if match := _HTTP.match(text):
        spec["httpGet"] = {"port": number(match["port"]), "path": match["path"] or "/", "scheme": match["scheme"].upper()}
    elif match := _TCP.match(text):
        spec["tcpSocket"] = {"port": number(match["port"])}
    elif match := _GRPC.match(text):
        spec["grpc"] = {"port": int(match["port"]), "service": match["service"] or ""}
    elif match := _EXEC.match(text):
        spec["exec"] = {"command": match["command"].split()}
    return spec


def container(entry: Entry) -> Json:
    """The spec of one container."""
    spec: Json = {"name": entry.key, "image": entry.text("Image"), "resources": {}}
    for kind in ("Limits", "Requests"):
        found = entry.get(kind)
        if found:
            spec["resources"][kind.lower()] = {each.key: each.value for each in found.below}
    for key, field in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        if entry.text(key):
            spec[field] = probe(entry.text(key))
    ports = entry.text("Port") or entry.text("Ports")
    spec["ports"] = [_port(part) for part in ports.split(",") if part.strip() and not part.strip().startswith("0/")]
    spec["env"] = [_variable(each) for each in below(entry, "Environment")]
    spec["envFrom"] = [_from(each) for each in below(entry, "Environment Variables from")]
    spec["volumeMounts"] = [_mount(line) for line in entry.values("Mounts")]
    for key in ("Command", "Args"):
        if entry.values(key):
            spec[key.lower()] = entry.values(key)
    return spec


def _port(text: str) -> Json:
    port, _, protocol = text.strip().partition("/")
    return {"containerPort": int(re.sub(r"\D", "", port) or 0), "protocol": re.sub(r"\W.*", "", protocol) or "TCP"}


def _variable(each: Entry) -> Json:
    match = _KEY_OF.match(each.value)
    if match:
        ref = {"name": match["name"], "key": match["key"], "optional": "Optional: true" in match["rest"]}
        return {"name": each.key, "valueFrom": {"secretKeyRef" if match["kind"] == "secret" else "configMapKeyRef": ref}}
    if re.match(r"\(v\d:|<set to", each.value):
        return {"name": each.key, "valueFrom": {"fieldRef": {}}}
    return {"name": each.key, "value": each.value}


def _from(each: Entry) -> Json:
    """``name  Secret  Optional: false``; the colon belongs to the last column."""
    words = f"{each.key}: {each.value}".split()
    kind = "secretRef" if "Secret" in words else "configMapRef"
    return {kind: {"name": words[0].rstrip(":"), "optional": words[-1] == "true"}}


def _mount(line: str) -> Json:
    match = re.match(r"(?P<path>\S+) from (?P<volume>\S+) \((?P<how>[^)]*)\)", line)
    if match is None:
        return {}
    return {"mountPath": match["path"], "name": match["volume"], "readOnly": "ro" in match["how"].split(",")}


def volume(entry: Entry) -> Json:
    """One volume."""
    spec: Json = {"name": entry.key}
    kind = entry.text("Type").split(" ")[0]
    optional = entry.text("Optional") == "true"
    if kind == "PersistentVolumeClaim":
        spec["persistentVolumeClaim"] = {"claimName": entry.text("ClaimName"), "readOnly": entry.text("ReadOnly") == "true"}
    elif kind == "Secret":
        spec["secret"] = {"secretName": entry.text("SecretName"), "optional": optional}
    elif kind == "ConfigMap":
        spec["configMap"] = {"name": entry.text("Name"), "optional": optional}
    elif kind == "HostPath":
        spec["hostPath"] = {"path": entry.text("Path")}
    elif kind == "EmptyDir":
        spec["emptyDir"] = {}
    return spec


def toleration(line: str) -> Json | None:
    """``key=value:NoSchedule op=Exists for 300s``."""
    match = _TOLERATION.match(line.strip())
    if match is None:
        return None
    spec: Json = {"operator": "Exists" if match["exists"] else "Equal"}
    for field in ("key", "value", "effect"):
        if match[field]:
            spec[field] = match[field]
    return spec


def pod_spec(entry: Entry) -> Json:
    """The spec of a pod or of a template."""
    spec: Json = {"containers": [container(each) for each in below(entry, "Containers")],
                  "initContainers": [container(each) for each in below(entry, "Init Containers")],
                  "volumes": [volume(each) for each in below(entry, "Volumes")]}
    if entry.text("Service Account"):
        spec["serviceAccountName"] = entry.text("Service Account")
    selector = entry.pairs("Node-Selectors")
    if selector:
        spec["nodeSelector"] = selector
    tolerations = [each for line in entry.values("Tolerations") if (each := toleration(line))]
    if tolerations:
        spec["tolerations"] = tolerations
    return spec


def below(entry: Entry, key: str) -> list[Entry]:
    """What is indented below a key."""
    found = entry.get(key)
    return found.below if found else []


def state(entry: Entry | None) -> Json:
    """``State:  Waiting`` with its reason, exit code and times below."""
    if entry is None or entry.value in NOTHING:
        return {}
    detail: Json = {}
    for key, field in (("Reason", "reason"), ("Message", "message")):
        if entry.text(key):
            detail[field] = entry.text(key)
    for key, field in (("Started", "startedAt"), ("Finished", "finishedAt")):
        when = moment(entry.text(key))
        if when:
            detail[field] = when.astimezone(UTC).isoformat()
    if entry.text("Exit Code").lstrip("-").isdigit():
        detail["exitCode"] = int(entry.text("Exit Code"))
    return {entry.value.lower(): detail}


def status(entry: Entry) -> Json:
    """The status of one container."""
    count = entry.text("Restart Count")
    return {"name": entry.key, "ready": entry.text("Ready") == "True", "restartCount": int(count) if count.isdigit() else 0,
            "state": state(entry.get("State")), "lastState": state(entry.get("Last State"))}


def pod(entry: Entry, text: str) -> Json:
    """A whole pod."""
    node = entry.text("Node").partition("/")[0]
    spec = pod_spec(entry)
    if node:
        spec["nodeName"] = node
    owner = entry.text("Controlled By").partition("/")
    conditions = [{"type": row.get("Type", ""), "status": row.get("Status", "")} for row in section(text, "Conditions")]
    return {"metadata": {"name": entry.text("Name"), "namespace": entry.text("Namespace"), "labels": entry.pairs("Labels"),
                         "ownerReferences": [{"kind": owner[0], "name": owner[2]}] if owner[2] else []},
            "spec": spec,
            "status": {"phase": entry.text("Status").split(" ")[0], "podIP": entry.text("IP"), "reason": entry.text("Reason"),
                       "message": entry.text("Message"), "conditions": conditions,
                       "containerStatuses": [status(each) for each in below(entry, "Containers") if each.get("State")],
                       "initContainerStatuses": [status(each) for each in below(entry, "Init Containers") if each.get("State")]}}
