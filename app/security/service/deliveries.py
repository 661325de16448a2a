"""Entries of webhooks are taken in once, however often they are delivered and wherever a process ends in between (contract C.8).

An entry is claimed with the id of its event before that is stored, and kept once it is durable. A claim that was never kept stands
for a request that is under way or whose process ended. After half a minute the next delivery takes it over: an event that had
reached the store by then is not stored again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity.contracts import IngestPrincipal
from app.ingest import service as ingest
from app.kernel.errors import Unavailable
from app.kernel.ids import new_id
from app.kernel.settings import get_settings
from app.security.repository import deliveries, events

CLAIM_LASTS: Final = timedelta(seconds=30)
# What waits in the log for longer than this cannot be looked for in the store.
_STORED_WITHIN: Final = timedelta(seconds=20)
# The store keeps events for a year unless it is told otherwise; a provider does not deliver an entry again after longer than that.
_OLDEST_LOOKED_FOR: Final = timedelta(days=400)


def claim(session: Session, principal: IngestPrincipal, ids: Sequence[str], now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """Those to be stored now and those to be looked for first, both as delivery to event id; what was kept before is in neither.

    Unavailable, and nothing is claimed, while another request is storing one of them.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}, {}
    event_ids = dict(zip(wanted, sorted(new_id() for _ in wanted), strict=True))
    fresh = deliveries.claim(session, principal.project_id, event_ids, now)
    known = [one for one in wanted if one not in fresh]
    lapsed = deliveries.take_over(session, principal.project_id, known, now - CLAIM_LASTS, now) if known else {}
    rest = [one for one in known if one not in lapsed]
    if rest and deliveries.is_any_under_way(session, principal.project_id, rest):
        raise Unavailable("the same entry is being stored; send it again", retry_after_seconds=round(CLAIM_LASTS.total_seconds()))
    return {one: event_ids[one] for one in wanted if one in fresh}, lapsed


def keep(session: Session, principal: IngestPrincipal, ids: Sequence[str], now: datetime) -> None:
    """Their events are durable."""
    deliveries.keep(session, principal.project_id, ids, now)


def forget(session: Session, principal: IngestPrincipal, ids: Sequence[str]) -> None:
    """Their events were not stored."""
    deliveries.forget(session, principal.project_id, ids)


def stored(principal: IngestPrincipal, lapsed: dict[str, str], now: datetime) -> list[str]:
    """Those of the lapsed deliveries whose event is in the store. Opens no transaction.

    Unavailable while the store does not answer, or is so far behind that the event may still be on its way.
    """
    if ingest.is_unstored_before(get_settings().data_dir / "wal", now - _STORED_WITHIN):
        raise Unavailable("records taken in earlier have not reached the event store yet", retry_after_seconds=30)
    since = now - _OLDEST_LOOKED_FOR
    return [one for one, event_id in lapsed.items() if events.get_event(principal, event_id, since) is not None]
