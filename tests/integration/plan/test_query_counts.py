"""The number of statements does not depend on how much the plan holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from app.kernel.database import session_scope
from app.plan import service as plan
from app.plan.contracts import EventStatus
from app.plan.drafts import BulkChanges, EventDraft, EventFilter
from app.plan.vocabulary import MoveDirection
from tests.api.plan.workbench import make_world
from tests.factories import make_actor


@contextmanager
def counting(engine):
    """Collects the statements sent to the database."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def drafts(world, count: int, prefix: str = "event") -> list[EventDraft]:
    return [
        EventDraft(
            event_type_id=world.event_type_id,
            name=f"{prefix}_{number}",
            tags=["a", f"t{number}"],
            field_values=[(world.field_id, "x"), (world.other_field_id, str(number))],
            meta_values=[(world.meta_field_id, "m")],
        )
        for number in range(count)
    ]


def work(session, actor, world) -> dict[str, Callable[[], object]]:
    ids = [event.id for event in plan.list_event_details(session, actor, world.slug, limit=10_000).items]
    everything = EventFilter(search="e", statuses=["draft"], tag="a", silent_since_days=1, field_value="x", meta_value="m")
    return {
        "list": lambda: plan.list_event_details(session, actor, world.slug, limit=10_000),
        "filter": lambda: plan.list_event_details(session, actor, world.slug, everything),
        "types": lambda: plan.list_event_type_details(session, actor, world.slug),
        "variables": lambda: plan.list_variables(session, actor, world.slug),
        "bulk update": lambda: plan.bulk_update_events(
            session, actor, world.slug, ids, BulkChanges(status=EventStatus.LIVE, reviewed=True)
        ),
        "reorder": lambda: plan.reorder_events(session, actor, world.slug, ids[::-1]),
        "move": lambda: plan.move_event(session, actor, world.slug, ids[0], MoveDirection.DOWN),
        "rename": lambda: plan.update_variable(session, actor, world.slug, world.variable_id, {"name": "renamed"}),
        "bulk create": lambda: plan.bulk_create_events(session, actor, world.slug, drafts(world, len(ids), "more")),
        "bulk delete": lambda: plan.bulk_delete_events(session, actor, world.slug, ids),
    }


def test_a_hundred_times_the_events_take_no_more_statements(engine):
    counts: list[dict[str, int]] = []
    for size in (3, 300):
        with session_scope(engine) as session:
            world, actor = make_world(session), make_actor(session)
            plan.bulk_create_events(session, actor, world.slug, drafts(world, size))
            session.commit()
            counts.append({})
            for name, run in work(session, actor, world).items():
                with counting(engine) as statements:
                    run()
                    session.flush()
                counts[-1][name] = len(statements)
    assert counts[0] == counts[1]
    assert counts[0]["list"] <= 9
    assert max(counts[0].values()) <= 25


@pytest.mark.slow
def test_a_plan_of_ten_thousand_events_is_listed_whole_and_by_page(engine):
    with session_scope(engine) as session:
        world, actor = make_world(session), make_actor(session)
        plan.bulk_create_events(session, actor, world.slug, drafts(world, 9_998))
    with session_scope(engine, write=False) as session:
        with counting(engine) as statements:
            page = plan.list_event_details(session, actor, world.slug)
        assert (len(page.items), page.total, len(statements) <= 9) == (200, 10_000, True)
        with counting(engine) as statements:
            page = plan.list_event_details(session, actor, world.slug, limit=10_000)
        assert len(page.items) == 10_000
        assert len(statements) <= 13, "values are read in portions that fit one statement"
        assert [event.order for event in page.items] == sorted(event.order for event in page.items)
