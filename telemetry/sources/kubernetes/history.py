"""The changes of a cluster, read from it."""

from __future__ import annotations

from telemetry.records import Change
from telemetry.sources.answers import Gathering, Trouble, gathered
from telemetry.sources.kubernetes.changes import NEEDED, changes
from telemetry.sources.kubernetes.reading import Cluster, Object
from telemetry.sources.protocols import Answer

_NAMES_ONLY = frozenset({"configmaps", "secrets"})


def read_changes(cluster: Cluster, namespace: str = "") -> Answer[Change]:
    """All changes that the cluster's objects tell of, oldest first; kinds that cannot be read are gaps of the answer."""

    def work(g: Gathering[Change]) -> None:
        held: dict[str, list[Object]] = {}
        troubles: list[Trouble] = []
        for kind in NEEDED:
            try:
                held[kind] = cluster.objects(g, kind, namespace, metadata=kind in _NAMES_ONLY)
            except Trouble as trouble:
                troubles.append(trouble)
        if not held:
            raise troubles[0]
        for one in troubles:
            g.gap(str(one))
        g.note("only the last write of each field is known, events of about an hour, and the revisions that controllers keep")
        g.records += changes(held)

    return gathered("kubernetes", work)
