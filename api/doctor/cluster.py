"""What ``oncalm doctor`` says of the configured cluster."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from telemetry.sources.kubernetes.configuration import Access


def cluster_checks(access: Access | None) -> list[dict[str, Any]]:
    """Whether the configured cluster can be reached, and what may be read there; nothing without one."""
    if access is None:
        return []
    from telemetry.sources.answers import Trouble
    from tools.cluster.permissions import readable
    from tools.cluster.tools import open_cluster

    with closing(open_cluster(access)) as cluster:
        try:
            found = readable(cluster)
        except Trouble as trouble:
            return [{"check": "cluster", "ok": False, "seen": f"{trouble.status.replace('_', ' ')}: {trouble.what}", "remedy": trouble.remedy}]
        except OnCalmError as error:
            return [{"check": "cluster", "ok": False, "seen": error.what, "remedy": error.remedy}]
        server = cluster.server.url
    ok = "pods" in found.may
    seen = f"{server} is Kubernetes {found.version}; may read {', '.join(found.may) or 'nothing'}"
    refused = {full: why for full, why in found.refused.items() if full != "secrets"}
    checks = [{"check": "cluster", "ok": ok, "seen": seen, "remedy": "" if ok else next(iter(refused.values()), "")}]
    for name, kinds, remedy in (("may not read", found.refused, "see deploy/rbac-read.yaml"), ("does not serve", found.absent, "")):
        if kinds:
            checks.append({"check": f"cluster {name}", "ok": True, "seen": ", ".join(kinds), "remedy": remedy})
    return checks
