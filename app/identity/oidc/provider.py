"""The provider's discovery document and keys, kept for an hour in each process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from app.identity.contracts import EntryRefusal
from app.identity.oidc.contracts import OidcRefused, Provider
from app.kernel.outbound import AllowList, Outbound, OutboundFailed, OutboundKind
from app.kernel.settings import Settings

TIMEOUT_SECONDS: Final = 5.0
KEPT: Final = timedelta(hours=1)
_SIGNING_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


def outbound_for(settings: Settings) -> Outbound:
    """Calls to the provider. One on a private network has to be named in the allow-list, as every other private address."""
    return Outbound(AllowList(settings.outbound.outbound_allow), timeout_seconds=TIMEOUT_SECONDS)


@dataclass(slots=True)
class Directory:
    """What is known of providers by issuer, and until when it is believed."""

    _providers: dict[str, tuple[Provider, datetime]] = field(default_factory=dict)
    _keys: dict[str, tuple[KeySet, datetime]] = field(default_factory=dict)

    def provider(self, settings: Settings, now: datetime) -> Provider:
        """The configured provider. Errors: OidcRefused when its discovery document cannot be had or is not its own."""
        issuer = settings.oidc.oidc_issuer
        known = self._providers.get(issuer)
        if known is None or known[1] <= now:
            known = discover(issuer, outbound_for(settings)), now + KEPT
            self._providers[issuer] = known
        return known[0]

    def keys(self, provider: Provider, settings: Settings, now: datetime, *, is_fresh: bool = False) -> KeySet:
        """The keys that sign the provider's tokens; `is_fresh` asks again, after a token named a key that is not known."""
        known = self._keys.get(provider.jwks_uri)
        if known is None or is_fresh or known[1] <= now:
            known = _signing_keys(fetch(outbound_for(settings), provider.jwks_uri, "keys")), now + KEPT
            self._keys[provider.jwks_uri] = known
        return known[0]


def discover(issuer: str, outbound: Outbound) -> Provider:
    """Read the discovery document. Errors: OidcRefused with the reason."""
    document = fetch(outbound, issuer.rstrip("/") + "/.well-known/openid-configuration", "discovery")
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise _unusable("discovery: the document is of another issuer")
    userinfo = document.get("userinfo_endpoint")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Provider(
        issuer=named,
        authorization_endpoint=_endpoint(document.get("authorization_endpoint"), "authorization_endpoint", outbound),
        token_endpoint=_endpoint(document.get("token_endpoint"), "token_endpoint", outbound),
        jwks_uri=_endpoint(document.get("jwks_uri"), "jwks_uri", outbound),
        userinfo_endpoint=_endpoint(userinfo, "userinfo_endpoint", outbound) if userinfo else "",
        takes_secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def fetch(outbound: Outbound, url: str, what: str, *, access_token: str = "") -> dict[str, Any]:
    """A JSON object of the provider's. Errors: OidcRefused."""
    headers = {"accept": "application/json"} | ({"authorization": f"Bearer {access_token}"} if access_token else {})
    try:
        answer = outbound.call("GET", _endpoint(url, what, outbound), headers=headers)
    except OutboundFailed as failure:
        hint = "; PLUMBLINE_OUTBOUND_ALLOW can name it" if failure.kind is OutboundKind.REFUSED_ADDRESS else ""
        raise _unusable(f"{what}: {failure.message}{hint}") from None
    if answer.status != 200:
        raise _unusable(f"{what}: status {answer.status}")
    document = answer.json()
    if not isinstance(document, dict):
        raise _unusable(f"{what}: no JSON object")
    return document


def _endpoint(url: object, name: str, outbound: Outbound) -> str:
    """The address when it is one over TLS; a host that the allow-list names may go without."""
    if not isinstance(url, str):
        raise _unusable(f"{name}: missing")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(f"{name}: no address") from None
    is_plain = parts.scheme == "http" and outbound.is_exempt(host, port or 80)
    if not host or parts.fragment or parts.username is not None or not (parts.scheme == "https" or is_plain):
        raise _unusable(f"{name}: not an https address")
    return url


def _signing_keys(document: dict[str, Any]) -> KeySet:
    """Public keys that can sign; what is meant for something else or not understood is left out."""
    entries = document.get("keys")
    found: list[Key] = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("kty") in _SIGNING_TYPES and entry.get("use") in (None, "sig"):
            try:
                found.append(JWKRegistry.import_key(entry))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    if not found:
        raise _unusable("keys: none that signs")
    return KeySet(found)


def _unusable(reason: str) -> OidcRefused:
    return OidcRefused(EntryRefusal.SSO_UNAVAILABLE, reason)
