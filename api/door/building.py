"""The door of ``oncalm serve``, from its settings; and whether there is one to listen behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.approvals.people import Person
from agent.audit.journal import Journal
from agent.keys.keys import Keys
from agent.keys.sessions import Sessions
from api.door.bodies import BodyLimits
from api.door.door import Door
from api.door.hosts import App, loopback
from api.door.proxies import Proxies
from api.door.rates import Rates
from api.door.reception import Reception
from api.door.tokens import Issuer, Tokens
from telemetry.errors import UsageError


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """``local``: who sits at this machine; ``issuer``: the identity provider; ``hosts``: our names; ``proxies``: networks."""

    local: Person
    issuer: Issuer | None = None
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    rates: Rates = field(default_factory=Rates)
    bodies: BodyLimits = field(default_factory=BodyLimits)


def check_door(host: str, journal: Journal, settings: DoorSettings) -> None:
    """Raise UsageError where others could reach the server and nothing lets people in. Call it before listening."""
    if not loopback(host) and settings.issuer is None and not Keys(journal).usable():
        raise UsageError(f"{host} can be reached from other machines, and there is neither a key nor an identity provider", where="serve",
                         remedy="make a key (oncalm keys create NAME --role viewer), set ONCALM_OIDC_ISSUER, or listen on 127.0.0.1")


def open_door(app: App, host: str, journal: Journal, settings: DoorSettings, **more: Any) -> Door:
    """The door around an application that listens on ``host``. Raises UsageError as :func:`check_door` does."""
    check_door(host, journal, settings)
    keys = Keys(journal)
    local = settings.local if loopback(host) else None
    tokens = Tokens(settings.issuer) if settings.issuer else None
    reception = Reception(keys, Sessions(journal), tokens, local)
    guarded = local is None or tokens is not None or keys.ever()
    return Door(app, reception, host, guarded=guarded, names=settings.hosts, proxies=Proxies(settings.proxies), rates=settings.rates,
                bodies=settings.bodies, **more)
