"""Where shadow events come from: what a run counts and the plan does not have (contract 5.3, 5.6 and 9)."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from app.kernel.database import session_scope
from models.reconciliation import ShadowEvent
from tests.integration.scans_workbench import HOUR, NOW, Workbench

FLOOR = NOW.replace(minute=0)
DAY = timedelta(days=1)


def shadows(engine) -> dict[tuple[str, str], ShadowEvent]:
    with session_scope(engine, write=False) as session:
        found = session.execute(sa.select(ShadowEvent)).scalars().all()
        session.expunge_all()
        return {(row.event_type_name, row.event_name): row for row in found}


def test_a_collection_creates_events_and_leaves_nothing_in_the_shadow(bench: Workbench, engine):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    assert shadows(engine) == {}


def test_a_replay_creates_no_event_and_proposes_what_the_plan_lacks(bench: Workbench, engine):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    for days in (100, 99):
        bench.store.add("web", "unheard", FLOOR - days * DAY, 7)
    bench.store.add("ios", "swipe", FLOOR - 100 * DAY, 1)
    job = bench.replay(FLOOR - 100 * DAY, FLOOR - 98 * DAY)
    assert job.result_summary["shadow_events"] == 2
    found = shadows(engine)
    assert set(found) == {("web", "unheard"), ("ios", "swipe")}
    row = found[("web", "unheard")]
    assert (row.observed_count, row.first_seen_at, row.last_seen_at) == (14, FLOOR - 100 * DAY, FLOOR - 99 * DAY)
    assert row.event_type_id is not None and found[("ios", "swipe")].event_type_id is None


def test_a_dismissed_one_stays_dismissed_through_later_runs(bench: Workbench, engine):
    bench.store.add("web", "click", FLOOR - HOUR, 3)
    bench.collect()
    bench.store.add("web", "unheard", FLOOR - 100 * DAY, 7)
    bench.replay(FLOOR - 100 * DAY, FLOOR - 99 * DAY)
    with session_scope(engine) as session:
        session.execute(sa.update(ShadowEvent).values(status="dismissed"))
    bench.store.add("web", "unheard", FLOOR - 100 * DAY, 5)
    bench.replay(FLOOR - 100 * DAY, FLOOR - 99 * DAY)
    (row,) = shadows(engine).values()
    assert (row.status, row.observed_count) == ("dismissed", 12)
