"""What rules are asked about: what the newest run of a scan gives to tell, and what its past gave."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from sqlmodel import Session

from app.alerting.contracts import Candidate
from app.alerting.repository import candidates as rows
from app.alerting.repository.states import Collected
from app.alerting.vocabulary import AlertDirection, AlertDriftType, AlertScope
from app.detection import service as detection
from app.detection.contracts import Direction, Signal, SignalState
from app.detection.drifts import DriftPoint
from app.detection.planned import Expected, expected_departures
from app.detection.regressions import Regression
from app.identity.contracts import SYSTEM_ACTOR
from app.metrics.contracts import ScopeType, SeriesKey

DRIFTS_FOR = timedelta(days=30)


def current(session: Session, scan: Collected, now: datetime) -> list[Candidate]:
    """What the scan's newest run gives to tell: anomalies of the newest bucket, active schema drifts, drifts of
    distribution and release regressions."""
    signals = detection.list_signals(session, SYSTEM_ACTOR, scan.project_slug, expanded=True, now=now)
    # What somebody planned or called expected is shown, not told.
    own = [
        one
        for one in signals
        if one.scan_config_id == scan.scan_config_id and one.state is SignalState.LATEST_SCAN and not one.expected_because
    ]
    since = min((one.bucket for one in own), default=now)
    lasting = rows.last_buckets(session, scan.scan_config_id, since) if own else {}
    series = [_of_signal(one, lasting) for one in own]
    drifts = rows.drifts(session, scan.project_id, now=now, since=now - DRIFTS_FOR, scan_config_id=scan.scan_config_id)
    shifts = [_of_shift(one) for one in detection.drift_candidates(session, scan.scan_config_id)]
    regressions = [_of_regression(one) for one in detection.regression_candidates(session, scan.scan_config_id)]
    return [*series, *drifts, *shifts, *regressions]


def past(
    session: Session,
    project_id: str,
    project_name: str,
    known: rows.Names,
    scan_config_id: str,
    since: datetime,
    until: datetime,
    scopes: Collection[AlertScope],
) -> list[Candidate]:
    """What a scan gave to tell in [since, until], by bucket.

    Stored anomalies and schema drifts always, with why they are expected if somebody says so; drifts of distribution and release
    regressions, which are worked out from the counts, when they are among the `scopes`. A release stands once, at the last bucket
    in which it was the newest one.
    """
    anomalies = rows.anomalies(session, project_id, project_name, known, since=since, until=until, scan_config_id=scan_config_id)
    planned = expected_departures(session, project_id, since)
    found = [_with_reason(one, width, scan_config_id, planned) for one, width in anomalies]
    found += rows.drifts(session, project_id, now=until, since=since, scan_config_id=scan_config_id)
    if AlertScope.DISTRIBUTION in scopes:
        found += [_of_shift(one) for one in detection.drift_history(session, scan_config_id, since, until)]
    if AlertScope.RELEASE_REGRESSION in scopes:
        found += [_of_regression(one) for one in detection.regression_history(session, scan_config_id, since, until)]
    return sorted(found, key=lambda one: one.bucket)


def _with_reason(one: Candidate, width: timedelta, scan_config_id: str, expected: Expected) -> Candidate:
    key = SeriesKey(scan_config_id, ScopeType(one.scope_type.value), one.scope_ref)
    reason = expected.reason(key, Direction(one.direction.value), one.bucket, one.newest_bucket, width)
    return replace(one, expected_because=reason) if reason else one


def _of_shift(point: DriftPoint) -> Candidate:
    # The scope is the field, so that its drift in the next bucket is the same thing lasting on.
    return Candidate(
        scope_type=AlertScope.DISTRIBUTION,
        scope_ref=str(uuid5(NAMESPACE_OID, f"{point.event_type_id}|{point.field_name}")),
        scope_name=point.field_name,
        bucket=point.bucket,
        direction=AlertDirection.SPIKE,
        actual=point.drift.current_total,
        expected=point.drift.baseline_total,
        id=point.id,
        event_type_id=point.event_type_id,
        drift_field=point.field_name,
        drift_type=AlertDriftType.DISTRIBUTION_SHIFT,
        sample_value=f"PSI {point.drift.psi:.2f}",
    )


def _of_regression(found: Regression) -> Candidate:
    return Candidate(
        scope_type=AlertScope.RELEASE_REGRESSION,
        scope_ref=found.scope_ref,
        scope_name=f"{found.scope_name} in {found.version}",
        bucket=found.window_to,
        direction=AlertDirection.DROP,
        actual=found.deficit.observed,
        expected=found.deficit.expected,
        id=str(uuid5(NAMESPACE_OID, f"{found.scope_type.value}|{found.scope_ref}|{found.version}")),
        event_type_id=found.event_type_id,
        event_id=found.event_id,
        drift_type=AlertDriftType(found.deficit.kind.value),
        sample_value=found.version,
    )


def _of_signal(signal: Signal, lasting: dict[tuple[str, str, datetime], datetime]) -> Candidate:
    return Candidate(
        scope_type=AlertScope(signal.scope_type.value),
        scope_ref=signal.scope_ref,
        scope_name=signal.scope_name,
        bucket=signal.bucket,
        direction=AlertDirection(signal.direction.value),
        actual=signal.actual_count,
        expected=signal.expected_count,
        last_bucket=lasting.get((signal.scope_type.value, signal.scope_ref, signal.bucket)),
        event_type_id=signal.event_type_id,
        event_id=signal.event_id,
    )
