"""The demo project through the real event store, scan and detection."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.demo import service as demo
from app.demo import warehouse_copy
from app.demo.service import DemoTools
from app.demo.story import EVENTS, HOUR, Story, Timeline
from app.detection import service as detection
from app.detection.contracts import Direction
from app.eventstore.client import ClickHouseEventStore
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Conflict, Unavailable
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from app.plan import service as plan
from app.projects import service as projects
from app.projects.contracts import GenerationStatus
from app.scans import service as scans
from jobs import build_demo
from jobs.leadership import Leadership
from models.plan import Event
from models.scans import DataSource, ScanConfig
from tests import factories


@pytest.fixture
def slug(engine: Engine) -> str:
    with session_scope() as session:
        return demo.create_demo_project(session, SYSTEM_ACTOR).slug


def project(slug: str):
    with session_scope(write=False) as session:
        return projects.get_project(session, SYSTEM_ACTOR, slug)


def test_a_new_demo_project_waits_with_a_generated_slug(slug: str):
    view = project(slug)
    assert slug.startswith("demo-") and len(slug) == 11
    assert (view.is_demo, view.generation_status, view.generation_percent) == (True, GenerationStatus.RUNNING, 0)


@pytest.mark.slow
def test_the_job_fills_the_project_with_a_story_that_detection_finds(slug: str, event_store: ClickHouseEventStore):
    leadership = Leadership(scans.this_process(), 60)
    builder = build_demo.DemoBuilder(leadership)
    assert builder.tick()
    assert not builder.tick()
    deadline = time.monotonic() + 180
    while project(slug).generation_status is GenerationStatus.RUNNING and time.monotonic() < deadline:
        time.sleep(0.1)
    builder.stop(5)
    view = project(slug)
    assert (view.generation_status, view.generation_percent, view.generation_error) == (GenerationStatus.READY, 100, None)
    timeline = Timeline(SYSTEM_CLOCK.now())

    with session_scope(write=False) as session:
        events = {event.source_name: event for event in plan.list_events(session, SYSTEM_ACTOR, slug, limit=100).items}
        assert set(events) == {event.name for event in EVENTS}
        assert {name: event.status for name, event in events.items() if name == "gift_banner_clicked"} == {
            "gift_banner_clicked": "in_review"
        }
        assert events["order_placed"].status == "live" and events["order_placed"].description

        overview = metrics.overview(session, SYSTEM_ACTOR, slug)
        assert overview.volume_24h is not None and overview.volume_24h > 3000
        assert 150_000 < sum(day.count or 0 for day in metrics.overview(session, SYSTEM_ACTOR, slug, 36).days) < 260_000

        failures = events["payment_failed"].id
        signals = detection.list_signals(session, SYSTEM_ACTOR, slug, event_ids=[failures])
        assert Direction.SPIKE in {one.direction for one in signals if one.scope_ref == failures}
        assert any(one.scope_type is not ScopeType.EVENT for one in signals)

        incidents = detection.list_incidents(session, SYSTEM_ACTOR, slug, limit=200).items
        outage, _ = timeline.outage
        for name in ("checkout_started", "order_placed", "payment_authorized"):
            assert any(
                one.scope_ref == events[name].id and one.direction is Direction.DROP and abs(one.started_at - outage) <= 2 * HOUR
                for one in incidents
            ), name
        assert any(one.scope_ref == events["coupon_applied"].id and one.direction is Direction.DROP for one in incidents)

        recent = event_store.recent(view.tenant_id, view.id, after=timeline.now - timedelta(minutes=10), limit=200)
        assert {row.verdict for row in recent} >= {"accepted", "quarantined"}
        configs = list(session.execute(sa.select(ScanConfig).where(ScanConfig.project_id == view.id)).scalars())
        assert len(configs) == 2 and all(config.is_paused for config in configs)
    assert build_demo.run(leadership) == 0

    with session_scope() as session:
        assert demo.reset_demo_project(session, SYSTEM_ACTOR, slug).generation_status is GenerationStatus.RUNNING
    with session_scope() as session, pytest.raises(Conflict):
        demo.reset_demo_project(session, SYSTEM_ACTOR, slug)
    assert build_demo.run(leadership) == 1
    with session_scope(write=False) as session:
        assert plan.list_events(session, SYSTEM_ACTOR, slug, limit=100).total == len(EVENTS)
        assert 150_000 < sum(day.count or 0 for day in metrics.overview(session, SYSTEM_ACTOR, slug, 36).days) < 260_000


def test_a_stop_leaves_the_project_waiting(slug: str):
    view = project(slug)
    assert not demo.generate_demo_project(view.id, DemoTools("holder", BrokenStore(), should_stop=lambda: True))
    assert project(slug).generation_status is GenerationStatus.RUNNING


class BrokenStore:
    def __init__(self) -> None:
        self.deleted = 0

    def recent(self, *_arguments: object, **_options: object) -> list[int]:
        return [1]

    def delete_project(self, tenant_id: str, project_id: str) -> None:
        self.deleted += 1

    def insert_lines(self, table: str, lines: bytes, *, rows: int, token: str) -> None:
        raise Unavailable("The event store does not answer at the moment.")


def test_a_failure_leaves_an_empty_project_that_says_why(slug: str):
    store = BrokenStore()
    assert not demo.generate_demo_project(project(slug).id, DemoTools("holder", store))
    view = project(slug)
    assert view.generation_status is GenerationStatus.FAILED
    assert view.generation_error == "The event store does not answer at the moment."
    assert store.deleted == 2
    with session_scope(write=False) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Event)).scalar_one() == 0
        assert demo.waiting_projects(session) == []
    with session_scope() as session:
        demo.reset_demo_project(session, SYSTEM_ACTOR, slug)
        assert demo.waiting_projects(session) == [view.id]


def test_a_project_that_was_deleted_meanwhile_is_left_alone(slug: str):
    view = project(slug)
    with session_scope() as session:
        projects.delete_project(session, SYSTEM_ACTOR, slug)
    assert not demo.generate_demo_project(view.id, DemoTools("holder", BrokenStore()))


def test_the_shared_warehouse_goes_with_the_last_demo_project(slug: str):
    with session_scope() as session:
        other = demo.create_demo_project(session, SYSTEM_ACTOR).slug
        for one in (slug, other):
            warehouse_copy.make_scan(session, projects.get_project(session, SYSTEM_ACTOR, one))
        projects.delete_project(session, SYSTEM_ACTOR, slug)
        assert list(session.execute(sa.select(DataSource.name)).scalars()) == [warehouse_copy.SOURCE.name]
        projects.delete_project(session, SYSTEM_ACTOR, other)
        assert list(session.execute(sa.select(DataSource.name)).scalars()) == []


def test_an_ordinary_project_cannot_be_reset(engine: Engine):
    with session_scope() as session:
        factories.make_project(session, slug="shop")
    with session_scope() as session, pytest.raises(BadRequest):
        demo.reset_demo_project(session, SYSTEM_ACTOR, "shop")


def test_every_story_is_told_by_an_event():
    assert {story for event in EVENTS for story in event.stories} == set(Story) - {Story.NONE}
