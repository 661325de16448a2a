"""Out to the provider and back, step by step: no transaction is open while the provider is asked.

What a step used up stays used when a later one refuses, and every refusal is kept in the audit trail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.identity import service as identity
from app.identity.contracts import EntryRefusal, SignInOrigin
from app.identity.oidc import service
from app.identity.oidc.contracts import Arrival, Attempt, Departure, OidcRefused, Person, Provider
from app.identity.oidc.provider import Directory, fetch, outbound_for
from app.identity.oidc.tokens import checked_claims, error_code, person_in, redeem_code
from app.identity.policy import Allowance
from app.kernel.clock import Clock
from app.kernel.database import session_scope
from app.kernel.errors import TooManyRequests
from app.kernel.settings import Settings

CALLBACK: Final = "/session/oidc/callback"
_LIMIT: Final = Allowance("oidc", 60, timedelta(minutes=1))
"""Steps per client address: many people may share one, and nothing can be guessed here."""
_NOTED: Final = Allowance("oidc-refused", 10, timedelta(minutes=1))
_LONGEST_NEXT: Final = 2000
DIRECTORY: Final = Directory()

log = logging.getLogger("plumbline.identity")


def depart(
    settings: Settings, next_path: str, *, origin: SignInOrigin, clock: Clock, directory: Directory = DIRECTORY
) -> Departure:
    """Where to send a browser that wants to sign in. Errors: TooManyRequests, OidcRefused."""
    _require_provider(settings)
    with session_scope() as session:
        identity.take_turn(session, _LIMIT, origin.address, clock.now())
    with _noting_refusals(settings, origin, clock):
        provider = directory.provider(settings, clock.now())
    with session_scope() as session:
        state, nonce, verifier = service.begin(
            session, issuer=provider.issuer, next_path=next_path if len(next_path) <= _LONGEST_NEXT else "", now=clock.now()
        )
    query = {
        "response_type": "code",
        "client_id": settings.oidc.oidc_client_id,
        "redirect_uri": redirect_uri(settings),
        "scope": settings.oidc.oidc_scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in provider.authorization_endpoint else "?"
    return Departure(f"{provider.authorization_endpoint}{joint}{urlencode(query)}", verifier)


def arrive(
    settings: Settings,
    answer: Mapping[str, str],
    verifier: str,
    *,
    origin: SignInOrigin,
    clock: Clock,
    directory: Directory = DIRECTORY,
) -> Arrival:
    """Finish the sign-in with the provider's answer to the browser that holds the verifier.

    Errors: TooManyRequests, OidcRefused.
    """
    _require_provider(settings)
    with session_scope() as session:
        identity.take_turn(session, _LIMIT, origin.address, clock.now())
    with _noting_refusals(settings, origin, clock):
        with session_scope() as session:
            attempt = service.take_attempt(session, state=answer.get("state", ""), verifier=verifier, now=clock.now())
        try:
            provider = directory.provider(settings, clock.now())
            _check_answer(answer, attempt, provider)
            person = _person(settings, provider, attempt, answer.get("code", ""), verifier, clock, directory)
            with session_scope() as session:
                signed_in = service.enter(session, person, settings.oidc, clock.now(), origin)
        except OidcRefused as refused:
            refused.next_path = attempt.next_path
            raise
    return Arrival(signed_in, attempt.next_path)


def redirect_uri(settings: Settings) -> str:
    """The address to register at the provider."""
    return settings.base_url + CALLBACK


def _require_provider(settings: Settings) -> None:
    if not settings.oidc.is_configured:
        raise OidcRefused(EntryRefusal.SSO_UNAVAILABLE, "settings: no provider is set")


def _check_answer(answer: Mapping[str, str], attempt: Attempt, provider: Provider) -> None:
    """The answer has to come from the provider that was asked, also when there are several (RFC 9207)."""
    named = answer.get("iss")
    if attempt.issuer != provider.issuer or (named is None and provider.names_itself) or named not in (None, provider.issuer):
        raise OidcRefused(EntryRefusal.SSO_UNTRUSTED, "answer: of another issuer")
    if "error" in answer:
        code = error_code(answer["error"]) or "unknown"
        was_cancelled = code in ("access_denied", "login_required", "interaction_required", "consent_required")
        raise OidcRefused(EntryRefusal.SSO_CANCELLED if was_cancelled else EntryRefusal.SSO_UNTRUSTED, f"answer: {code}")
    if not answer.get("code"):
        raise OidcRefused(EntryRefusal.SSO_UNTRUSTED, "answer: no code")


def _person(
    settings: Settings, provider: Provider, attempt: Attempt, code: str, verifier: str, clock: Clock, directory: Directory
) -> Person:
    outbound = outbound_for(settings)
    tokens = redeem_code(provider, settings.oidc, outbound, code=code, verifier=verifier, redirect_uri=redirect_uri(settings))
    claims = checked_claims(
        tokens,
        provider,
        settings.oidc.oidc_client_id,
        attempt.nonce,
        lambda is_fresh: directory.keys(provider, settings, clock.now(), is_fresh=is_fresh),
        clock.now(),
    )
    if "email" not in claims and provider.userinfo_endpoint and tokens.access_token:
        # Some providers tell the address only there. It is about whom the ID token is about, or about nobody.
        told = fetch(outbound, provider.userinfo_endpoint, "userinfo", access_token=tokens.access_token)
        if told.get("sub") != claims.get("sub"):
            raise OidcRefused(EntryRefusal.SSO_UNTRUSTED, "userinfo: of another subject")
        claims = {**told, **claims}
    return person_in(claims, provider.issuer)


@contextmanager
def _noting_refusals(settings: Settings, origin: SignInOrigin, clock: Clock) -> Iterator[None]:
    try:
        yield
    except OidcRefused as refused:
        log.info("sign-in at the provider refused: %s", refused.reason)
        # Anybody can provoke refusals; a client that does it over and over must not fill the audit trail.
        with session_scope() as session, suppress(TooManyRequests):
            identity.take_turn(session, _NOTED, origin.address, clock.now())
            service.note_refusal(session, refused, settings.oidc.oidc_issuer, origin)
        raise
