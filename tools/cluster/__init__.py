"""A Kubernetes cluster, read only: what there is, what its containers say, and what is wrong with it.

Requests are single GETs with time-outs, pages and no watch. Values of secrets are never asked for, those of
configuration maps dropped as they arrive. What may not be read is *not assessed*, with the permission that is missing.
"""
