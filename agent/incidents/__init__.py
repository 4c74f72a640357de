"""Alerts of other systems, made into incidents: read, grouped, kept, investigated once, and led through their life.

What an alert says is data: it is masked, kept and shown, and never obeyed. Nothing here is fetched from a URL that an
alert names. Who may call is said by the routes above; who may post is proved here (:mod:`agent.incidents.senders`).
"""
