"""From a signal to a received message: rules are asked once, deliveries are claimed once, and a dead worker loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col
from standardwebhooks.webhooks import Webhook

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields, RuleSpec
from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.alerting.service.sending import LEASE, MOST_ATTEMPTS
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.errors import Conflict
from app.kernel.outbound import AllowList, Outbound
from app.kernel.settings import get_settings
from app.scans import service as scans
from jobs import channels, evaluate_alerts
from jobs.deliver_alerts import DeliveryRunner
from jobs.leadership import Leadership
from models.alerting import AlertDelivery
from models.metrics import MetricCoverage
from models.projects import Project
from models.scans import ScanConfig, ScanJob
from tests.factories import make_anomaly, make_project, make_scan_config, make_scan_job

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
BUCKET = NOW.replace(minute=0) - timedelta(hours=1)


class Line:
    """A channel that keeps what it was given and answers as told."""

    def __init__(self, *outcomes: SendOutcome) -> None:
        self.outcomes, self.parcels, self.lock = list(outcomes), [], threading.Lock()

    def __call__(self, parcel):
        with self.lock:
            self.parcels.append(parcel)
            return self.outcomes.pop(0) if self.outcomes else SendOutcome(True)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def leadership(engine, clock) -> Leadership:
    found = Leadership(scans.this_process(), 60, clock, lambda **more: session_scope(engine, **more))
    found.renew()
    return found


@pytest.fixture
def scan_id(engine, monkeypatch) -> str:
    """A scan whose newest run found the project's total far too low, and a rule that tells a webhook."""
    monkeypatch.setenv("PLUMBLINE_OUTBOUND_ALLOW", "hooks.example")
    get_settings.cache_clear()
    with session_scope(engine) as session:
        project = make_project(session)
        config = make_scan_config(session, project)
        config.collected_until = NOW.replace(minute=0)
        fields = DestinationFields(target_url="http://hooks.example/a")
        destination = alerting.create_destination(session, SYSTEM_ACTOR, project.slug, DestinationType.WEBHOOK, "Ops", fields)
        alerting.create_rule(session, SYSTEM_ACTOR, project.slug, destination.id, RuleSpec(name="Drops"))
        session.add(_coverage(config.id, BUCKET))
        make_anomaly(session, config, bucket=BUCKET)
        _completed(session, config.id, NOW)
        return config.id


def _coverage(config_id: str, bucket: datetime) -> MetricCoverage:
    return MetricCoverage(scan_config_id=config_id, bucket=bucket, total_count=10, matched_count=10)


def _completed(session: Session, config_id: str, at: datetime) -> None:
    job = make_scan_job(session, session.get_one(ScanConfig, config_id), status="completed")
    job.completed_at = at
    session.add(job)


def delivery(engine) -> AlertDelivery:
    with session_scope(engine, write=False) as session:
        (row,) = session.scalars(sa.select(AlertDelivery).order_by(col(AlertDelivery.created_at)))
        session.expunge(row)
        return row


def deliver(runner: DeliveryRunner) -> int:
    started = runner.tick()
    runner.wait(20)
    return started


def test_a_signal_becomes_one_message_that_tells_what_happened(engine, leadership, scan_id, clock):
    assert evaluate_alerts.run(leadership) == 1
    assert evaluate_alerts.run(leadership) == 0, "a collection is told once"
    with session_scope(engine, write=False) as session:
        (job,) = session.scalars(sa.select(ScanJob))
        assert (job.result_summary or {})["alerts_queued"] == 1
    line = Line()

    assert deliver(DeliveryRunner("a", send=line, clock=clock)) == 1
    assert deliver(DeliveryRunner("b", send=line, clock=clock)) == 0

    (parcel,) = line.parcels
    assert parcel.target.fields.target_url == "http://hooks.example/a" and parcel.target.signing_secret.startswith("whsec_")
    assert parcel.snapshot["matched_count"] == 1 and "Drops" in parcel.snapshot["rendered_message"]
    row = delivery(engine)
    assert (row.status, row.sent_at, row.attempt_count) == ("sent", NOW, 1)


def test_a_temporary_failure_is_tried_again_under_the_same_id_and_in_its_time(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    busy = SendOutcome(False, "busy", "rate_limited", is_temporary=True, retry_after_seconds=300)
    line = Line(busy)
    runner = DeliveryRunner("a", send=line, clock=clock)

    deliver(runner)
    assert delivery(engine).next_attempt_at == NOW + timedelta(seconds=300)
    clock.advance(timedelta(seconds=299))
    assert deliver(runner) == 0
    clock.advance(timedelta(seconds=2))
    assert deliver(runner) == 1

    assert len({parcel.delivery_id for parcel in line.parcels}) == 1 and delivery(engine).status == "sent"


def test_a_lasting_refusal_is_not_tried_again(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    runner = DeliveryRunner("a", send=Line(SendOutcome(False, "gone", "status")), clock=clock)

    deliver(runner)
    clock.advance(timedelta(days=1))

    assert deliver(runner) == 0
    assert (delivery(engine).status, delivery(engine).error_message) == ("failed", "gone")


def test_a_worker_that_dies_while_sending_is_followed_by_one_that_sends_once_more(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    with session_scope(engine) as session:
        lost = alerting.claim_parcel(session, "dead", clock.now())
    line = Line()
    runner = DeliveryRunner("alive", send=line, clock=clock)
    assert deliver(runner) == 0, "the lease still holds"

    clock.advance(LEASE + timedelta(seconds=1))
    assert deliver(runner) == 1

    assert line.parcels[0].delivery_id == lost.delivery_id
    with session_scope(engine) as session:
        assert alerting.record(session, "dead", lost.delivery_id, SendOutcome(False, "late"), clock.now()) is False
    assert delivery(engine).status == "sent"


def test_a_delivery_whose_workers_always_die_is_given_up(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    for _ in range(MOST_ATTEMPTS):
        with session_scope(engine) as session:
            assert alerting.claim_parcel(session, "dead", clock.now()) is not None
        clock.advance(LEASE + timedelta(seconds=1))
    with session_scope(engine) as session:
        assert alerting.claim_parcel(session, "dead", clock.now()) is None

    assert (delivery(engine).status, delivery(engine).error_kind) == ("failed", "interrupted")


def test_two_workers_never_send_the_same_delivery(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    line = Line()
    runners = [DeliveryRunner(name, send=line, clock=clock) for name in ("a", "b")]
    threads = [threading.Thread(target=runner.tick) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for runner in runners:
        runner.wait(20)

    assert len(line.parcels) == 1


def test_the_cooldown_runs_from_the_last_message_that_was_sent(engine, leadership, scan_id, clock):
    evaluate_alerts.run(leadership)
    deliver(DeliveryRunner("a", send=Line(), clock=clock))
    clock.advance(timedelta(hours=1))
    with session_scope(engine) as session:
        session.add(_coverage(scan_id, BUCKET + timedelta(hours=1)))
        make_anomaly(session, session.get_one(ScanConfig, scan_id), bucket=BUCKET + timedelta(hours=1))
        session.get_one(ScanConfig, scan_id).collected_until = clock.now().replace(minute=0)
        _completed(session, scan_id, clock.now())

    assert evaluate_alerts.run(leadership) == 0


@dataclass
class Receiver:
    """A receiver of webhooks on a real socket; it refuses as many messages as told before it takes one."""

    port: int = 0
    refusals: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)

    def send(self, parcel: Parcel) -> SendOutcome:
        """Send it here, over the real channel."""
        self.secrets.append(parcel.target.signing_secret)
        return channels.send(parcel, Outbound(AllowList("hooks.example"), resolve=lambda *_: [("127.0.0.1", self.port)]))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204 if len(found.received) > found.refusals else 400)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.port = server.server_port
    yield found
    server.shutdown()
    server.server_close()


def test_a_signal_arrives_at_a_receiver_that_checks_the_signature(engine, leadership, scan_id, clock, receiver):
    evaluate_alerts.run(leadership)
    deliver(DeliveryRunner("a", send=receiver.send, clock=clock))

    ((headers, body),) = receiver.received
    message = Webhook(receiver.secrets[0]).verify(body, headers)
    assert headers["host"] == "hooks.example" and headers["webhook-id"] == delivery(engine).id
    assert message["rule"]["name"] == "Drops" and message["matched_count"] == len(message["items"]) == 1
    assert message["items"][0]["scope_type"] in message["message"].lower().replace(" ", "_")
    assert message["items"][0]["monitoring_path"].endswith("/monitoring")
    assert delivery(engine).status == "sent"


def test_a_retry_and_a_redelivery_are_signed_anew_under_the_same_id(engine, leadership, scan_id, clock, receiver):
    evaluate_alerts.run(leadership)
    receiver.refusals = 1
    runner = DeliveryRunner("a", send=receiver.send, clock=clock)
    deliver(runner)
    made = delivery(engine)
    assert (made.status, made.error_kind, made.next_attempt_at) == ("failed", "status", None)
    with session_scope(engine, write=False) as session:
        slug = session.get_one(Project, made.project_id).slug

    for repeat in (alerting.retry_delivery, alerting.redeliver):
        clock.advance(timedelta(minutes=1))
        with session_scope(engine) as session:
            assert repeat(session, SYSTEM_ACTOR, slug, made.id, now=clock.now()).status == "pending"
            with pytest.raises(Conflict):
                repeat(session, SYSTEM_ACTOR, slug, made.id, now=clock.now())
        assert deliver(runner) == 1
        assert delivery(engine).status == "sent"

    first, second, third = receiver.received
    assert first[1] == second[1] == third[1]
    assert {headers["webhook-id"] for headers, _ in receiver.received} == {made.id}
    assert len({headers["webhook-signature"] for headers, _ in receiver.received}) == len(
        {headers["webhook-timestamp"] for headers, _ in receiver.received}
    )
    for headers, body in receiver.received:
        Webhook(receiver.secrets[0]).verify(body, headers)
