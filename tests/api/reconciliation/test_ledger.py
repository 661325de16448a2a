"""The ledger over HTTP: two scans of one project, counted side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.reconciliation import ledger_service
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event
from models.reconciliation import LedgerFirstCount
from models.scans import DataSource, ScanConfig
from tests.factories import make_event, make_event_type, make_project, make_scan_config

HOUR = timedelta(hours=1)
SPAN = 24


@dataclass(frozen=True)
class Sides:
    """A project with a built-in scan, a warehouse's scan and two events that both count."""

    slug: str
    built_in_id: str
    warehouse_id: str
    event_ids: tuple[str, str]
    now: datetime

    @property
    def base(self) -> str:
        """Where the routes begin."""
        return f"/api/v1/projects/{self.slug}/ledger"

    @property
    def floor(self) -> datetime:
        """The end of the last complete hour."""
        return floor_to_bucket(self.now, Interval.HOUR)


@pytest.fixture
def sides(engine) -> Sides:
    """24 hours, all of them whole."""
    now = SYSTEM_CLOCK.now()
    floor = floor_to_bucket(now, Interval.HOUR)
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project, name="shop")
        events = [make_event(session, kind, name=name, status="live").id for name in ("paid", "sent")]
        built_in, warehouse = (make_scan_config(session, project, name=name) for name in ("Received", "Lake"))
        session.get_one(DataSource, built_in.data_source_id).is_builtin = True
        for config in (built_in, warehouse):
            config.collected_until = floor
            for ago in range(1, SPAN + 1):
                session.add(
                    MetricCoverage(scan_config_id=config.id, bucket=floor - ago * HOUR, total_count=2000, matched_count=2000)
                )
                for event_id in events:
                    session.add(
                        MetricBucket(
                            scan_config_id=config.id, scope_type="event", scope_ref=event_id, bucket=floor - ago * HOUR, count=1000
                        )
                    )
        return Sides(project.slug, built_in.id, warehouse.id, (events[0], events[1]), now)


@pytest.fixture
def read(client, member):
    headers = member(UserRole.VIEWER).headers

    def get(path: str, **query):
        answer = client.get(path, headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def warehoused(engine, sides: Sides, ago: int, count: int, event: int = 0) -> None:
    key = (sides.warehouse_id, "event", sides.event_ids[event], sides.floor - ago * HOUR)
    with session_scope(engine) as session:
        session.get_one(MetricBucket, key).count = count


def test_whole_counts_give_no_finding_and_both_sides_stand_side_by_side(read, sides):
    view = read(sides.base)
    assert (view["items"], view["total"], view["hours"]) == ([], 0, 48)
    assert [(one["scan_config_name"], one["event_count"]) for one in view["warehouses"]] == [("Lake", 2)]
    series = read(f"{sides.base}/events/{sides.event_ids[0]}")
    assert len(series["items"]) == SPAN and series["findings"] == []
    newest = series["items"][-1]
    assert (newest["planned_count"], newest["ingested_count"], newest["warehoused_count"]) == (1000, 1000, 1000)
    assert [one["is_settled"] for one in series["items"][-2:]] == [True, False]


def test_a_loss_is_named_for_the_event_and_for_all_together(read, engine, sides):
    warehoused(engine, sides, 3, 940)
    found = read(sides.base)["items"]
    assert [(one["kind"], one["event_name"], one["difference"]) for one in found] == [
        ("loss", "paid", 60),
        ("loss", "All shared events", 60),
    ]
    assert found[0]["share"] == 0.06 and found[0]["event_id"] == sides.event_ids[0] and found[1]["event_id"] is None


def test_an_event_that_a_warehouse_lost_altogether_is_still_compared(read, engine, sides):
    with session_scope(engine) as session:
        for ago in range(1, 5):
            session.delete(
                session.get_one(MetricBucket, (sides.warehouse_id, "event", sides.event_ids[1], sides.floor - ago * HOUR))
            )
    found = [one for one in read(sides.base)["items"] if one["event_id"] == sides.event_ids[1]]
    assert [(one["kind"], one["difference"], one["share"]) for one in found] == [("loss", 3000, 1.0)]


def test_rows_that_came_after_the_first_count_are_late(read, engine, sides):
    hour = sides.floor - 3 * HOUR
    with session_scope(engine) as session:
        session.add(
            LedgerFirstCount(
                scan_config_id=sides.warehouse_id, event_id=sides.event_ids[0], hour=hour, count=380,
                counted_at=hour + HOUR + timedelta(minutes=3),
            )
        )  # fmt: skip
    (found,) = read(sides.base)["items"]
    assert (found["kind"], found["difference"], found["delay_minutes"]) == ("lateness", 620, 40.2)


def test_an_archived_event_is_not_planned_and_still_counted(read, engine, sides):
    with session_scope(engine) as session:
        session.get_one(Event, sides.event_ids[0]).status = "archived"
    newest = read(f"{sides.base}/events/{sides.event_ids[0]}", scan_config_id=sides.warehouse_id)["items"][-1]
    assert (newest["planned_count"], newest["ingested_count"]) == (0, 1000)


def test_a_longer_allowance_judges_fewer_hours(read, client, member, engine, sides):
    warehoused(engine, sides, 3, 500)
    editor = member(UserRole.EDITOR).headers
    assert read(f"{sides.base}/settings") == {"settling_minutes": 60, "lateness_minutes": 15}
    changed = client.put(f"{sides.base}/settings", json={"settling_minutes": 180}, headers=editor)
    assert changed.json() == {"settling_minutes": 180, "lateness_minutes": 15}
    assert read(sides.base)["items"] == []
    assert client.put(f"{sides.base}/settings", json={}, headers=editor).json()["settling_minutes"] == 180
    assert client.put(f"{sides.base}/settings", json={"settling_minutes": -1}, headers=editor).status_code == 422
    assert client.put(f"{sides.base}/settings", json={}, headers=member(UserRole.VIEWER).headers).status_code == 403


def test_what_is_not_of_the_project_is_not_found(client, member, engine, sides):
    headers = member().headers
    with session_scope(engine) as session:
        project = make_project(session)
        foreign = make_event(session, make_event_type(session, project)).id
        slug = project.slug
    assert client.get(f"{sides.base}/events/{foreign}", headers=headers).status_code == 404
    series = f"{sides.base}/events/{sides.event_ids[0]}"
    assert client.get(series, headers=headers, params={"scan_config_id": sides.built_in_id}).status_code == 404
    assert client.get("/api/v1/projects/none/ledger", headers=headers).status_code == 404
    alone = client.get(f"/api/v1/projects/{slug}/ledger", headers=headers).json()
    assert (alone["items"], alone["warehouses"]) == ([], [])


def test_the_first_count_of_an_hour_is_kept_when_the_hour_is_counted_again(engine, sides):
    soon = sides.floor + timedelta(minutes=4)
    warehoused(engine, sides, 1, 300)
    with session_scope(engine) as session:
        assert ledger_service.note_first_counts(session, soon) == 2
    warehoused(engine, sides, 1, 1000)
    with session_scope(engine) as session:
        assert ledger_service.note_first_counts(session, soon + timedelta(minutes=1)) == 0
        kept = session.get_one(LedgerFirstCount, (sides.warehouse_id, sides.event_ids[0], sides.floor - HOUR))
        assert (kept.count, kept.counted_at) == (300, soon)
        assert ledger_service.note_first_counts(session, soon + timedelta(minutes=40)) == 0, "too late to tell late from lost"
        ledger_service.note_first_counts(session, soon + timedelta(days=30))
    with session_scope(engine) as session:
        assert session.get(LedgerFirstCount, (sides.warehouse_id, sides.event_ids[0], sides.floor - HOUR)) is None


def test_a_project_with_one_scan_only_has_nothing_to_compare(read, engine, sides):
    with session_scope(engine) as session:
        session.delete(session.get_one(ScanConfig, sides.warehouse_id))
    assert read(sides.base)["warehouses"] == []
    assert read(f"{sides.base}/events/{sides.event_ids[0]}")["items"] == []
