"""Fire drills over the real log, event store, scan, detector, rules and outbox, to a receiver on a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.alerting.drills import DrillOutcome, DrillRunView, DrillSettings, DrillStage
from app.alerting.vocabulary import DestinationType
from app.detection import service as detection
from app.eventstore.service import get_event_store
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest import asgi
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable
from app.kernel.outbound import AllowList, Outbound
from app.kernel.settings import get_settings
from app.plan import service as plan
from app.projects import service as projects
from app.scans import service as scans
from jobs import channels, evaluate_alerts, run_drills
from jobs.deliver_alerts import DeliveryRunner
from jobs.leadership import Leadership
from jobs.run_scan_jobs import ScanJobRunner
from models.alerting import AlertDestination, AlertDrillRun
from models.metrics import MetricCoverage
from models.projects import Project, ProjectRemoval
from models.reconciliation import ShadowEvent
from models.scans import ScanConfig
from tests.factories import make_project

SECONDS = 90.0


class ShiftedClock:
    """The real time, moved on when told to."""

    shift = timedelta()

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self.shift


@dataclass
class Receiver:
    """Takes webhooks on a real socket, by path; refuses those to a path it is told."""

    port: int = 0
    refused: str = ""
    received: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def send(self, parcel: Parcel) -> SendOutcome:
        return channels.send(parcel, Outbound(AllowList("hooks.example"), resolve=lambda *_: [("127.0.0.1", self.port)]))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.received.setdefault(self.path, []).append(body)
            self.send_response(400 if self.path == found.refused else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.port = server.server_port
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def ingest(engine, event_store) -> Iterator[None]:
    """The pipeline of this process, in a loop of its own as in the server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(asgi.start(), loop).result(30)
    yield
    asyncio.run_coroutine_threadsafe(asgi.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@dataclass
class World:
    """A project with a drill and the background work of one process, each part of which can be left out."""

    slug: str
    project_id: str
    leadership: Leadership
    clock: ShiftedClock
    receiver: Receiver
    scanner: ScanJobRunner
    deliverer: DeliveryRunner

    def start(self) -> DrillRunView:
        with session_scope() as session:
            return alerting.run_drill(session, SYSTEM_ACTOR, self.slug)

    def turn(self, *, scans_run: bool = True, store: object = None) -> None:
        run_drills.run(self.leadership, store=store)
        if scans_run:
            self.scanner.tick()
            self.scanner.wait(20)
        evaluate_alerts.run(self.leadership)
        self.deliverer.tick()
        self.deliverer.wait(20)

    def newest(self) -> DrillRunView:
        with session_scope(write=False) as session:
            return alerting.list_drill_runs(session, SYSTEM_ACTOR, self.slug).items[0]

    def finish(self, **how: object) -> DrillRunView:
        """Turn until the newest drill has ended and whoever is to be told was."""
        deadline = time.monotonic() + SECONDS
        while (run := self.newest()).outcome is DrillOutcome.RUNNING:
            assert time.monotonic() < deadline, run
            self.turn(**how)
        self.deliverer.tick()
        self.deliverer.wait(20)
        return run

    def until(self, stage: DrillStage, **how: object) -> None:
        """Turn until the stage was passed."""
        deadline = time.monotonic() + SECONDS
        while stage not in self.newest().passed_at:
            assert time.monotonic() < deadline, self.newest()
            self.turn(**how)

    def told(self, path: str) -> list[dict[str, object]]:
        return self.receiver.received.get(path, [])


@pytest.fixture
def world(engine, ingest, receiver, monkeypatch) -> World:
    monkeypatch.setenv("PLUMBLINE_OUTBOUND_ALLOW", "hooks.example")
    get_settings.cache_clear()
    clock = ShiftedClock()
    leadership = Leadership(scans.this_process(), 600, clock)
    leadership.renew()
    with session_scope() as session:
        project = make_project(session)
        detection.enable_by_default(session, project.id)
        made = [
            alerting.create_destination(
                session, SYSTEM_ACTOR, project.slug, DestinationType.WEBHOOK, name, DestinationFields(target_url=address)
            )
            for name, address in [("Ops", "http://hooks.example/ops"), ("Backup", "http://hooks.example/backup")]
        ]
        wanted = DrillSettings(destination_id=made[0].id, backup_destination_id=made[1].id)
        alerting.set_drill(session, SYSTEM_ACTOR, project.slug, wanted)
        slug, project_id = project.slug, project.id
    return World(
        slug,
        project_id,
        leadership,
        clock,
        receiver,
        ScanJobRunner(leadership.holder.name, threads=1),
        DeliveryRunner("a", send=receiver.send, clock=clock),
    )


def assert_told_of(world: World, run: DrillRunView, stage: DrillStage, title: str) -> None:
    assert (run.outcome, run.failed_stage) == (DrillOutcome.FAILED, stage), run.detail
    (message,) = world.told("/backup")
    assert f"failed at: {title} " in str(message["message"]) and run.detail in str(message["message"])


def test_a_canary_arrives_over_the_real_road_and_every_stage_has_its_time(world):
    world.start()
    with session_scope() as session, pytest.raises(Conflict):
        alerting.run_drill(session, SYSTEM_ACTOR, world.slug)

    run = world.finish()

    assert run.outcome is DrillOutcome.PASSED, run.detail
    assert list(run.seconds) == list(DrillStage) and 0 < run.total_seconds < SECONDS
    (message,) = world.told("/ops")
    assert message["rule"]["name"] == "Fire drill"
    (item,) = message["items"]
    assert (item["direction"], item["actual_count"]) == ("spike", 400)
    assert world.told("/backup") == []
    with session_scope(write=False) as session:
        shown = alerting.list_deliveries(session, SYSTEM_ACTOR, world.slug, alerting.DeliveryFilter(with_drills=True))
        (delivery,) = shown.items
        assert (delivery.kind, delivery.status) == ("drill", "sent")
        assert delivery.payload_snapshot["link"].endswith(f"/p/{world.slug}/fire-drill")
        assert item["details_path"] == item["monitoring_path"] == f"/p/{world.slug}/fire-drill"
        assert alerting.get_delivery(session, SYSTEM_ACTOR, world.slug, delivery.id).kind == "drill"


def test_a_second_drill_arrives_too_and_leaves_nothing_of_the_first(world):
    for _ in range(2):
        world.start()
        assert world.finish().outcome is DrillOutcome.PASSED
    assert len(world.told("/ops")) == 2
    with session_scope(write=False) as session:
        hidden = session.scalars(sa.select(Project).where(col(Project.slug).contains(":"))).all()
        assert len(hidden) == 1 and len(session.scalars(sa.select(ProjectRemoval)).all()) == 1


def test_the_project_holds_no_trace_of_the_canary(world):
    world.start()
    assert world.finish().outcome is DrillOutcome.PASSED
    with session_scope(write=False) as session:
        project = session.get_one(Project, world.project_id)
        assert plan.planned_names(session, project.id) == frozenset()
        assert detection.list_signals(session, SYSTEM_ACTOR, world.slug) == []
        assert alerting.list_deliveries(session, SYSTEM_ACTOR, world.slug).total == 0
        assert alerting.list_groups(session, SYSTEM_ACTOR, world.slug).total == 0
        assert [one.slug for one in projects.list_projects(session, SYSTEM_ACTOR)] == [world.slug]
        own_scans = sa.select(col(ScanConfig.id)).where(col(ScanConfig.project_id) == project.id)
        assert session.scalars(sa.select(MetricCoverage).where(col(MetricCoverage.scan_config_id).in_(own_scans))).all() == []
        assert session.scalars(sa.select(ShadowEvent).where(col(ShadowEvent.project_id) == project.id)).all() == []
        assert get_event_store().received_span(project.tenant_id, project.id, "event", None) is None
        (run,) = session.scalars(sa.select(AlertDrillRun))
        hidden = session.get_one(Project, run.canary_project_id).slug
    from tests.factories import make_actor

    with session_scope() as session, pytest.raises(NotFound):
        projects.get_project(session, make_actor(session), hidden)


def test_a_deleted_project_takes_its_canary_along(world):
    world.start()
    world.finish()
    with session_scope() as session:
        projects.delete_project(session, SYSTEM_ACTOR, world.slug)
    with session_scope(write=False) as session:
        assert session.scalars(sa.select(Project)).all() == [] and session.scalars(sa.select(AlertDrillRun)).all() == []
        assert len(session.scalars(sa.select(ProjectRemoval)).all()) == 2


class AbsentStore:
    """An event store that does not answer."""

    def received_span(self, *_: object) -> None:
        raise Unavailable("the event store does not answer")


def test_an_event_store_that_is_down_is_named(world):
    world.start()
    world.turn(store=AbsentStore())
    world.clock.shift = timedelta(seconds=61)
    assert_told_of(world, world.finish(store=AbsentStore()), DrillStage.INGESTED, "Ingest")


def test_ingest_that_refuses_is_named(world):
    def refuse(_lines: object) -> None:
        raise Unavailable("the disk is full")

    world.start()
    run_drills.run(world.leadership, keep=refuse)
    run = world.finish()
    assert_told_of(world, run, DrillStage.INGESTED, "Ingest")
    assert "the disk is full" in run.detail


def test_a_scheduler_that_is_off_is_named(world):
    world.start()
    world.until(DrillStage.INGESTED, scans_run=False)
    world.clock.shift = timedelta(minutes=4)
    assert_told_of(world, world.finish(scans_run=False), DrillStage.COUNTED, "Counting")


def test_detection_that_is_switched_off_is_named(world):
    with session_scope() as session:
        detection.update_settings(session, SYSTEM_ACTOR, world.slug, {"anomaly_detection_enabled": False})
    world.start()
    run = world.finish()
    assert_told_of(world, run, DrillStage.DETECTED, "Detection")
    assert run.detail == "Anomaly detection is switched off in this project."


def test_rules_that_tell_nobody_are_named(world):
    with session_scope() as session:
        session.scalars(sa.select(AlertDestination).where(col(AlertDestination.name) == "Ops")).one().enabled = False
    world.start()
    assert_told_of(world, world.finish(), DrillStage.DECIDED, "Rule")


def test_a_destination_that_refuses_is_named(world):
    world.receiver.refused = "/ops"
    world.start()
    run = world.finish()
    assert_told_of(world, run, DrillStage.DELIVERED, "Delivery")
    assert "status 400" in run.detail


def test_a_drill_that_nobody_watched_is_unknown(world):
    world.start()
    world.clock.shift = timedelta(hours=3)
    run = world.finish(store=AbsentStore())
    assert (run.outcome, run.failed_stage) == (DrillOutcome.UNKNOWN, None)
    assert "could not be watched" in str(world.told("/backup")[0]["message"])


def test_a_drill_that_is_switched_on_runs_by_itself_and_again_after_its_interval(world):
    with session_scope() as session:
        ops, backup = sorted(alerting.list_destinations(session, SYSTEM_ACTOR, world.slug), key=lambda one: one.name, reverse=True)
        alerting.set_drill(session, SYSTEM_ACTOR, world.slug, DrillSettings(True, ops.id, backup.id))
        with pytest.raises(InvalidInput):
            alerting.set_drill(session, SYSTEM_ACTOR, world.slug, DrillSettings(True, ops.id, ops.id))
    world.turn()
    assert not world.newest().is_manual and world.finish().outcome is DrillOutcome.PASSED
    with session_scope(write=False) as session:
        due = alerting.get_drill(session, SYSTEM_ACTOR, world.slug).next_run_at
        assert timedelta(hours=23) < due - SYSTEM_CLOCK.now() <= timedelta(days=1)
        assert alerting.list_drill_runs(session, SYSTEM_ACTOR, world.slug).total == 1
