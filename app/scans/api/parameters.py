"""What the routes of scans share: callers who are refused before the body is looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from app.http import PROJECT, Caller
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import Forbidden

SCANS = PROJECT + "/scans"
SCAN = SCANS + "/{scan_id}"


def _owner_or_key(actor: Caller) -> Actor:
    actor.require_write()
    if actor.role is not UserRole.OWNER:
        raise Forbidden("Owner role required")
    return actor


OwnerOrKey = Annotated[Actor, Depends(_owner_or_key)]
"""Owners, also through a write key of theirs."""
