"""Whether an action helped: checks of several signals before and after it, a hold, and what follows when it did not.

It changes nothing itself: the cluster, the alert, the telemetry and the way back are callables, time is handed in.
"""
