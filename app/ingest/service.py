"""What was received, for the people of a project. Writing is the business of `app.ingest.asgi`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from app.eventstore.contracts import EventRow
from app.eventstore.service import get_event_store
from app.identity.contracts import Actor
from app.ingest import repository
from app.ingest.bodies import ClientGone, read_body
from app.ingest.cleaning import ValueCleaner, value_cleaner
from app.ingest.folders import is_unstored_before, unstored_segments
from app.ingest.kept_answers import KEPT_FOR
from app.ingest.policies import pseudonym_of
from app.ingest.process import expire_keys, keep, keep_from_thread, take_request
from app.ingest.quotas import take_anomaly
from app.ingest.records import Record, RecordLines, RefusedRecord, encode_records
from app.projects import service as projects

__all__ = [
    "ClientGone",
    "Record",
    "RecordLines",
    "RefusedRecord",
    "ValueCleaner",
    "encode_records",
    "expire_keys",
    "forget_answers",
    "forget_key_hours",
    "has_records",
    "is_unstored_before",
    "keep",
    "keep_from_thread",
    "pseudonym_of",
    "quarantined_count",
    "read_body",
    "recent_records",
    "take_anomaly",
    "take_request",
    "tenant_requests",
    "unstored_segments",
    "used_quota",
    "value_cleaner",
]

MOST_RECENT = 1000
KEY_HOURS_KEPT = timedelta(days=31)


def recent_records(
    session: Session, actor: Actor, slug: str, *, after: datetime | None = None, limit: int = 200
) -> Sequence[EventRow]:
    """Records received after the instant, newest first, quarantined ones among them; `limit` is taken as at most 1000.

    Errors: NotFound, Unavailable while the event store does not answer.
    """
    project = projects.get_project(session, actor, slug)
    return get_event_store().recent(project.tenant_id, project.id, after=after, limit=max(1, min(limit, MOST_RECENT)))


def quarantined_count(session: Session, actor: Actor, slug: str, after: datetime) -> int:
    """Records refused since the instant and kept with their reason. Errors: NotFound, Unavailable."""
    project = projects.get_project(session, actor, slug)
    return get_event_store().quarantined_count(project.tenant_id, project.id, after)


def forget_answers(session: Session, now: datetime) -> None:
    """Forget answers kept under idempotency keys for longer than a day."""
    repository.delete_requests_before(session, now - KEPT_FOR)


def used_quota(session: Session, tenant_id: str, resource: str, window_start: datetime) -> int:
    """What the tenant has booked of events or anomalies in the window, blocks that processes took ahead included."""
    return repository.used_quota(session, tenant_id, resource, window_start)


def tenant_requests(session: Session, tenant_id: str, since: datetime) -> int:
    """Requests with keys of the tenant since the moment, which is taken as a whole hour; those of the last seconds are missing."""
    return repository.tenant_requests(session, tenant_id, since)


def forget_key_hours(session: Session, now: datetime) -> None:
    """Forget what came with keys more than a month ago."""
    repository.delete_key_hours_before(session, now - KEY_HOURS_KEPT)


def has_records(session: Session, actor: Actor, slug: str) -> bool:
    """Whether anything at all was received, quarantined records included. Errors: NotFound, Unavailable."""
    return bool(recent_records(session, actor, slug, limit=1))
