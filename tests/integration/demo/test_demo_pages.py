"""What the demo project holds for each page of the product, read through the services that the pages read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.engine import Engine
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.vocabulary import MonitorStatus
from app.audit import records as audit
from app.audit.contracts import Bucket
from app.audit.figures import RecordFilter
from app.demo import scanning, slips, visitors, warehouse_copy
from app.demo import service as demo
from app.demo.service import DemoTools
from app.detection import planned, releases
from app.detection import service as detection
from app.erasure import service as erasure
from app.eventstore.client import ClickHouseEventStore
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, Actor, UserRole
from app.ingest import policies, violation_service
from app.ingest.pages.checks_view import checks_view
from app.ingest.validation import Mode
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.logs import searching
from app.logs import service as logs
from app.logs.searching import Search
from app.metrics import breakdowns
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from app.plan import service as plan
from app.projects.contracts import ProjectView
from app.reconciliation import ledger_service as ledger
from app.reconciliation import service as reconciliation
from app.reconciliation.ledger import FindingKind
from app.scans import service as scans
from app.scans.pages.scans import scans_view
from app.security.service import actor_scoring, triage
from tests import factories

Held = Mapping[str, object]
pytestmark = pytest.mark.slow


@pytest.fixture
def made(engine: Engine, event_store: ClickHouseEventStore) -> tuple[ProjectView, Actor]:
    if engine.dialect.name != "sqlite":
        pytest.skip("test_demo_project makes the whole demo on PostgreSQL too")
    with session_scope() as session:
        author = factories.make_actor(session, UserRole.EDITOR)
        project = demo.create_demo_project(session, author)
    assert demo.generate_demo_project(project.id, DemoTools("holder"))
    return project, author


def monitoring(session: Session, slug: str, config_id: str) -> Held:
    total = breakdowns.scope_breakdown(session, SYSTEM_ACTOR, slug, config_id, ScopeType.PROJECT_TOTAL, config_id, "country")
    report = detection.release_regressions(session, SYSTEM_ACTOR, slug, config_id)
    shifts = detection.distribution_drifts(session, SYSTEM_ACTOR, slug, "project_total", config_id)
    assert total.columns == list(scanning.BREAKDOWNS)
    assert {chart.value for chart in total.series if chart.value} == set(visitors.COUNTRIES)
    assert {item.scope_name for item in report.items} == {visitors.LOST_EVENT}
    assert report.latest_version == visitors.NEWEST
    return {
        "volume": metrics.overview(session, SYSTEM_ACTOR, slug).volume_24h,
        "signals": detection.list_signals(session, SYSTEM_ACTOR, slug),
        "releases": releases.releases_of(session, SYSTEM_ACTOR, slug, config_id),
        "shifted buckets": [point for point in shifts.points if point.drift.band != "stable"],
        "planned days": planned.planned_windows(session, SYSTEM_ACTOR, slug),
    }


def data_against_plan(session: Session, slug: str) -> Held:
    dead = {event.name: event.last_seen_at for event in reconciliation.list_dead_events(session, SYSTEM_ACTOR, slug)}
    shadows = reconciliation.list_shadow_events(session, SYSTEM_ACTOR, slug)
    view = ledger.get_ledger(session, SYSTEM_ACTOR, slug)
    assert set(dead) == {"newsletter_popup_closed", "wishlist_shared"}
    assert dead["newsletter_popup_closed"] is not None and dead["wishlist_shared"] is None
    assert {one.event_name for one in shadows.items} == {stray.name for stray in warehouse_copy.STRAYS}
    assert {one.finding.kind for one in view.findings} == {FindingKind.LOSS, FindingKind.DUPLICATES}
    return {
        "shadow events": shadows.new_count,
        "drifts": {drift.drift_type for drift in plan.list_project_drifts(session, SYSTEM_ACTOR, slug)},
        "rows of planned events": reconciliation.get_coverage(session, SYSTEM_ACTOR, slug).matched_count,
    }


def alerts(session: Session, slug: str) -> Held:
    deliveries = alerting.list_deliveries(session, SYSTEM_ACTOR, slug, alerting.DeliveryFilter()).items
    monitors = {monitor.status for monitor in alerting.list_monitors(session, SYSTEM_ACTOR, slug)}
    assert {delivery.status for delivery in deliveries if SYSTEM_CLOCK.now() - delivery.created_at < timedelta(days=7)} == {"sent"}
    assert not alerting.has_due(session, SYSTEM_CLOCK.now()), "nothing of the demo may leave the instance"
    assert MonitorStatus.FIRING in monitors
    return {
        "deliveries": len(deliveries) >= 4,
        "destinations": alerting.list_destinations(session, SYSTEM_ACTOR, slug),
        "groups": alerting.list_groups(session, SYSTEM_ACTOR, slug).items,
        "decided groups": alerting.list_groups(session, SYSTEM_ACTOR, slug, status="resolved").items,
        "drills": alerting.list_drill_runs(session, SYSTEM_ACTOR, slug).items,
    }


def other_surfaces(session: Session, project: ProjectView) -> Held:
    now, slug = SYSTEM_CLOCK.now(), project.slug
    week = timedelta(days=7)
    kept = RecordFilter(None, None, now - week, now)
    found, _ = triage.list_alerts(session, SYSTEM_ACTOR, slug, now, limit=100, offset=0)
    assert {alert.status for alert in found} >= {"open", "resolved", "dismissed", "acknowledged"}
    assert {alert.alert_type for alert in found} >= {"brute_force_attack", "impossible_travel", "privilege_escalation"}
    return {
        "log lines": searching.search(session, SYSTEM_ACTOR, slug, Search(now - week, now), limit=10, offset=0),
        "minutes above a threshold": searching.anomalies(session, SYSTEM_ACTOR, slug, since=week, now=now, limit=10).rows,
        "thresholds": logs.thresholds(session, SYSTEM_ACTOR, slug),
        "actors with a score": [one for one in actor_scoring.list_scores(session, SYSTEM_ACTOR, slug) if one.score is not None],
        "audit records": audit.total(Bucket(project.tenant_id, project.id), kept),
    }


def house(session: Session, project: ProjectView, author: Actor) -> Held:
    slug = project.slug
    violations = violation_service.list_violations(session, SYSTEM_ACTOR, slug, SYSTEM_CLOCK.now(), hours=168)
    assert {group.reason for group in violations.flagged} == {"not in plan", *(slip.fault for slip in slips.SLIPS)}
    assert policies.get_policy(session, SYSTEM_ACTOR, slug).mode is Mode.FLAG
    page = checks_view(session, SYSTEM_ACTOR, slug, 168, ZoneInfo("UTC"))
    assert {slip.fault for slip in slips.SLIPS} <= {row.reason for row in page.rows}, "names of properties stay as they are"
    rows = scans_view(session, SYSTEM_ACTOR, slug, ZoneInfo("UTC")).scans
    assert {row.status for row in rows} == {"Completed", "No run kept"}, "what has counted does not say that it never ran"
    return {
        "refused": violations.refused,
        "keys in use": all(key.last_used_at for key in identity.list_ingest_keys(session, SYSTEM_ACTOR, slug)),
        "naming rules": plan.get_rules(session, SYSTEM_ACTOR, slug).event_name_pattern,
        "saved views": plan.list_saved_views(session, author, slug),
        "erasures": erasure.list_erasures(session, SYSTEM_ACTOR, slug)[1],
        "runs": scans.list_jobs(session, SYSTEM_ACTOR, slug).items,
    }


def test_every_page_has_something_to_show(made: tuple[ProjectView, Actor]):
    project, author = made
    with session_scope(write=False) as session:
        configs = {config.name: config for config in scans.list_configs(session, SYSTEM_ACTOR, project.slug)}
        config = configs["Received events"]
        assert all(one.is_paused for one in configs.values()) and len(configs) == 2
        areas: dict[str, Callable[[], Held]] = {
            "monitoring": lambda: monitoring(session, project.slug, config.id),
            "data against plan": lambda: data_against_plan(session, project.slug),
            "alerts": lambda: alerts(session, project.slug),
            "other surfaces": lambda: other_surfaces(session, project),
            "house": lambda: house(session, project, author),
        }
        empty = [f"{area}: {name}" for area, read in areas.items() for name, held in read().items() if not held]
        assert empty == []
