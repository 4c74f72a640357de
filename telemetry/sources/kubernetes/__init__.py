"""A Kubernetes API server as a source: one connection per question, read only, within bounds.

``configuration`` reads a kubeconfig or a pod's service account, ``connection`` asks over the official client,
``reading`` lists and gets objects page by page, ``masking`` takes secrets out before anything else sees an object,
``changes`` tells what was rolled out, scaled, configured or cordoned. Nothing here writes.
"""
