"""A Kubernetes API server in memory, over real HTTP on loopback: what tests, demos and rehearsals ask instead of a cluster.

It stores objects and answers as an API server does (lists in pages, selectors, metadata only, logs, usage, refusals; patches,
dry runs, conflicts, deletions, evictions); no controller runs behind it. It says who it is: ``/version`` gives ``v1.34.0+oncalm-double``.
"""

from tools.cluster.double.faults import Fault
from tools.cluster.double.objects import Objects
from tools.cluster.double.replies import Asked
from tools.cluster.double.server import ApiDouble, kubeconfig

__all__ = ["ApiDouble", "Asked", "Fault", "Objects", "kubeconfig"]
