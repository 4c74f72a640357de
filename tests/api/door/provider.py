"""An identity provider on loopback: real keys that turn, a discovery document, and tokens as one asks for them."""

from __future__ import annotations

import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "oncalm"


@cache
def first() -> rsa.RSAPrivateKey:
    """The key with which every provider begins: one takes a tenth of a second to make."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


class Provider:
    """One that runs. ``asked`` counts fetches of the keys; ``status`` and ``delay`` disturb them."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.extra: list[dict[str, Any]] = []
        self.asked, self.status, self.delay = 0, 200, 0.0
        self.discovery: dict[str, Any] = {}
        self.turn("first", first())
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found, status = provider.answer(self.path)
                body = json.dumps(found).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{provider.issuer}/keys-elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path: str) -> tuple[Any, int]:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.discovery}, 200
        self.asked += 1
        time.sleep(self.delay)
        return {"keys": [*(public(key, kid) for kid, key in self.keys.items()), *self.extra]}, self.status

    def turn(self, kid: str, key: Any = None) -> None:
        """Sign with a new key from now on; the old ones are withdrawn."""
        self.keys = {kid: key or rsa.generate_private_key(public_exponent=65_537, key_size=2_048)}

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300, "groups": ["sre"], **more}
        return {name: value for name, value in made.items() if value is not None}

    def token(self, *, kid: str | None = "", key: Any = None, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token by the newest key, or by ``key``; a claim that is None is left out."""
        newest, signing = next(iter(self.keys.items()))
        named = newest if kid == "" else kid
        return jwt.encode(self.claims(**claims), key or signing, algorithm, {**({"kid": named} if named is not None else {}), **(headers or {})})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def public(key: Any, kid: str) -> dict[str, Any]:
    """The JWK of a private key's public half."""
    kinds = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm, ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm}
    algorithm = next(found for kind, found in kinds.items() if isinstance(key, kind))
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}  # type: ignore[attr-defined]


def pem(key: Any) -> bytes:
    """The public half as PEM: what a confused verifier takes for a shared secret."""
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
