"""Images that cannot be pulled.

The kubelet reports ``ErrImagePull`` with the runtime's answer, then ``ImagePullBackOff``
(kubernetes/pkg/kubelet/images/types.go); the answer's words are those of containerd and of the distribution registry's
error codes (MANIFEST_UNKNOWN, NAME_UNKNOWN, UNAUTHORIZED, DENIED, TOOMANYREQUESTS).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from signals.kube.finding import LIKELY, STATED, SYMPTOM, Finding, Rule, found
from signals.kube.state import at, items_at, name_of
from signals.kube.view import Event, View, Workload, waiting

_FAILED = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ImageInspectError", "ErrImageNeverPull", "RegistryUnavailable"}
ANSWERS = (
    ("registry_dns", r"lookup \S+.*?(?:no such host|server misbehaving|i/o timeout|temporary failure|timed? ?out|connection refused|no answer)|"
                     r"temporary failure in name resolution|could not resolve host|name or service not known|no such host"),
    ("registry_rate_limit", r"toomanyrequests|too many requests|rate limit|\b429\b"),
    ("image_reference", r"manifest unknown|name unknown|repository .*(?:not exist|not found)|invalid reference format|"
                        r"couldn't parse image|\bnot found\b|\b404\b|no match for platform|does not exist|InvalidImageName"),
    ("image_pull_secret", r"unauthorized|authorization failed|authentication required|no basic auth credentials|\b40[13]\b|forbidden|"
                          r"denied|failed to authorize|anonymous token|insufficient_scope"),
    ("registry_unreachable", r"connection refused|i/o timeout|no route to host|network is unreachable|tls|x509|certificate|"
                             r"deadline exceeded|connection reset|\bEOF\b|http: server gave HTTP response|50[0234]"),
)
"""Cause → the registry's or runtime's words, most telling first."""


def unpulled(view: View) -> Iterator[Finding]:
    """A finding for each workload that waits for an image."""
    for workload in view.workloads:
        images = [(reason, message) for pod in workload.pods for _, reason, message in waiting(pod) if reason in _FAILED]
        events = [each for each in view.events_about(workload) if _about_pulling(each)]
        if not images and (workload.ready or not events):
            continue
        yield _found(view, workload, [message for _, message in images], events)


def _about_pulling(event: Event) -> bool:
    return event.warning and (event.reason in {"FailedToRetrieveImagePullSecret", "InspectFailed", "ErrImageNeverPull"} or (
        event.reason == "Failed" and "image" in event.message.lower()))


def _found(view: View, workload: Workload, messages: list[str], events: list[Event]) -> Finding:
    secret = next((each for each in events if each.reason == "FailedToRetrieveImagePullSecret"), None)
    words = [*messages, *(each.message for each in events if "pull" in each.message or "image" in each.message)]
    cause, line = next(((cause, line) for line in sorted(words, key=len, reverse=True) for cause in [answer(line)] if cause),
                       ("", words[0] if words else ""))
    absent = missing_pull_secrets(view, workload)
    refs = (workload.ref, *(each.ref for each in events[:2]))
    when = events[0].last if events else None
    tail = f"; pull secret missing: {', '.join(absent)}" if absent else ""
    refused = cause in {"", "image_pull_secret"} or (cause == "image_reference" and re.search("denied|authoriz", line))
    if (secret or absent) and refused:  # registries answer a private name they do not show as one that does not exist
        told = secret.message if secret else line
        return found("image_pull_secret", workload.entity, f"{workload.name} cannot pull its image: “{told}” “{line}”{tail}",
                     STATED + 0.5, namespace=workload.namespace, refs=refs, at=when)
    if cause:
        return found(cause, workload.entity, f"{workload.name} cannot pull its image: “{line}”{tail}", STATED,
                     namespace=workload.namespace, refs=refs, at=when)
    return found("image_reference", workload.entity, f"{workload.name} waits for its image: “{line}”; no answer of the registry is recorded",
                 LIKELY if not words else SYMPTOM + 1, namespace=workload.namespace, refs=refs, at=when)


def answer(line: str) -> str:
    """The cause the registry's answer names, or ""."""
    return next((cause for cause, words in ANSWERS if re.search(words, line, re.I)), "")


def missing_pull_secrets(view: View, workload: Workload) -> list[str]:
    """Pull secrets that the pod or its service account names and nobody has."""
    if not view.state.knows("secrets"):
        return []
    account = view.state.find("serviceaccounts", str(at(workload.spec, "serviceAccountName") or "default"), workload.namespace)
    named = items_at(workload.spec, "imagePullSecrets") + items_at(account, "imagePullSecrets")
    known = {name_of(each) for each in view.state.of("secrets", workload.namespace)}
    return sorted({str(at(each, "name")) for each in named} - known)


RULES: tuple[Rule, ...] = (unpulled,)
