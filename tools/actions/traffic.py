"""Where requests go: weights of VirtualServices and HTTPRoutes, circuit breakers of Istio, rate limits of ingress-nginx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, model_validator

from telemetry.sources.answers import Trouble
from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Blast, Obstacle
from tools.actions.kinds import ActionType, Bounds, Inverse, Params, edited
from tools.actions.restoring import restoring
from tools.actions.world import LINKERD_ROUTE, Situation, hindered

_LIMITS = "nginx.ingress.kubernetes.io/limit-"
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$", max_length=20)]
"""As Istio writes it: ``30s``, ``1.5m``."""
P = TypeVar("P", bound=Params)
Name = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class WeightParams(Params):
    """Weights by destination."""

    weights: dict[Name, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        min_length=1, max_length=50, description="Weight by destination: host/subset or host of a VirtualService, name of an HTTPRoute's backend; those not named get 0")
    route: int | None = Field(default=None, ge=0, le=1000, description="Which http route or rule, from 0; null: the only one with all these destinations")


class OutlierParams(Params):
    """When a host is taken out of the load balancing (istio.io: OutlierDetection); at least one."""

    consecutive_5xx_errors: int | None = Field(default=None, ge=1, le=10_000)
    interval: Duration | None = None
    base_ejection_time: Duration | None = None
    max_ejection_percent: int | None = Field(default=None, ge=1, le=100)
    min_health_percent: int | None = Field(default=None, ge=0, le=100)

    @model_validator(mode="after")
    def _something(self) -> OutlierParams:
        return _given(self)

    def fields(self) -> dict[str, Any]:
        """In Istio's names."""
        named = {"consecutive5xxErrors": self.consecutive_5xx_errors, "interval": self.interval, "baseEjectionTime": self.base_ejection_time,
                 "maxEjectionPercent": self.max_ejection_percent, "minHealthPercent": self.min_health_percent}
        return {key: value for key, value in named.items() if value is not None}


class PoolParams(Params):
    """How many connections and requests may wait or run at once (istio.io: ConnectionPoolSettings); at least one."""

    max_connections: int | None = Field(default=None, ge=1, le=1_000_000)
    connect_timeout: Duration | None = None
    http1_max_pending_requests: int | None = Field(default=None, ge=1, le=1_000_000)
    http2_max_requests: int | None = Field(default=None, ge=1, le=1_000_000)
    max_requests_per_connection: int | None = Field(default=None, ge=1, le=1_000_000)
    max_retries: int | None = Field(default=None, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _something(self) -> PoolParams:
        return _given(self)

    def fields(self) -> dict[str, dict[str, Any]]:
        """In Istio's names, by protocol."""
        tcp = {"maxConnections": self.max_connections, "connectTimeout": self.connect_timeout}
        http = {"http1MaxPendingRequests": self.http1_max_pending_requests, "http2MaxRequests": self.http2_max_requests,
                "maxRequestsPerConnection": self.max_requests_per_connection, "maxRetries": self.max_retries}
        both: dict[str, dict[str, Any]] = {"tcp": {k: v for k, v in tcp.items() if v is not None}, "http": {k: v for k, v in http.items() if v is not None}}
        return {key: value for key, value in both.items() if value}


class IngressParams(Params):
    """Limits per client address (kubernetes.github.io/ingress-nginx: rate limiting annotations); at least one."""

    requests_per_second: int | None = Field(default=None, ge=1, le=1_000_000)
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    connections: int | None = Field(default=None, ge=1, le=1_000_000)
    burst_multiplier: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _something(self) -> IngressParams:
        return _given(self)

    def annotations(self) -> dict[str, str]:
        """As ingress-nginx reads them."""
        named = {"rps": self.requests_per_second, "rpm": self.requests_per_minute, "connections": self.connections, "burst-multiplier": self.burst_multiplier}
        return {f"{_LIMITS}{key}": str(value) for key, value in named.items() if value is not None}


def _given(params: P) -> P:
    if not params.plain():
        raise ValueError(f"give at least one of {', '.join(type(params).model_fields)}")
    return params


def _routes(each: dict[str, Any]) -> list[dict[str, Any]]:
    """The http routes of a VirtualService or the rules of an HTTPRoute."""
    found = at(each, "spec", "http" if each.get("kind") == "VirtualService" else "rules")
    return [one for one in found or () if isinstance(one, dict)]


def _destinations(route: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The weighted destinations of a route by their names."""
    if kind != "VirtualService":
        return {str(one.get("name")): one for one in route.get("backendRefs") or ()}
    found = {}
    for one in route.get("route") or ():
        host, subset = at(one, "destination", "host"), at(one, "destination", "subset")
        found[f"{host}/{subset}" if subset else str(host)] = one
    return found


def _kind(situation: Situation) -> str:
    return "VirtualService" if situation.target.kind == "VirtualService" else "HTTPRoute"


def _route(situation: Situation, params: WeightParams) -> int:
    """Which route is meant. Raises Hindered."""
    every = [_destinations(one, _kind(situation)) for one in _routes(dict(situation.object))]
    fit = [number for number, one in enumerate(every) if params.weights.keys() <= one.keys() and params.route in {None, number}]
    if len(fit) == 1:
        return fit[0]
    has = "; ".join(f"{number}: {', '.join(one)}" for number, one in enumerate(every))
    why = "several routes have these destinations" if fit else "no route has all these destinations"
    raise hindered("missing_route", f"{why} ({has or 'it has none'})", "name the route by its number")


def _weights_complete(situation: Situation, params: WeightParams) -> WeightParams:
    number = _route(situation, params)
    every = _destinations(_routes(dict(situation.object))[number], _kind(situation))
    return WeightParams(weights={name: params.weights.get(name, 0) for name in sorted(every)}, route=number)


def _weighted(situation: Situation, params: WeightParams) -> dict[str, Any]:
    number, total = _route(situation, params), sum(params.weights.values())
    if total == 0 or _kind(situation) == "VirtualService" and total != 100:
        raise hindered("bounds", f"the weights sum up to {total}", "of a VirtualService they sum up to 100, of an HTTPRoute to more than 0")
    found = edited(situation)
    for name, one in _destinations(_routes(found)[number], _kind(situation)).items():
        one["weight"] = params.weights.get(name, 0)
    return found


def _shares(route: dict[str, Any], kind: str) -> dict[str, float]:
    """The share of the requests by destination. Gateway API counts a missing weight as 1, Istio a single one as all."""
    every = _destinations(route, kind)
    missing = 1 if kind != "VirtualService" else 100 if len(every) == 1 else 0
    weights = {name: int(one.get("weight", missing)) for name, one in every.items()}
    total = sum(weights.values()) or 1
    return {name: weight / total for name, weight in weights.items()}


def _weights_blast(situation: Situation, params: WeightParams) -> Blast:
    number, kind = _route(situation, params), _kind(situation)
    before = _shares(_routes(dict(situation.object))[number], kind)
    after = _shares(_routes(_weighted(situation, params))[number], kind)
    moved = round(sum(abs(after[name] - before[name]) for name in after) / 2, 4)
    hosts = tuple(sorted({name.partition("/")[0] for name in after}))
    return Blast(0, moved, hosts, f"{moved:.0%} of the requests of the route go elsewhere; no pod is touched")


def _weights_predicted(situation: Situation, params: WeightParams) -> str:
    shares = _shares(_routes(_weighted(situation, params))[_route(situation, params)], _kind(situation))
    return f"within 2 minutes the requests of the route split as {', '.join(f'{name} {share:.0%}' for name, share in shares.items())} (within 5 points)"


def _broken(situation: Situation, key: str, fields: dict[str, Any]) -> dict[str, Any]:
    found = edited(situation)
    policy = found.setdefault("spec", {}).setdefault("trafficPolicy", {})
    own = policy.setdefault(key, {})
    for name, value in fields.items():
        own[name] = {**own.get(name, {}), **value} if isinstance(value, dict) else value
    return found


def _outlier(situation: Situation, params: OutlierParams) -> dict[str, Any]:
    return _broken(situation, "outlierDetection", params.fields())


def _pool(situation: Situation, params: PoolParams) -> dict[str, Any]:
    return _broken(situation, "connectionPool", params.fields())


def _breaker_blast(situation: Situation, _params: Params) -> Blast:
    host = str(situation.spec.get("host") or "")
    return Blast(0, None, (host,) if host else (), f"every client of {host} in the mesh gets the new limits; no pod is touched")


def _subset_hinders(situation: Situation, key: str) -> Iterator[Obstacle]:
    own = [str(one.get("name")) for one in situation.spec.get("subsets") or () if at(one, "trafficPolicy", key) is not None]
    if own:
        yield Obstacle("overridden", f"the subsets {', '.join(own)} have their own {key}, which stays as it is", "change those subsets, too", blocking=False)


def _limited(situation: Situation, params: IngressParams) -> dict[str, Any]:
    found = edited(situation)
    about = found["metadata"]
    about["annotations"] = {**(about.get("annotations") or {}), **params.annotations()}
    return found


def _ingress_blast(situation: Situation, _params: IngressParams) -> Blast:
    services = {str(at(path, "backend", "service", "name") or at(path, "backend", "serviceName")) for rule in situation.spec.get("rules") or ()
                for path in at(rule, "http", "paths") or ()}
    return Blast(0, None, tuple(sorted(services - {"None"})), "clients above the limit are answered 503; no pod is touched")


def _ingress_hinders(situation: Situation, _params: IngressParams, _bounds: Bounds) -> Iterator[Obstacle]:
    named = situation.spec.get("ingressClassName") or (at(situation.object, "metadata", "annotations") or {}).get("kubernetes.io/ingress.class")
    if not named:
        yield Obstacle("other_controller", "the Ingress names no class: whether ingress-nginx serves it is not known", "see which controller serves it", blocking=False)
        return
    try:
        found = situation.world.get("IngressClass", str(named))
    except Trouble:
        found = None
    controller = str(at(found, "spec", "controller") or "")
    if controller and not controller.startswith("k8s.io/ingress-nginx"):
        yield Obstacle("other_controller", f"its class {named} is served by {controller}, which does not read these annotations", "limit the rate as that controller does")
    elif not controller and named != "nginx":
        yield Obstacle("other_controller", f"whether ingress-nginx serves the class {named} cannot be read", "see which controller serves it", blocking=False)


def _back(change: Any) -> Any:
    def inverse(situation: Situation, params: Params) -> Inverse:
        return restoring(situation, change(situation, params))

    return inverse


TRAFFIC = (
    ActionType("shift_traffic", "Set the weights between destinations, as from a canary back to stable", ("VirtualService", "HTTPRoute", LINKERD_ROUTE),
               WeightParams, _weighted, _back(_weighted), _weights_predicted, _weights_blast, complete=_weights_complete, undone_by="`restore` of the old weights"),
    ActionType("set_outlier_detection", "Take hosts that fail out of the load balancing (circuit breaker)", ("DestinationRule",), OutlierParams, _outlier,
               _back(_outlier), lambda s, p: f"within 5 minutes the rate of 5xx answers from {s.spec.get('host')} to its clients falls", _breaker_blast,
               lambda s, p, b: _subset_hinders(s, "outlierDetection"), undone_by="`restore` of the old fields"),
    ActionType("set_connection_pool", "Bound connections and waiting requests to a host (circuit breaker)", ("DestinationRule",), PoolParams, _pool,
               _back(_pool), lambda s, p: f"within 5 minutes the connections and waiting requests to {s.spec.get('host')} stay below the bounds", _breaker_blast,
               lambda s, p, b: _subset_hinders(s, "connectionPool"), undone_by="`restore` of the old fields"),
    ActionType("set_ingress_rate_limit", "Limit the rate per client address at ingress-nginx", ("Ingress",), IngressParams, _limited, _back(_limited),
               lambda s, p: "within 2 minutes no client address gets more answers other than 503 than the limit and its burst permit", _ingress_blast, _ingress_hinders,
               undone_by="`restore` of the old annotations"),
)
