"""Tokens of an identity provider: JWTs (RFC 7519) checked as RFC 8725 says, and what their claims make of somebody.

Which algorithms count, whose keys, which issuer and which audience is configuration. Of the token's header only ``kid`` and
``alg`` are read, to pick among what is allowed; ``jku``, ``x5u``, ``jwk`` and ``x5c`` would let a token bring its own key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from agent.approvals.people import Person, Role
from api.door.jwks import Jwks, check_address
from api.door.needs import StrangerError
from telemetry.errors import UsageError

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Only these can be allowed: with a shared secret (HS…) a public key would be one."""
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Of ``typ``, where it is given: identity and access tokens (RFC 9068), not logout tokens or proofs."""
_LARGEST = 16_384
_ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed, and how their claims are read. ``leeway`` in seconds."""

    issuer: str
    audiences: tuple[str, ...]
    jwks_url: str | None = None
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    leeway: float = 30.0
    name_claim: str = "sub"
    """What a person is called by. ``email`` counts only when ``email_verified`` is true."""
    role_claim: str = "groups"
    """A claim with one value or a list; dots lead into objects, as ``realm_access.roles``."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """From a value of that claim to a role; the highest of several counts."""
    default_role: Role | None = None
    """Of those whose token names none; None keeps them out."""
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for what could not be safe or could let nobody in."""
        def wrong(what: str, where: str, remedy: str) -> UsageError:
            return UsageError(what, where=where, remedy=remedy)

        if not self.audiences or not all(self.audiences):
            raise wrong("tokens for any audience would be believed", "ONCALM_OIDC_AUDIENCE", "name the client id or API that tokens are made for")
        if not self.algorithms or not ASYMMETRIC.issuperset(self.algorithms):
            raise wrong("only asymmetric algorithms may be allowed", "ONCALM_OIDC_ALGORITHMS", f"use some of {', '.join(sorted(ASYMMETRIC))}")
        named = {*self.roles.values(), *([self.default_role] if self.default_role else [])}
        if not named or named - set(_ROLES):
            raise wrong("the roles must be viewer, responder, approver or admin", "ONCALM_OIDC_ROLES", 'for example {"sre": "responder", "sre-leads": "approver"}')
        if not 0 <= self.leeway <= 300:
            raise wrong("the leeway must be 0 to 300 seconds", "ONCALM_OIDC_LEEWAY", "clocks are that close")
        check_address(self.jwks_url or self.issuer)


class TokenError(StrangerError):
    """A token that is not believed (HTTP 401). What it says does not repeat the token."""


@dataclass(frozen=True, slots=True)
class Believed:
    """Whom a token stands for, until when (UTC)."""

    person: Person
    until: datetime


class Tokens:
    """Checks the tokens of one issuer."""

    def __init__(self, issuer: Issuer, jwks: Jwks | None = None) -> None:
        self._issuer = issuer
        self._jwks = jwks or Jwks(issuer.issuer, issuer.jwks_url, ca_file=issuer.ca_file)

    async def believed(self, token: str) -> Believed:
        """Whom a token stands for. Raises TokenError and, when the provider's keys cannot be had, ProviderError."""
        header = _header(token)
        algorithm = header.get("alg")
        if algorithm not in self._issuer.algorithms:
            raise _no("its algorithm is not allowed")
        if str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise _no("it is no identity or access token")
        if "crit" in header or header.get("b64", True) is not True:
            raise _no("it needs extensions that are not known")
        kid = header.get("kid")
        if kid is not None and (not isinstance(kid, str) or len(kid) > 500):
            raise _no("its key id is no text")
        keys = await self._jwks.candidates(kid, algorithm)
        claims = self._claims(token, keys, algorithm)
        return Believed(self._person(claims), datetime.fromtimestamp(int(claims["exp"]), UTC))

    def _claims(self, token: str, keys: list[Any], algorithm: str) -> Mapping[str, Any]:
        import jwt

        why: Exception | None = None
        for key in keys:
            try:
                return jwt.decode(token, key, algorithms=[algorithm], audience=list(self._issuer.audiences), issuer=self._issuer.issuer,
                                  leeway=self._issuer.leeway, options={"require": ["exp", "iat", "iss", "aud", "sub"]})
            except jwt.InvalidSignatureError as error:
                why = error
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
                raise _no(_said(error)) from error
        raise _no("its signature is of none of the provider's keys") from why

    def _person(self, claims: Mapping[str, Any]) -> Person:
        issuer = self._issuer
        name = _claim(claims, issuer.name_claim)
        if issuer.name_claim == "email" and claims.get("email_verified") is not True:
            raise _no("its mail address is not verified")
        role = highest(_claim(claims, issuer.role_claim), issuer.roles) or issuer.default_role
        if role is None:
            raise _no(f"its claim {issuer.role_claim} gives no role here")
        try:
            if not isinstance(name, str):
                raise UsageError("no text")
            return Person(name.strip(), role)
        except UsageError as error:
            raise _no(f"its claim {issuer.name_claim} is no name of a person") from error


def highest(value: object, roles: Mapping[str, Role]) -> Role | None:
    """The highest role that a claim's value or values give."""
    given = value if isinstance(value, list) else [value]
    found = {roles[one] for one in given if isinstance(one, str) and one in roles}
    return max(found, key=_ROLES.index) if found else None


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """A claim by its own name, else by dots into objects: names of claims may be URLs, which have dots."""
    if path in claims:
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _header(token: str) -> Mapping[str, Any]:
    import jwt

    if len(token) > _LARGEST:
        raise _no("it is too long")
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise _no("it is neither an API key nor a token") from error


_REASONS: tuple[tuple[str, str], ...] = (
    ("ExpiredSignatureError", "it has expired"), ("ImmatureSignatureError", "it is not valid yet"), ("InvalidAudienceError", "it is for another audience"),
    ("InvalidIssuerError", "it is of another issuer"), ("MissingRequiredClaimError", "a claim is missing: exp, iat, iss, aud and sub are needed"),
)


def _said(error: Exception) -> str:
    return dict(_REASONS).get(type(error).__name__, "it is malformed")


def _no(why: str) -> TokenError:
    return TokenError(f"the token is not accepted: {why}", where="Authorization", remedy="get a new one from the identity provider")


