"""Which sessions are not like the normal ones: models of normal sessions alone, no labels, plain JSON on disk.

A *session* is a sequence of template texts that belong together (a block, a request, a container, a pod's start).
:class:`signals.anomaly.detector.SessionDetector` is the way in. It must not read a store, a file or a clock.
"""
