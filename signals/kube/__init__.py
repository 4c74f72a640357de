"""Kubernetes' own reasons: what the objects, events and logs of a cluster say is wrong, and what is only a consequence.

Pure: a :class:`~signals.kube.state.ClusterState` and the time in, findings out. Nothing here asks a cluster
(``tools.cluster`` does) or knows a benchmark (``evals.kube`` does).
"""
