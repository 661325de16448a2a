"""Rows about the demo that no service writes: messages and drills of the past, what keys brought, how far its warehouse counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from models.alerting import AlertDelivery, AlertDrillRun, AlertEvaluation
from models.identity import IngestKey
from models.ingest import IngestKeyHour
from models.scans import ScanConfig

_LEASE = timedelta(minutes=2)
_STEPS = {"posted": 0, "ingested": 2, "counted": 34, "detected": 36, "decided": 39, "delivered": 41}
"""Seconds after its start at which a drill passed each stage."""


def claim_delivery(session: Session, delivery_id: str, holder: str, until: datetime) -> None:
    """Give this very delivery to the holder, as the outbox gives out the one that waits longest."""
    session.execute(
        sa.update(AlertDelivery)
        .where(col(AlertDelivery.id) == delivery_id)
        .values(claimed_by=holder, claimed_until=until + _LEASE, attempt_count=1),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()


def forget_evaluation(session: Session, scan_config_id: str) -> None:
    """Let the rules be asked about the scan's newest run, although it was asked about when there were none yet."""
    session.execute(sa.delete(AlertEvaluation).where(col(AlertEvaluation.scan_config_id) == scan_config_id))


def add_drill(
    session: Session, project_id: str, destination: str, started_at: datetime, *, pace: float, late: tuple[str, str] | None
) -> None:
    """A drill of the past, so many times as slow as usual. `late` names the last stage, which took too long, and what was said."""
    run = AlertDrillRun(
        project_id=project_id,
        outcome="passed" if late is None else "failed",
        failed_stage=None if late is None else late[0],
        detail="" if late is None else late[1],
        bucket=started_at.replace(minute=started_at.minute // 15 * 15, second=0, microsecond=0),
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=42 * pace if late is None else 159),
        canary_project_id="",
        scan_config_id="",
        rule_id="",
        destination_name=destination,
    )
    for stage, seconds in _STEPS.items():
        if late is None or stage != late[0]:
            setattr(run, f"{stage}_at", started_at + timedelta(seconds=seconds * pace))
    session.add(run)
    session.flush()


def note_collected(session: Session, scan_config_id: str, until: datetime) -> None:
    """The scan has counted up to there."""
    config = session.get(ScanConfig, scan_config_id)
    if config is not None:
        config.collected_until = until
        session.flush()


def note_key_use(session: Session, key_id: str, sent: Mapping[datetime, int], last_at: datetime, per_request: int) -> None:
    """The key brought so many records in these hours, and was used last at that moment."""
    session.execute(sa.delete(IngestKeyHour).where(col(IngestKeyHour.key_id) == key_id))
    session.add_all(
        IngestKeyHour(key_id=key_id, hour=hour, requests=-(-records // per_request), accepted=records)
        for hour, records in sent.items()
        if records
    )
    key = session.get(IngestKey, key_id)
    if key is not None:
        key.last_used_at = last_at
    session.flush()
