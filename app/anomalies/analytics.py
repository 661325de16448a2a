"""Sums over a tenant's stream anomalies (contract A.3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any, Final

from sqlmodel import Session

from app.anomalies import repository
from app.identity.contracts import IngestPrincipal
from models.anomalies import StreamAnomaly

HEATMAP_HOURS: Final = 24
LONGEST_DAYS: Final = 90


def summary(session: Session, caller: IngestPrincipal, since: datetime) -> dict[str, Any]:
    """Totals by stream and status, how many are significant, mean distance and p, and the time they span."""
    rows = repository.found_since(session, caller.tenant_id, caller.project_id, since)
    return {
        "total": len(rows),
        "by_stream_type": dict(Counter(row.service for row in rows)),
        "by_status": dict(Counter(row.status for row in rows)),
        "by_severity": dict(Counter(row.severity for row in rows)),
        "significant": sum(_number(row, "p_value") <= 0.05 for row in rows),
        "mean_ncd": _mean(rows, "ncd"),
        "mean_p_value": _mean(rows, "p_value"),
        "time_range": {"start": _iso(rows[0].timestamp), "end": _iso(rows[-1].timestamp)} if rows else None,
    }


def compression_timeline(session: Session, caller: IngestPrincipal, since: datetime) -> dict[str, Any]:
    """Compression ratio, distance and p of each anomaly, oldest first."""
    rows = repository.found_since(session, caller.tenant_id, caller.project_id, since)
    return {
        "points": [
            {
                "timestamp": _iso(row.timestamp),
                "anomaly_id": row.id,
                "stream_type": row.service,
                "compression_ratio": _number(row, "compression_ratio"),
                "ncd": _number(row, "ncd"),
                "p_value": _number(row, "p_value"),
            }
            for row in rows
        ]
    }


def ncd_heatmap(session: Session, caller: IngestPrincipal, now: datetime) -> dict[str, Any]:
    """Mean distance and count by stream and hour of the day (UTC), over the last 24 hours."""
    cells: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in repository.found_since(session, caller.tenant_id, caller.project_id, now - timedelta(hours=HEATMAP_HOURS)):
        cells[row.service, row.timestamp.hour].append(_number(row, "ncd"))
    return {
        "cells": [
            {"stream_type": service, "hour": hour, "count": len(values), "mean_ncd": round(fmean(values), 4)}
            for (service, hour), values in sorted(cells.items())
        ]
    }


def _number(row: StreamAnomaly, name: str) -> float:
    value = row.evidence.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _mean(rows: Sequence[StreamAnomaly], name: str) -> float | None:
    return round(fmean(_number(row, name) for row in rows), 4) if rows else None


def _iso(moment: datetime) -> str:
    return moment.isoformat()
