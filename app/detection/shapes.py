"""Shapes that routes share: kinds of scopes, and a signal as the API shows it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from app.detection.contracts import Direction, Signal, SignalState


class SignalScope(StrEnum):
    """Every kind of scope that the interface knows; signals of series have one of the first three."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"
    SCHEMA = "schema"
    DISTRIBUTION = "distribution"
    RELEASE_REGRESSION = "release_regression"


class MetricSignalResponse(BaseModel):
    """An active signal. Its identity is scan, scope type and scope ref."""

    scan_config_id: str
    scan_config_name: str
    scope_type: SignalScope
    scope_ref: str
    scope_name: str
    state: SignalState
    event_id: str | None
    event_type_id: str | None
    bucket: datetime
    actual_count: int
    expected_count: float
    stddev: float
    z_score: float
    direction: Direction


def signal_response(signal: Signal) -> MetricSignalResponse:
    """A signal as the API shows it."""
    return MetricSignalResponse(
        scan_config_id=signal.scan_config_id,
        scan_config_name=signal.scan_name,
        scope_type=SignalScope(signal.scope_type),
        scope_ref=signal.scope_ref,
        scope_name=signal.scope_name,
        state=signal.state,
        event_id=signal.event_id,
        event_type_id=signal.event_type_id,
        bucket=signal.bucket,
        actual_count=signal.actual_count,
        expected_count=signal.expected_count,
        stddev=signal.stddev,
        z_score=signal.z_score,
        direction=signal.direction,
    )
