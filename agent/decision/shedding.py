"""Rules that keep requests away from what is overloaded: a bound on the pool of a mesh, a rate limit where clients come in.

They refuse somebody's requests, so each needs to know whose: a caller that repeats its calls, an address that floods. Demand that
everybody shares is no reason to refuse anybody; it asks for capacity.
"""

from __future__ import annotations

from agent.decision.candidates import Candidate, changed
from agent.decision.demand import OVERLOADED, pool, rate
from agent.decision.situation import Believed, Facts
from tools.actions.action import Json, Target

_AGAINST_POOL = ("above the bound callers are answered 503 at once, and not late; each client's proxy counts for itself, so that ten pods of a caller may have ten times "
                 "of it; whoever repeats its calls should be mended")
_AGAINST_RATE = "whoever shares an address with that client (a company's proxy, a mobile network) is refused with it; the limit counts for each {what} by itself"


def breaker(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """One caller's repeated calls overload it: the mesh bounds what is under way at once, and how much of it are retries."""
    if cause.cause not in OVERLOADED or changed(cause) or not (facts.mesh_rule and facts.namespace) or facts.bounded or cause.load == "same":
        return ()
    found = pool(cause.demand)
    if found is None:
        return ()
    params: dict[str, Json] = {"http1_max_pending_requests": found.requests, "http2_max_requests": found.requests, "max_retries": found.retries}
    flow = found.flow
    asked = f", though it is itself asked {flow.asked:.1f} times as much as before" if flow.asked is not None else ""
    return (Candidate("set_connection_pool", Target("DestinationRule", facts.mesh_rule, facts.namespace), params,
                      f"{flow.caller} calls it {flow.during:.1f} times a second, {flow.before:.1f} before{asked}: the mesh lets three times through of what was "
                      f"under way at most while all was well", _AGAINST_POOL),)


def ingress_limit(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """One client address floods it through one Ingress."""
    found = _flood(cause)
    if found is None or not (facts.ingress and facts.ingress_namespace) or facts.ingress_limited:
        return ()
    count, per = found
    return (Candidate("set_ingress_rate_limit", Target("Ingress", facts.ingress, facts.ingress_namespace), {f"requests_per_{per}": count}, _told(cause),
                      _AGAINST_RATE.format(what="replica of the controller")),)


def nginx_limit(cause: Believed, facts: Facts) -> tuple[Candidate, ...]:
    """One client address floods it through an nginx on this machine."""
    found = _flood(cause)
    if found is None or not facts.nginx:
        return ()
    count, per = found
    params: dict[str, Json] = {"requests": count, "per": per, "burst": 5 * count, "key": "client"}
    return (Candidate("limit_nginx_rate", Target("RateLimit", facts.nginx, system="nginx"), params, _told(cause), _AGAINST_RATE.format(what="nginx")),)


def _flood(cause: Believed) -> tuple[int, str] | None:
    if cause.cause not in OVERLOADED or changed(cause) or cause.load != "more":
        return None
    return rate(cause.clients)


def _told(cause: Believed) -> str:
    one = cause.clients
    assert one is not None  # noqa: S101 - a rate comes from clients
    return (f"{one.address or 'one address'} sends {one.share:.0%} of the requests, {one.most:.1f} a second, while none of {one.before} sent more than "
            f"{one.most_before:.1f} before: three times that is let through for each address")
