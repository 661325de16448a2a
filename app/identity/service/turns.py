"""Turns: how often a client may try before it has to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import policy, repository
from app.kernel.errors import TooManyRequests

_IDLE_BUCKETS_LAST = timedelta(days=1)


def take_turn(session: Session, allowance: policy.Allowance, client: str, now: datetime) -> None:
    """Use one turn of the client, an address or a person; TooManyRequests when none is left.

    Wants a short transaction of its own: the turn counts even when what follows fails.
    """
    bucket, is_fresh = repository.locked_bucket(session, _key(allowance, client), full=float(allowance.count), now=now)
    turn = policy.take_turn(allowance, tokens=bucket.tokens, idle=now - bucket.updated_at)
    if turn.wait_seconds:
        raise TooManyRequests("Too many attempts. Try again later.", retry_after_seconds=turn.wait_seconds)
    bucket.tokens, bucket.updated_at = turn.tokens, max(now, bucket.updated_at)
    if is_fresh:
        delete_idle_turns(session, now)


def give_back_turns(session: Session, allowance: policy.Allowance, client: str) -> None:
    """Forget the client's attempts, after one that succeeded."""
    repository.fill_bucket(session, _key(allowance, client), full=float(allowance.count))


def delete_idle_turns(session: Session, now: datetime) -> None:
    """Forget clients that have not been seen for a day."""
    repository.delete_idle_buckets(session, now - _IDLE_BUCKETS_LAST)


def _key(allowance: policy.Allowance, client: str) -> str:
    return f"{allowance.name}:{client}"[:200]
