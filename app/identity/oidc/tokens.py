"""From a code to the person: the token request, and everything an ID token has to satisfy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.identity.contracts import EntryRefusal
from app.identity.oidc.contracts import OidcRefused, Person, Provider, Tokens
from app.kernel.outbound import Outbound, OutboundFailed
from app.kernel.setting_groups import OidcSettings

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key that only the provider has: neither `none`, nor HMAC, whose key would be our own secret."""
LEEWAY_SECONDS: Final = 60
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,40}")


def redeem_code(
    provider: Provider, settings: OidcSettings, outbound: Outbound, *, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """Change the code for tokens. Errors: OidcRefused."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    secret, auth = settings.oidc_client_secret.get_secret_value(), None
    if secret and not provider.takes_secret_in_body:
        auth = quote(settings.oidc_client_id, safe=""), quote(secret, safe="")  # RFC 6749, section 2.3.1
    else:
        form |= {"client_id": settings.oidc_client_id} | ({"client_secret": secret} if secret else {})
    try:
        answer = outbound.call("POST", provider.token_endpoint, headers=headers, content=urlencode(form).encode(), auth=auth)
    except OutboundFailed as failure:
        raise OidcRefused(EntryRefusal.SSO_UNAVAILABLE, f"token: {failure.message}") from None
    body = answer.json()
    if answer.status >= 500 or not isinstance(body, dict):
        raise OidcRefused(EntryRefusal.SSO_UNAVAILABLE, f"token: status {answer.status}")
    if not answer.is_success:
        raise _untrusted(f"token: {error_code(body.get('error')) or f'status {answer.status}'}")
    if not isinstance(body.get("id_token"), str):
        raise _untrusted("token: no ID token")
    access_token = body.get("access_token")
    return Tokens(body["id_token"], access_token if isinstance(access_token, str) else "")


def checked_claims(
    tokens: Tokens, provider: Provider, client_id: str, nonce: str, keys: Callable[[bool], KeySet], now: datetime
) -> dict[str, Any]:
    """The claims of an ID token that this provider signed for us and for this sign-in. Errors: OidcRefused.

    `keys(False)` are the keys as known, `keys(True)` are asked for anew: once, when the token names a key that is not among them.
    """
    try:
        try:
            token = _decoded(tokens.id_token, keys(False))
        except InvalidKeyIdError:
            token = _decoded(tokens.id_token, keys(True))
        # Loaded here because most processes never need it.
        from authlib.oidc.core import CodeIDToken

        wanted = {
            "iss": {"essential": True, "value": provider.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": client_id},
        }
        params = {"client_id": client_id, "nonce": nonce, "access_token": tokens.access_token}
        CodeIDToken(token.claims, token.header, wanted, params).validate(int(now.timestamp()), LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        claim = getattr(error, "claim", None)
        what = f"{getattr(error, 'error', type(error).__name__)}" + (f" {claim}" if isinstance(claim, str) else "")
        raise _untrusted(f"id token: {what}"[:200]) from None
    return token.claims


def person_in(claims: Mapping[str, Any], issuer: str) -> Person:
    """Who the claims are about. Errors: OidcRefused when they name nobody we can tell apart."""
    subject, name = claims.get("sub"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise _untrusted("id token: no usable subject")
    name = " ".join(name.split())[:255] if isinstance(name, str) and name.strip() and name.isprintable() else None
    # Some providers write the word.
    is_verified = claims.get("email_verified") in (True, "true")
    return Person(issuer, subject, _email(claims.get("email")) if is_verified else "", name)


def error_code(code: object) -> str:
    """The provider's error code, if it looks like one; its descriptions are never taken over."""
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""


def _decoded(text: str, keys: KeySet) -> jwt.Token:
    # Unknown headers are ignored unless critical (RFC 7515); some providers send whole certificates.
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 16_384
    return jwt.decode(text, keys, algorithms=ALGORITHMS, registry=registry)


def _email(value: object) -> str:
    # Accounts are found without regard to case; outside ASCII that makes different addresses one ("ß" and "ss").
    if not isinstance(value, str) or len(value) > 320 or not value.isascii() or not value.isprintable() or " " in value:
        return ""
    local, _, domain = value.rpartition("@")
    return value if local and domain else ""


def _untrusted(reason: str) -> OidcRefused:
    return OidcRefused(EntryRefusal.SSO_UNTRUSTED, reason)
