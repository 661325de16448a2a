"""Routes of the ledger; they are our own and not part of the tracking-plan contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.http import PROJECT, Caller, Db, Editor
from app.plan.shapes.value_types import Response
from app.reconciliation import ledger_service as service
from app.reconciliation.ledger import Allowance, Finding, FindingKind

router = APIRouter(tags=["ledger"])

BASE = PROJECT + "/ledger"
Hours = Annotated[int, Query(ge=1, le=service.LONGEST_HOURS)]


class LedgerFindingResponse(BaseModel):
    """One thing wrong in whole hours [since, until); `event_id` is null for all shared events together."""

    kind: FindingKind
    scan_config_id: str
    scan_config_name: str
    event_id: str | None
    event_name: str
    since: datetime
    until: datetime
    ingested_count: int
    warehoused_count: int
    difference: int
    share: float
    score: float
    delay_minutes: float | None


class LedgerPairResponse(Response):
    """A warehouse that holds events that arrive here."""

    scan_config_id: str
    scan_config_name: str
    counted_until: datetime
    event_count: int


class LedgerResponse(BaseModel):
    """What is wrong in the last hours, newest first."""

    items: list[LedgerFindingResponse]
    total: int
    warehouses: list[LedgerPairResponse]
    hours: int


class LedgerHourResponse(BaseModel):
    """One hour; null where a side was not counted."""

    hour: datetime
    planned_count: int
    ingested_count: int | None
    warehoused_count: int | None
    first_warehoused_count: int | None
    is_settled: bool


class LedgerSeriesResponse(BaseModel):
    """An event's counts, oldest hour first; without scan while no warehouse holds the event."""

    event_id: str
    event_name: str
    event_type_name: str
    scan_config_id: str | None
    scan_config_name: str | None
    items: list[LedgerHourResponse]
    findings: list[LedgerFindingResponse]


class LedgerSettingsResponse(BaseModel):
    """How long a warehouse may take."""

    settling_minutes: int
    lateness_minutes: int


class LedgerSettingsUpdate(BaseModel):
    """What to change; absent and null leave a setting alone."""

    settling_minutes: int | None = Field(None, ge=0, le=2880)
    lateness_minutes: int | None = Field(None, ge=1, le=1440)


@router.get(BASE, operation_id="get_ledger")
def get_ledger(slug: str, session: Db, actor: Caller, hours: Hours = service.DEFAULT_HOURS) -> LedgerResponse:
    """Loss, duplicates and lateness in every warehouse that holds events that arrive here."""
    view = service.get_ledger(session, actor, slug, hours=hours)
    items = [_finding(one.scan_config_id, one.scan_config_name, one.event_id, one.event_name, one.finding) for one in view.findings]
    pairs = [LedgerPairResponse.model_validate(pair) for pair in view.pairs]
    return LedgerResponse(items=items, total=len(items), warehouses=pairs, hours=view.hours)


@router.get(BASE + "/events/{event_id}", operation_id="get_ledger_series")
def get_ledger_series(
    slug: str,
    event_id: UUID,
    session: Db,
    actor: Caller,
    hours: Hours = service.DEFAULT_HOURS,
    scan_config_id: UUID | None = None,
) -> LedgerSeriesResponse:
    """One event hour by hour: planned, ingested, warehoused."""
    scan = None if scan_config_id is None else str(scan_config_id)
    series = service.get_ledger_series(session, actor, slug, str(event_id), hours=hours, scan_config_id=scan)
    return LedgerSeriesResponse(
        event_id=series.event_id,
        event_name=series.event_name,
        event_type_name=series.event_type_name,
        scan_config_id=series.scan_config_id,
        scan_config_name=series.scan_config_name,
        items=[
            LedgerHourResponse(
                hour=one.hour,
                planned_count=one.planned,
                ingested_count=one.ingested,
                warehoused_count=one.warehoused,
                first_warehoused_count=one.first_warehoused,
                is_settled=one.is_settled,
            )
            for one in series.hours
        ],
        findings=[
            _finding(series.scan_config_id or "", series.scan_config_name or "", series.event_id, series.event_name, one)
            for one in series.findings
        ],
    )


@router.get(BASE + "/settings", operation_id="get_ledger_settings")
def get_ledger_settings(slug: str, session: Db, actor: Caller) -> LedgerSettingsResponse:
    """The project's allowance."""
    return _settings(service.get_allowance(session, actor, slug))


@router.put(BASE + "/settings", operation_id="update_ledger_settings")
def update_ledger_settings(slug: str, body: LedgerSettingsUpdate, session: Db, actor: Editor) -> LedgerSettingsResponse:
    """Change the allowance."""
    changed = service.set_allowance(
        session, actor, slug, settling_minutes=body.settling_minutes, lateness_minutes=body.lateness_minutes
    )
    return _settings(changed)


def _settings(allowance: Allowance) -> LedgerSettingsResponse:
    return LedgerSettingsResponse(
        settling_minutes=int(allowance.settling.total_seconds() // 60),
        lateness_minutes=int(allowance.lateness.total_seconds() // 60),
    )


def _finding(scan_id: str, scan_name: str, event_id: str | None, event_name: str, one: Finding) -> LedgerFindingResponse:
    return LedgerFindingResponse(
        kind=one.kind,
        scan_config_id=scan_id,
        scan_config_name=scan_name,
        event_id=event_id,
        event_name=event_name,
        since=one.since,
        until=one.until,
        ingested_count=one.ingested,
        warehoused_count=one.warehoused,
        difference=one.difference,
        share=round(one.share, 6),
        score=one.score,
        delay_minutes=one.delay_minutes,
    )
