"""Tokens of an identity provider: which are believed, over real HTTP to a provider whose keys turn."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from api.door.building import DoorSettings
from api.door.jwks import AGAIN, FRESH, STALE, Jwks, ProviderError
from api.door.tokens import Issuer, TokenError, Tokens, highest
from telemetry.errors import UsageError
from tests.api.door.house import LOCAL, House, bearer
from tests.api.door.provider import AUDIENCE, Provider, pem, public

ROLES: Any = {"sre": "responder", "sre-leads": "approver"}


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.close()


def issuer(provider: Provider, **more: Any) -> Issuer:
    return Issuer(provider.issuer, (AUDIENCE,), **{"roles": ROLES, "algorithms": ("RS256", "ES256", "EdDSA"), **more})


def believed(provider: Provider, token: str, **more: Any) -> Any:
    return asyncio.run(Tokens(issuer(provider, **more)).believed(token))


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(provider: Provider, secret: bytes, **header: Any) -> str:
    """A token "signed" with what everybody knows: by hand, since libraries refuse to."""
    signed = f"{b64({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first', **header})}.{b64(provider.claims())}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


@cache
def other() -> Any:
    """A key that is not the provider's."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


FORGED: dict[str, Callable[[Provider], str]] = {
    "alg none": lambda p: f"{b64({'alg': 'none', 'kid': 'first'})}.{b64(p.claims())}.",
    "alg None in other letters": lambda p: f"{b64({'alg': 'nOnE', 'kid': 'first'})}.{b64(p.claims())}.",
    "no alg": lambda p: f"{b64({'kid': 'first'})}.{b64(p.claims())}.AAAA",
    "alg is a list": lambda p: f"{b64({'alg': ['RS256'], 'kid': 'first'})}.{b64(p.claims())}.AAAA",
    "HS256 with the public key": lambda p: hs256(p, pem(p.keys["first"])),
    "HS256 with the JWK": lambda p: hs256(p, json.dumps(public(p.keys["first"], "first")).encode()),
    "HS256 with nothing": lambda p: hs256(p, b""),
    "signature cut off": lambda p: p.token().rpartition(".")[0] + ".",
    "signature of another token": lambda p: p.token(sub="eve").rpartition(".")[0] + "." + p.token().rpartition(".")[2],
    "claims swapped": lambda p: ".".join((p.token().split(".")[0], b64(p.claims(groups=["sre-leads"])), p.token().split(".")[2])),
    "other key": lambda p: p.token(key=other()),
    "other key, its jwk within": lambda p: _own_key(p, "jwk"),
    "other key, jku": lambda p: _own_key(p, "jku"),
    "other key, x5u": lambda p: _own_key(p, "x5u"),
    "other key, unknown kid": lambda p: p.token(key=other(), kid="mine"),
    "kid of a path": lambda p: p.token(key=other(), kid="../../../../dev/null"),
    "kid of SQL": lambda p: p.token(key=other(), kid="x' UNION SELECT 'k"),
    "kid is a number": lambda p: f"{b64({'alg': 'RS256', 'kid': 7})}.{b64(p.claims())}.AAAA",
    "other algorithm of the key": lambda p: p.token(algorithm="RS512"),
    "ES256 with an RSA key's id": lambda p: p.token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "other issuer": lambda p: p.token(iss="https://evil.example"),
    "issuer with a slash": lambda p: p.token(iss=p.issuer + "/"),
    "no issuer": lambda p: p.token(iss=None),
    "other audience": lambda p: p.token(aud="billing"),
    "audience as a part": lambda p: p.token(aud="oncalm-dev"),
    "no audience": lambda p: p.token(aud=None),
    "expired": lambda p: p.token(exp=int(time.time()) - 31),
    "no expiry": lambda p: p.token(exp=None),
    "expiry is a text": lambda p: _claims(p, exp="never"),
    "not yet": lambda p: p.token(nbf=int(time.time()) + 60),
    "made tomorrow": lambda p: p.token(iat=int(time.time()) + 86_400),
    "no iat": lambda p: p.token(iat=None),
    "no subject": lambda p: p.token(sub=None),
    "no role here": lambda p: p.token(groups=["sales"]),
    "no groups": lambda p: p.token(groups=None),
    "groups as one text of several": lambda p: p.token(groups="sre-leads sre"),
    "a reserved name": lambda p: p.token(sub="policy"),
    "an empty name": lambda p: p.token(sub="  "),
    "a logout token": lambda p: p.token(headers={"typ": "logout+jwt"}),
    "critical extension": lambda p: p.token(headers={"crit": ["exp"]}),
    "unencoded payload": lambda p: p.token(headers={"b64": False, "crit": ["b64"]}),
    "JWE": lambda p: f"{b64({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.AA.AA.AA.AA",
    "a JSON bomb": lambda p: f"{b64(b'[' * 9_000)}.e30.AA",
    "too long": lambda p: p.token(groups=["sre", "x" * 20_000]),
}


def _own_key(provider: Provider, name: str) -> str:
    key = other()
    provider.discovery = {}
    given: Any = public(key, "first") if name == "jwk" else f"{provider.issuer}/evil-{name}"
    return provider.token(key=key, headers={name: given})


def _claims(provider: Provider, **claims: Any) -> str:
    import jwt

    return jwt.PyJWS().encode(json.dumps(provider.claims(**claims)).encode(), provider.keys["first"], "RS256", {"kid": "first"})


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_or_unfit_token_is_not_believed(provider: Provider, name: str) -> None:
    token = FORGED[name](provider)

    with pytest.raises(TokenError) as caught:
        believed(provider, token)
    assert token[:30] not in str(caught.value)
    assert provider.asked <= 1


@pytest.mark.parametrize(("algorithm", "key"), [
    ("RS256", None), ("ES256", ec.generate_private_key(ec.SECP256R1())), ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
])
def test_a_good_token_says_who_and_until_when(provider: Provider, algorithm: str, key: Any) -> None:
    provider.turn("k", key)
    found = believed(provider, provider.token(algorithm=algorithm, aud=["other", AUDIENCE], groups=["sre", "sre-leads", "x"]))

    assert (found.person.name, found.person.role) == ("ann", "approver")
    assert 290 < found.until.timestamp() - time.time() <= 300


def test_the_leeway_is_for_clocks(provider: Provider) -> None:
    now = int(time.time())

    assert believed(provider, provider.token(exp=now - 20, iat=now + 20, nbf=now + 20)).person.name == "ann"


def test_claims_may_lie_in_objects_or_have_urls_for_names(provider: Provider) -> None:
    nested = believed(provider, provider.token(groups=None, realm_access={"roles": ["sre"]}), role_claim="realm_access.roles")
    named = believed(provider, provider.token(groups=None, **{"https://x.example/roles": "sre-leads"}), role_claim="https://x.example/roles")

    assert (nested.person.role, named.person.role) == ("responder", "approver")


def test_a_mail_address_counts_when_it_is_verified(provider: Provider) -> None:
    mail = {"email": "ann@x.example"}
    assert believed(provider, provider.token(**mail, email_verified=True), name_claim="email").person.name == "ann@x.example"
    for verified in (False, None, "true"):
        with pytest.raises(TokenError, match="not verified"):
            believed(provider, provider.token(**mail, email_verified=verified), name_claim="email")


@pytest.mark.parametrize("wrong", [
    {"algorithms": ("HS256",)}, {"algorithms": ("RS256", "none")}, {"algorithms": ()}, {"roles": {}}, {"roles": {"a": "god"}}, {"leeway": 1e9},
    {"jwks_url": "http://keys.example/jwks"}, {"jwks_url": "https://user:pass@keys.example/"}, {"jwks_url": "file:///etc/passwd"},
])
def test_settings_that_could_not_be_safe_are_refused(provider: Provider, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"ONCALM_OIDC|identity provider"):
        issuer(provider, **wrong)


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
def test_keys_that_are_no_signing_keys_do_not_count(provider: Provider) -> None:
    key, short = provider.keys["first"], rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505 - too short on purpose
    provider.keys = {}
    unfit = [{"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}, {"kty": "oct", "k": b64(b"x" * 32)}, {"n": "!"}, {"n": None}]
    provider.extra = [{**public(key, "k"), **one} for one in unfit] + [public(short, "short")]

    for kid, signing in (("k", key), ("short", short)):
        with pytest.raises(TokenError, match="none of the provider's keys"):
            believed(provider, _signed(provider, signing, kid))


def _signed(provider: Provider, key: Any, kid: str) -> str:
    import jwt

    return jwt.encode(provider.claims(), key, "RS256", {"kid": kid})


def test_without_a_key_id_only_a_single_key_can_be_meant(provider: Provider) -> None:
    token = provider.token(kid=None)
    assert believed(provider, token).person.name == "ann"
    provider.extra = [public(other(), "second")]

    with pytest.raises(TokenError):
        believed(provider, token)


def test_a_turned_key_is_fetched_once_and_the_old_one_forgotten(provider: Provider) -> None:
    async def run() -> list[int]:
        clock = Clock()
        tokens = Tokens(issuer(provider), Jwks(provider.issuer, clock=clock))
        old = provider.token()
        await tokens.believed(old)
        provider.turn("second")
        clock.now += AGAIN
        counts = [provider.asked]
        await asyncio.gather(*(tokens.believed(provider.token()) for _ in range(20)))
        counts.append(provider.asked)
        with pytest.raises(TokenError):
            await tokens.believed(old)
        return [*counts, provider.asked]

    assert asyncio.run(run()) == [1, 2, 2]


def test_invented_key_ids_do_not_make_us_ask(provider: Provider) -> None:
    async def run() -> int:
        tokens = Tokens(issuer(provider), Jwks(provider.issuer, clock=Clock()))
        await tokens.believed(provider.token())
        for number in range(50):
            with pytest.raises(TokenError):
                await tokens.believed(provider.token(kid=f"invented-{number}"))
        return provider.asked

    assert asyncio.run(run()) == 1


def test_a_withdrawn_key_counts_no_longer_than_said(provider: Provider) -> None:
    async def run() -> None:
        clock = Clock()
        tokens = Tokens(issuer(provider), Jwks(provider.issuer, clock=clock))
        old = provider.token()
        await tokens.believed(old)
        provider.turn("second")
        clock.now += FRESH
        with pytest.raises(TokenError):
            await tokens.believed(old)

    asyncio.run(run())


def test_a_provider_that_is_down_is_outlived_for_an_hour(provider: Provider) -> None:
    async def run() -> None:
        clock = Clock()
        tokens = Tokens(issuer(provider), Jwks(provider.issuer, clock=clock))
        token = provider.token(exp=int(time.time()) + 9_000)
        await tokens.believed(token)
        provider.status = 500
        clock.now += FRESH + AGAIN
        await tokens.believed(token)
        clock.now += STALE
        with pytest.raises(ProviderError):
            await tokens.believed(token)
        provider.status = 200
        clock.now += AGAIN
        await tokens.believed(token)

    asyncio.run(run())


@pytest.mark.parametrize("discovery", [{"issuer": "https://evil.example"}, {"jwks_uri": "http://169.254.169.254/keys"}, {"jwks_uri": ""}, {"jwks_uri": 7}])
def test_a_discovery_document_that_leads_astray_is_not_followed(provider: Provider, discovery: dict[str, Any]) -> None:
    provider.discovery = discovery

    with pytest.raises(ProviderError):
        believed(provider, provider.token())
    assert provider.asked == 0


def test_redirects_of_the_keys_are_not_followed(provider: Provider) -> None:
    provider.status = 302

    with pytest.raises(ProviderError, match="302"):
        believed(provider, provider.token())
    assert provider.asked == 1


def test_tokens_open_the_door_and_local_people_do_not(provider: Provider, house: House) -> None:
    with house.open(DoorSettings(LOCAL, issuer(provider))):
        statuses = [httpx.get(f"{house.url}/{path}", headers=headers).status_code for path, headers in (
            ("responder", bearer(provider.token())), ("approver", bearer(provider.token())), ("viewer", bearer(provider.token(exp=1))),
            ("viewer", {}), ("viewer", bearer(house.key())))]

    assert statuses == [200, 403, 401, 401, 200]


def test_a_provider_that_is_down_is_503_and_keys_still_open(provider: Provider, house: House) -> None:
    provider.status = 500
    with house.open(DoorSettings(LOCAL, issuer(provider))):
        down = httpx.get(f"{house.url}/viewer", headers=bearer(provider.token()))
        key = httpx.get(f"{house.url}/viewer", headers=bearer(house.key()))

    assert (down.status_code, key.status_code) == (503, 200)


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.one_of(st.text(), st.integers(), st.none())), st.dictionaries(st.text(), st.text())))
@settings(max_examples=50)
def test_no_shape_of_a_claim_gives_a_role_that_is_not_mapped(value: object) -> None:
    texts = [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    assert (highest(value, ROLES) is not None) is any(one in ROLES for one in texts)
