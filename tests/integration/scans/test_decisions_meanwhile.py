"""What people decide while a scan runs, and at the same moment as somebody else (contract 5.6, 8 and 9)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.errors import Conflict
from app.kernel.intervals import Interval
from app.reconciliation import service as reconciliation
from app.scans import service as scans
from app.scans.contracts import LookKind
from app.scans.drafts import draft_of
from app.warehouse.contracts import Column
from models.plan import Event
from models.reconciliation import ShadowEvent
from models.scans import ScanConfig
from tests.integration.scans.sql_workbench import AT, SqlWorkbench, column
from tests.integration.scans_workbench import HOUR


def scheduled(engine: sa.Engine, *columns: Column, **changes: Any) -> SqlWorkbench:
    config = {"time_column": "at", "interval": Interval.HOUR, "event_name_format": "{name}", **changes}
    bench = SqlWorkbench(engine, column("kind"), column("name"), AT, *columns, **config)
    bench.add_type("web", name="string", **{one.name: "string" for one in columns})
    bench.table.add(3, kind="web", name="open", at=bench.moment(1))
    return bench


def test_a_dry_run_foretells_what_the_next_run_does_also_after_the_data_changed(engine):
    bench = scheduled(engine, column("url"), event_name_format=None, cardinality_threshold=3)
    bench.table.rows.clear()
    for number in range(20):
        bench.table.add(kind="web", name="open", url=f"/user/{number}", at=bench.moment(1))
    bench.collect()
    bench.table.rows[:] = bench.table.rows[:2]
    with bench.transaction() as session:
        draft = draft_of(session.get_one(ScanConfig, bench.config_id))
        look = scans.request_dry_run(session, SYSTEM_ACTOR, "shop", bench.source_id, draft, now=bench.clock.now())
        assert scans.claim_next_look(session, "somebody", bench.clock.now()) == look.id
    scans.run_look(look.id, "somebody", tools=bench.tools)
    with bench.transaction(write=False) as session:
        told = scans.get_look(session, SYSTEM_ACTOR, "shop", look.id, LookKind.DRY_RUN).result_summary
    assert (told["events_to_create"], told["variables_to_create"], told["drifts"]) == (0, 0, [])
    assert bench.collect().result_summary["events_created"] == 0


def test_a_job_cancelled_in_the_middle_of_a_query_stores_nothing_and_is_no_failure(engine):
    bench = scheduled(engine)
    job_id = bench.request()

    def cancel() -> None:
        bench.table.on_ask.clear()
        with bench.transaction() as session:
            scans.cancel_job(session, SYSTEM_ACTOR, "shop", job_id, now=bench.clock.now())

    bench.table.on_ask["bucket_counts"] = cancel
    assert bench.work().status == "cancelled"
    assert (bench.coverage(), bench.config().collected_until, bench.config().consecutive_failures) == ({}, None, 0)
    assert bench.collect().status == "completed"
    assert bench.counts("web", "open") == {bench.moment(1): 3}


def test_of_many_who_accept_a_shadow_event_at_once_exactly_one_makes_an_event(engine):
    bench = scheduled(engine)
    bench.collect()
    bench.table.add(2, kind="web", name="unheard", at=bench.moment(3))
    bench.replay(bench.moment(4), bench.moment(0))
    (candidate,) = bench.rows_of(ShadowEvent)

    def accept(_number: int) -> str:
        try:
            with bench.transaction() as session:
                return reconciliation.accept_shadow_event(session, SYSTEM_ACTOR, "shop", candidate.id).status
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(6) as people:
        assert sorted(people.map(accept, range(6))) == ["accepted", *["conflict"] * 5]
    assert sorted(event.name for event in bench.rows_of(Event)) == ["open", "unheard"]


def test_an_archived_event_that_comes_back_is_counted_and_stays_archived(engine):
    bench = scheduled(engine)
    bench.collect()
    (event,) = bench.rows_of(Event)
    with bench.transaction() as session:
        reconciliation.archive_dead_events(session, SYSTEM_ACTOR, "shop", [event.id])
    bench.clock.advance(HOUR)
    bench.table.add(2, kind="web", name="open", at=bench.moment(1))
    bench.collect()
    (event,) = bench.rows_of(Event)
    assert (event.status, event.last_seen_at) == ("archived", bench.moment(1))
    assert bench.counts("web", "open")[bench.moment(1)] == 2
    assert bench.rows_of(ShadowEvent) == []
