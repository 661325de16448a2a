"""What is older than it is kept goes, kind by kind, and nothing else does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.identity.contracts import SYSTEM_ACTOR, TenantPlan
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.retention import service
from app.retention.contracts import Kind, RunStatus
from jobs import prune_retention
from jobs.leadership import Leadership
from models.alerting import AlertDelivery
from models.metrics import MetricBucket
from models.scans import ScanJob
from tests.eventstore_fixtures import StoredProject
from tests.factories import make_project, make_scan_config, make_scan_job, make_tenant
from tests.integration.eventstore.rows import event, instant, lines, token

DAY = timedelta(days=1)


@pytest.fixture
def leader(engine, clock) -> Leadership:
    from app.scans import service as scans

    leadership = Leadership(scans.Holder("retention", 1, "test"), 60, clock, session_scope)
    leadership.renew()
    return leadership


@pytest.fixture
def project(engine) -> StoredProject:
    with session_scope() as session:
        made = make_project(session, tenant_id=make_tenant(session, TenantPlan.PRO).id)
        return StoredProject(made.tenant_id, made.id)


def keep(clock, **days: int) -> None:
    with session_scope() as session:
        service.change_retention(session, SYSTEM_ACTOR, {Kind(kind): count for kind, count in days.items()}, clock.now())


def stored(store, project: StoredProject, table: str = "events") -> list[str]:
    column = "name" if table == "events" else "reason"
    sql = (
        f"SELECT {column} FROM {{database}}.{table} "
        f"WHERE tenant_id = {{{{tenant:String}}}} AND project_id = {{{{project:String}}}} ORDER BY 1"
    )
    return [row[0] for row in store.select(sql, project.tenant_id, project.project_id, {})]


def insert(store, *rows: dict[str, object], table: str = "events") -> None:
    store.insert_lines(table, lines(*rows), rows=len(rows), token=token())


def test_every_kind_has_its_own_bound(event_store, leader, clock, project):
    now = clock.now()
    insert(
        event_store,
        event(project, name="old event", time=now - 31 * DAY),
        event(project, name="fresh event", time=now - 29 * DAY),
        event(project, name="old event, just arrived", time=now - 31 * DAY, received_at=instant(now)),
        event(project, name="old log", kind="log", time=now - 8 * DAY),
        event(project, name="fresh log", kind="log", time=now - 6 * DAY),
        event(project, name="hidden by the plan", kind="security", time=now - 31 * DAY),
        event(project, name="shown by the plan", kind="security", time=now - 29 * DAY),
        event(project, name="audit has no bound", kind="audit", time=now - 400 * DAY),
    )
    keep(clock, event=30, log=7)

    run = prune_retention.run(leader, store=event_store)

    assert run is not None
    assert (run.status, run.errors) == (RunStatus.COMPLETED, {})
    assert run.removed == {"event": 1, "log": 1, "security": 1}
    assert stored(event_store, project) == [
        "audit has no bound", "fresh event", "fresh log", "old event, just arrived", "shown by the plan",
    ]  # fmt: skip
    with session_scope(write=False) as session:
        view = service.get_retention(session, SYSTEM_ACTOR)
    assert view.last_run is not None
    assert view.last_run.removed == run.removed
    assert prune_retention.run(leader, store=event_store) is None


def test_refused_records_counts_deliveries_and_jobs_go_and_what_is_under_way_stays(event_store, leader, clock, project):
    now = clock.now()
    row = {"tenant_id": project.tenant_id, "project_id": project.project_id, "kind": "event", "raw": "{}"}
    insert(
        event_store,
        {**row, "received_at": instant(now - 11 * DAY), "reason": "old"},
        {**row, "received_at": instant(now - 9 * DAY), "reason": "fresh"},
        table="quarantine",
    )
    with session_scope() as session:
        from models.projects import Project

        config = make_scan_config(session, session.get_one(Project, project.project_id))
        for age in (45, 40, 29):
            session.add(MetricBucket(scan_config_id=config.id, scope_type="event", scope_ref="e", bucket=now - age * DAY, count=1))
        for status, age in (("completed", 60), ("failed", 50), ("completed", 40)):
            make_scan_job(session, config, status=status, created_at=now - age * DAY)
        for status, due in (("sent", None), ("failed", now), ("pending", None)):
            session.add(
                AlertDelivery(
                    project_id=project.project_id, scan_config_id=config.id, destination_id="d", rule_id="r", destination_name="d",
                    rule_name="r", scan_name="s", channel="slack", status=status, next_attempt_at=due, created_at=now - 40 * DAY,
                )
            )  # fmt: skip
    keep(clock, quarantine=10, metric=30, delivery=30, job=30)

    run = prune_retention.run(leader, store=event_store)

    assert run is not None
    assert run.removed == {"quarantine": 1, "metric": 2, "delivery": 1, "job": 2}
    assert stored(event_store, project, "quarantine") == ["fresh"]
    with session_scope(write=False) as session:
        assert sorted(session.scalars(sa.select(col(AlertDelivery.status)))) == ["failed", "pending"]
        assert session.scalar(sa.select(sa.func.count()).select_from(MetricBucket)) == 1
        # The newest run of a scan stays, however old it is.
        assert session.scalars(sa.select(col(ScanJob.created_at))).all() == [now - 40 * DAY]


class Away:
    """A store that does not answer."""

    def count_by_month(self, *_args: object) -> dict[int, int]:
        raise Unavailable("The event store does not answer at the moment.")


@pytest.mark.usefixtures("project")
def test_a_store_that_is_away_is_told_and_asked_again_within_the_hour(leader, clock):
    keep(clock, event=30, job=30)

    run = prune_retention.run(leader, store=Away())

    assert run is not None
    assert run.status is RunStatus.FAILED
    assert set(run.errors) == {"event", "security"}
    clock.advance(timedelta(minutes=59))
    leader.renew()
    assert prune_retention.run(leader, store=Away()) is None
    clock.advance(timedelta(minutes=1))
    leader.renew()
    assert prune_retention.run(leader, store=Away()) is not None
