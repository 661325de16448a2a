"""What the product relies on when it reads and writes events, against the real engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.eventstore.address import HANDOVER_FOLDER, StoreAddress, embedded_address
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.contracts import BucketCount, GroupCount, ReceivedSpan, Rejected
from app.kernel.errors import Unavailable
from app.kernel.intervals import Interval
from tests.eventstore_fixtures import RETENTION_DAYS, StoredProject, StoreProcess
from tests.integration.eventstore.rows import NOON, event, instant, lines, token
from tests.ports import free_port

HOUR = timedelta(hours=1)


def ids(project: StoredProject) -> tuple[str, str]:
    return project.tenant_id, project.project_id


def insert(store: ClickHouseEventStore, *rows: dict[str, object], table: str = "events") -> None:
    store.insert_lines(table, lines(*rows), rows=len(rows), token=token())


def test_groups_are_counted_largest_first_with_first_and_last_time(event_store, stored_project):
    insert(
        event_store,
        event(stored_project, name="signup"),
        event(stored_project, name="page_view", time=NOON - HOUR),
        event(stored_project, name="page_view", time=NOON + timedelta(milliseconds=7)),
        event(stored_project, kind="log", name="page_view"),
        event(stored_project, name="outside", time=NOON + 2 * HOUR),
    )

    groups = event_store.count_groups(*ids(stored_project), "event", NOON - HOUR, NOON + HOUR)

    assert groups == [
        GroupCount("web", "page_view", 2, NOON - HOUR, NOON + timedelta(milliseconds=7)),
        GroupCount("web", "signup", 1, NOON, NOON),
    ]


def test_a_window_includes_its_start_and_excludes_its_stop(event_store, stored_project):
    insert(event_store, event(stored_project, name="at_start"), event(stored_project, name="at_stop", time=NOON + HOUR))

    groups = event_store.count_groups(*ids(stored_project), "event", NOON, NOON + HOUR)
    buckets = event_store.count_buckets(*ids(stored_project), "event", NOON, NOON + HOUR, seconds=3600, anchor=Interval.HOUR.anchor)

    assert [group.name for group in groups] == ["at_start"]
    assert buckets == [BucketCount("web", "at_start", NOON, 1)]


def test_weekly_buckets_start_on_mondays(event_store, stored_project):
    monday = datetime(2026, 1, 12, tzinfo=UTC)
    insert(
        event_store,
        event(stored_project, time=monday),
        event(stored_project, time=monday + timedelta(days=6, hours=23)),
        event(stored_project, time=monday + timedelta(days=7)),
    )

    buckets = event_store.count_buckets(
        *ids(stored_project),
        "event",
        monday,
        monday + timedelta(days=14),
        seconds=Interval.WEEK.seconds,
        anchor=Interval.WEEK.anchor,
    )

    assert [(bucket.bucket, bucket.count) for bucket in buckets] == [(monday, 2), (monday + timedelta(days=7), 1)]


def test_buckets_narrower_than_a_minute_come_from_the_events(event_store, stored_project):
    insert(event_store, event(stored_project), event(stored_project, time=NOON + timedelta(seconds=31)))

    buckets = event_store.count_buckets(
        *ids(stored_project), "event", NOON, NOON + timedelta(minutes=1), seconds=30, anchor=Interval.HOUR.anchor
    )

    assert [(bucket.bucket, bucket.count) for bucket in buckets] == [(NOON, 1), (NOON + timedelta(seconds=30), 1)]


@pytest.mark.parametrize("year", [1935, 1969, 1970, 2005, 2026])
def test_buckets_from_the_roll_up_are_right_for_old_events(event_store, stored_project, year):
    moment = datetime(year, 3, 1, 10, 59, 59, 999_000, tzinfo=UTC)
    insert(event_store, event(stored_project, time=moment))
    hour = moment.replace(minute=0, second=0, microsecond=0)

    buckets = event_store.count_buckets(*ids(stored_project), "event", hour, hour + HOUR, seconds=3600, anchor=Interval.HOUR.anchor)

    assert buckets == [BucketCount("web", "page_view", hour, 1)]


def test_the_received_span_covers_rows_after_the_instant(event_store, stored_project):
    later = NOON + HOUR
    insert(
        event_store,
        event(stored_project, time=NOON - 3 * HOUR, received_at=instant(NOON)),
        event(stored_project, time=NOON - 9 * HOUR, received_at=instant(later)),
        event(stored_project, time=NOON - HOUR, received_at=instant(later)),
    )

    assert event_store.received_span(*ids(stored_project), "event", NOON) == ReceivedSpan(NOON - 9 * HOUR, NOON - HOUR, later)
    assert event_store.received_span(*ids(stored_project), "event", None) == ReceivedSpan(NOON - 9 * HOUR, NOON - HOUR, later)


def test_there_is_no_received_span_without_rows(event_store, stored_project):
    assert event_store.received_span(*ids(stored_project), "event", None) is None
    assert event_store.received_span(*ids(stored_project), "event", NOON) is None


def quarantined(project: StoredProject, received_at: datetime, reason: str) -> dict[str, object]:
    return {
        "tenant_id": project.tenant_id,
        "project_id": project.project_id,
        "kind": "event",
        "received_at": instant(received_at),
        "reason": reason,
        "raw": '{"name": 7}',
    }


def test_recent_merges_events_and_quarantined_records_newest_received_first(event_store, stored_project):
    insert(event_store, event(stored_project, name="first"))
    insert(event_store, quarantined(stored_project, NOON + HOUR, "name: wrong type"), table="quarantine")
    insert(event_store, event(stored_project, name="last", time=NOON + 2 * HOUR, value=12.5, actor_id="u1"))

    rows = event_store.recent(*ids(stored_project), after=None, limit=10)

    assert [(row.name, row.verdict) for row in rows] == [("last", "accepted"), ("", "quarantined"), ("first", "accepted")]
    assert (rows[0].value, rows[0].actor_id, rows[0].time) == (12.5, "u1", NOON + 2 * HOUR)
    assert (rows[1].verdict_reason, rows[1].properties) == ("name: wrong type", '{"name": 7}')
    assert rows[1].id == event_store.recent(*ids(stored_project), after=None, limit=10)[1].id


def test_recent_stops_at_the_limit_and_starts_after_the_instant(event_store, stored_project):
    insert(event_store, *(event(stored_project, name=f"e{n}", time=NOON + n * HOUR) for n in range(5)))

    assert [row.name for row in event_store.recent(*ids(stored_project), after=None, limit=2)] == ["e4", "e3"]
    assert [row.name for row in event_store.recent(*ids(stored_project), after=NOON + 3 * HOUR, limit=9)] == ["e4"]


def test_recent_of_one_name_leaves_the_others_and_quarantine_out(event_store, stored_project):
    insert(event_store, event(stored_project, name="signup"), event(stored_project, name="login"))
    insert(event_store, quarantined(stored_project, NOON, "bad"), table="quarantine")

    rows = event_store.recent(*ids(stored_project), after=None, limit=9, name="signup")

    assert [row.name for row in rows] == ["signup"]


def test_recent_finds_events_received_just_now(event_store, stored_project):
    now = datetime.now(UTC)
    insert(event_store, *(event(stored_project, name=f"e{n}", time=now) for n in range(3)))

    assert len(event_store.recent(*ids(stored_project), after=None, limit=2)) == 2
    assert len(event_store.recent(*ids(stored_project), after=None, limit=9)) == 3


def test_rows_of_another_project_or_tenant_are_never_seen(event_store, stored_project):
    insert(event_store, event(stored_project))
    strangers = [("other", stored_project.project_id), (stored_project.tenant_id, "other")]

    for tenant_id, project_id in strangers:
        assert event_store.count_groups(tenant_id, project_id, "event", NOON - HOUR, NOON + HOUR) == []
        assert event_store.recent(tenant_id, project_id, after=None, limit=9) == []
        assert event_store.received_span(tenant_id, project_id, "event", None) is None
        assert not event_store.count_buckets(
            tenant_id, project_id, "event", NOON, NOON + HOUR, seconds=3600, anchor=Interval.HOUR.anchor
        )


def test_the_disk_is_shared_out_among_tenants_by_their_rows(event_store, stored_project):
    other = f"{stored_project.tenant_id}_other"
    insert(event_store, *[event(stored_project) for _ in range(9)], *[event(stored_project, tenant_id=other) for _ in range(3)])
    found = event_store.stored_bytes([stored_project.tenant_id, other, "nobody"])
    assert found.keys() == {stored_project.tenant_id, other}
    assert found[stored_project.tenant_id] == pytest.approx(3 * found[other], abs=3) and found[other] > 0


def test_deleting_a_project_empties_every_table_and_leaves_others(event_store, stored_project):
    neighbour = StoredProject(tenant_id=stored_project.tenant_id)
    for project in (stored_project, neighbour):
        insert(event_store, event(project))
        insert(event_store, quarantined(project, NOON, "bad"), table="quarantine")

    event_store.delete_project(*ids(stored_project))

    def remains(project: StoredProject) -> tuple[int, int]:
        buckets = event_store.count_buckets(*ids(project), "event", NOON, NOON + HOUR, seconds=3600, anchor=Interval.HOUR.anchor)
        return len(event_store.recent(*ids(project), after=None, limit=9)), len(buckets)

    assert remains(stored_project) == (0, 0)
    assert remains(neighbour) == (2, 1)


@pytest.mark.parametrize(
    "name", ["it's", "semi;colon", "back\\slash", "tab\tline\nend", 'quo"te', "snow ☃ 😀", "\\N", "{x:String}", ""]
)
def test_any_text_survives_the_way_in_and_out(event_store, stored_project, name):
    insert(event_store, event(stored_project, name=name, properties=name))

    rows = event_store.recent(*ids(stored_project), after=None, limit=9, name=name)

    assert [(row.name, row.properties) for row in rows] == [(name, name)]


def test_one_client_serves_many_threads(event_store, stored_project):
    def work(number: int) -> int:
        insert(event_store, event(stored_project, name=f"n{number}"))
        return len(event_store.recent(*ids(stored_project), after=None, limit=99, name=f"n{number}"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(24))) == [1] * 24


def test_ensuring_the_schema_again_changes_nothing(event_store, stored_project):
    insert(event_store, event(stored_project))

    event_store.ensure_schema(RETENTION_DAYS)

    assert len(event_store.recent(*ids(stored_project), after=None, limit=9)) == 1


def test_a_store_that_is_not_there_is_unavailable_and_does_not_answer():
    store = ClickHouseEventStore(embedded_address(free_port(), "secret"))

    assert not store.ping()
    with pytest.raises(Unavailable):
        store.recent("t", "p", after=None, limit=1)


def test_the_right_secret_answers_and_a_wrong_one_does_not(store_process: StoreProcess):
    assert ClickHouseEventStore(store_process.address).ping()
    wrong = ClickHouseEventStore(embedded_address(store_process.port, store_process.secret + "x"))

    assert not wrong.ping()
    with pytest.raises(Unavailable):
        wrong.insert_lines("events", lines(event(StoredProject())), rows=1, token=token())


def test_the_schema_goes_into_the_database_of_the_address(store_process: StoreProcess, stored_project):
    here = store_process.address
    elsewhere = ClickHouseEventStore(
        StoreAddress(host=here.host, port=here.port, user=here.user, password=here.password, database="second_home")
    )
    elsewhere.ensure_schema(30)
    for change in ("DROP COLUMN plan_revision", "RESET SETTING merge_selector_base"):  # as an earlier release made it
        elsewhere._connected().command(f"ALTER TABLE second_home.events {change}")
    with pytest.raises(Unavailable):  # the rows are not at fault, and wait
        insert(elsewhere, event(stored_project, time=datetime.now(UTC), plan_revision="main+1"))
    elsewhere.ensure_schema(30)

    insert(elsewhere, event(stored_project, time=datetime.now(UTC), plan_revision="main+1"))

    assert [row.plan_revision for row in elsewhere.recent(*ids(stored_project), after=None, limit=9)] == ["main+1"]
    assert "merge_selector_base = 16" in elsewhere._connected().command("SHOW CREATE TABLE second_home.events")
    assert ClickHouseEventStore(here).recent(*ids(stored_project), after=None, limit=9) == []


def test_a_large_block_goes_through_the_handover_folder_and_leaves_no_file(store_process: StoreProcess, stored_project):
    folder = store_process.data_dir / HANDOVER_FOLDER
    store = ClickHouseEventStore(store_process.address, handover=folder)
    batch = [event(stored_project, time=datetime.now(UTC), properties='{"text":"' + "; \\n" * 500 + '"}') for _ in range(100)]
    once = token()
    for _ in range(2):  # a repetition changes nothing, as by socket
        store.insert_lines("events", lines(*batch), rows=len(batch), token=once)

    assert len(store.recent(*ids(stored_project), after=None, limit=1000)) == len(batch)
    assert list(folder.iterdir()) == []
    with pytest.raises(Rejected):
        store.insert_lines("events", lines(*batch).replace(b'"kind"', b'"kyne"'), rows=len(batch), token=token())
    assert list(folder.iterdir()) == []


def test_without_a_folder_to_write_in_a_large_block_goes_by_socket(store_process: StoreProcess, stored_project, tmp_path):
    store = ClickHouseEventStore(store_process.address, handover=tmp_path / "nowhere")
    insert(store, *(event(stored_project, time=datetime.now(UTC), properties=json.dumps({"text": "x" * 1000})) for _ in range(100)))

    assert len(store.recent(*ids(stored_project), after=None, limit=1000)) == 100
