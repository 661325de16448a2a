"""A strict OpenID provider on a free loopback port: it refuses what real ones refuse, and can be told to misbehave.

It signs with PyJWT, so that what the product checks with another library was not made by the same one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID = "plumbline"
CLIENT_SECRET = "s:cret/with+odd=characters"


@dataclass
class SigningKey:
    """A private key with its name and algorithm."""

    kid: str
    algorithm: str
    private: Any

    def public(self) -> dict[str, Any]:
        """The key as the world may see it."""
        kind = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        return {**json.loads(kind.to_jwk(self.private.public_key())), "kid": self.kid, "use": "sig", "alg": self.algorithm}


def rsa_key(kid: str) -> SigningKey:
    return SigningKey(kid, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))


def ec_key(kid: str) -> SigningKey:
    return SigningKey(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


@dataclass
class StandIn:
    """The provider. Change its fields between requests to change who signs in and how it behaves."""

    url: str
    redirect_uri: str
    person: dict[str, Any]
    key: SigningKey = field(default_factory=lambda: ec_key("first"))
    secret: str | None = CLIENT_SECRET
    auth_methods: list[str] = field(default_factory=lambda: ["client_secret_basic"])
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    make_token: Callable[[dict[str, Any]], str] | None = None
    userinfo: dict[str, Any] | None = None
    hangs: set[str] = field(default_factory=set)
    breaks: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _access_tokens: set[str] = field(default_factory=set)

    def discovery(self) -> dict[str, Any]:
        known = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": self.auth_methods,
            "authorization_response_iss_parameter_supported": True,
        }
        if self.userinfo is not None:
            known["userinfo_endpoint"] = f"{self.url}/userinfo"
        return {**known, **self.document}

    def authorize(self, query: dict[str, str]) -> str | None:
        """Where the browser goes on; None for a request that must not go anywhere."""
        if query.get("client_id") != CLIENT_ID or query.get("redirect_uri") != self.redirect_uri:
            return None
        answer = {"state": query.get("state", ""), "iss": self.url}
        is_whole = query.get("response_type") == "code" and "openid" in query.get("scope", "").split() and query.get("nonce")
        if not (is_whole and query.get("code_challenge_method") == "S256" and len(query.get("code_challenge", "")) == 43):
            answer["error"] = "invalid_request"
        else:
            answer["code"] = secrets.token_urlsafe(24)
            self._codes[answer["code"]] = query
        return f"{self.redirect_uri}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        access_token = secrets.token_urlsafe(24)
        self._access_tokens.add(access_token)
        token = self.make_token(claims) if self.make_token else self.sign(claims)
        return 200, {"id_token": token, "access_token": access_token, "token_type": "Bearer"}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(claims, self.key.private, algorithm=self.key.algorithm, headers={"kid": self.key.kid, **headers})

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.secret is None:
            return form.get("client_id") == CLIENT_ID and not authorization
        if "client_secret_basic" in self.auth_methods:
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            name, _, secret = given.partition(":")
            return (unquote(name), unquote(secret)) == (CLIENT_ID, self.secret) and "client_secret" not in form
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, self.secret) and not authorization


def _handler(provider: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if not self._is_answered(parts.path):
                return
            if parts.path == "/authorize":
                location = provider.authorize(dict(parse_qsl(parts.query)))
                self._send(400 if location is None else 302, None, location)
            elif parts.path == "/jwks":
                self._send(200, {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "hmac"}, provider.key.public()]})
            elif parts.path == "/userinfo":
                is_known = self.headers.get("authorization", "").removeprefix("Bearer ") in provider._access_tokens
                self._send(200 if is_known else 401, provider.userinfo)
            elif parts.path == "/.well-known/openid-configuration":
                self._send(200, provider.discovery())
            else:
                self._send(404, None)

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            if self._is_answered("/token"):
                self._send(*provider.token(form, self.headers.get("authorization", "")))

        def _is_answered(self, path: str) -> bool:
            provider.requests.append(path)
            if path in provider.hangs:
                provider.released.wait(30)
                return False
            if path in provider.breaks:
                self._send(500, None)
                return False
            return True

        def _send(self, status: int, body: Any, location: str | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            if location:
                self.send_header("location", location)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            return None

    return Handler


@contextmanager
def stand_in(redirect_uri: str, **person: Any) -> Iterator[StandIn]:
    """A running provider at which one person is signed in."""
    provider = StandIn("", redirect_uri, person)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
