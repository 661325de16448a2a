"""What the steps of a sign-in at a provider hand to each other."""

from __future__ import annotations

from dataclasses import dataclass

from app.identity.contracts import EntryRefusal, SignedIn


class OidcRefused(Exception):
    """A sign-in that goes no further.

    `refusal` chooses the sentence for the person; `reason` is for the audit trail and holds no words of the provider's but error
    codes; `email` is the verified address it was about, `next_path` where the person wanted to go, each where known.
    """

    def __init__(self, refusal: EntryRefusal, reason: str, *, email: str = "") -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.reason = reason
        self.email = email
        self.next_path = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as its discovery document describes it; every address has been judged."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    takes_secret_in_body: bool
    names_itself: bool
    """Whether it puts its issuer into every answer to the browser (RFC 9207)."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser is sent, and the verifier that stays with it."""

    url: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that is under way at the provider."""

    issuer: str
    nonce: str
    next_path: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave for a code."""

    id_token: str
    access_token: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says has come. `email` is empty unless the provider vouches for it."""

    issuer: str
    subject: str
    email: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A finished sign-in and where the person wanted to go."""

    signed_in: SignedIn
    next_path: str
