"""Rules of identity that need no database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.identity.contracts import Actor, ApiKeyScope, IngestKind, UserRole
from app.kernel.crypto import random_token
from app.kernel.errors import BadRequest

TOKEN_CHARACTERS = 32
PREFIX_CHARACTERS = 11
SESSION_CHARACTERS = 43
LAST_USED_PRECISION = timedelta(seconds=60)
"""How old `last_used_at` may be before a use is noted again; keeps reads from becoming writes."""

_SCOPE_PREFIX = {ApiKeyScope.READ: "tk_r_", ApiKeyScope.WRITE: "tk_w_"}
_KIND_PREFIX = {
    IngestKind.EVENTS: "pl_ev_",
    IngestKind.LOGS: "pl_lg_",
    IngestKind.SECURITY: "pl_se_",
    IngestKind.AUDIT: "pl_au_",
}


def normal_email(email: str) -> str:
    """The one spelling under which an email is stored and looked up."""
    return email.strip().casefold()


def role_of_newcomer(*, has_owner: bool) -> UserRole:
    """The first person to sign up owns the instance, everybody later edits (contract section 13)."""
    return UserRole.EDITOR if has_owner else UserRole.OWNER


def check_role_change(old: UserRole, new: UserRole, *, owner_count: int) -> None:
    """BadRequest when the change would leave the instance without an owner."""
    if old is UserRole.OWNER and new is not UserRole.OWNER and owner_count <= 1:
        raise BadRequest("Cannot demote the last owner")


def check_key_creation(actor: Actor, scope: ApiKeyScope) -> None:
    """Any signed-in user may make read keys; write keys need a role that writes."""
    actor.require_write()
    if scope is ApiKeyScope.WRITE:
        actor.require_editor()


def new_api_token(scope: ApiKeyScope) -> str:
    """A fresh tracking-plan key."""
    return _SCOPE_PREFIX[scope] + random_token(TOKEN_CHARACTERS)


def new_ingest_token(kind: IngestKind) -> str:
    """A fresh ingest key."""
    return _KIND_PREFIX[kind] + random_token(TOKEN_CHARACTERS)


def expiry(now: datetime, days: int | None) -> datetime | None:
    """When a key made now stops working; None for never."""
    return None if days is None else now + timedelta(days=days)


def is_usable(*, revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a key is neither revoked nor expired."""
    return revoked_at is None and (expires_at is None or expires_at > now)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` turns per period and client, used up at once or spread."""

    name: str
    count: int
    period: timedelta


BOUND_WHEN_UNBOUND: Final = 5
"""Turns per period of what stays bounded where the owners set no bound to sign-ins: codes and letters."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is left in a bucket after somebody asked for a turn; `wait_seconds` is 0 when they got it."""

    tokens: float
    wait_seconds: int


def take_turn(allowance: Allowance, *, tokens: float, idle: timedelta) -> Turn:
    """One turn from a token bucket that held `tokens` `idle` ago. A clock that went backwards refills nothing."""
    rate = allowance.count / allowance.period.total_seconds()
    filled = min(float(allowance.count), tokens + max(0.0, idle.total_seconds()) * rate)
    if filled >= 1.0:
        return Turn(filled - 1.0, 0)
    return Turn(filled, max(1, math.ceil((1.0 - filled) / rate)))
