"""Models that play a script: the double of a real one, in process and over HTTP. Used by tests and evals.

``model`` plays replies in process; ``server`` is an endpoint on loopback that plays the steps of ``step``; ``rules`` and
``obedient`` are brains that decide a reply from the request. ``python -m agent.scripted SCRIPT.json`` serves one.
"""
