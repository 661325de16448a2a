"""How long a branch of a large plan takes, its diff and its merge, beside a plain copy of the same rows.

    python -m benchmarks.plan_branches [--events 5000] [--url postgresql://user@host/empty_database]

The plain copy reads every row of the plan and inserts it into a table without keys, through the same driver: what any program
pays for moving so many rows. Without a URL a SQLite file in a temporary folder is used. The ratios hold on any machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import create_engine, session_scope
from app.kernel.ids import new_id
from app.migrations import upgrade
from app.plan.branching import repository, service
from app.projects import service as projects
from models.branches import BranchApproval
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import (
    EventFieldValue,
    EventMetaValue,
    EventTag,
    FieldDefinition,
    MetaField,
    Relation,
    Variable,
)

SLUG = "large"
TYPES = 20
FIELDS = 8
TABLES = (EventType, FieldDefinition, MetaField, Variable, Event, EventTag, EventFieldValue, EventMetaValue, Relation)


def fill(session: Session, events: int) -> str:
    """A project whose main has so many events, each with three values, two tags and one meta value."""
    project = projects.create_project(session, SYSTEM_ACTOR, "Large", SLUG)
    main_id = session.execute(sa.select(PlanBranch.id).where(PlanBranch.project_id == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": main_id}
    types = [EventType(**owned, name=f"type_{number}", display_name="Type", order=number) for number in range(TYPES)]
    meta = MetaField(**owned, name="ticket", display_name="Ticket", field_type="string")
    session.add_all([*types, meta, *(Variable(**owned, name=f"variable_{number}") for number in range(100))])
    session.flush()
    fields = {
        row.id: [
            FieldDefinition(event_type_id=row.id, name=f"field_{number}", display_name="Field", field_type="string")
            for number in range(FIELDS)
        ]
        for row in types
    }
    for definitions in fields.values():
        session.add_all(definitions)
    session.flush()
    rows = [
        Event(**owned, event_type_id=types[number % TYPES].id, name=f"event_{number}", order=number) for number in range(events)
    ]
    session.add_all(rows)
    session.flush()
    for row in rows:
        session.add_all(
            EventFieldValue(event_id=row.id, field_definition_id=field.id, value=f"value of {row.name}")
            for field in fields[row.event_type_id][:3]
        )
        session.add_all([EventTag(event_id=row.id, name="web"), EventTag(event_id=row.id, name="checkout")])
        session.add(EventMetaValue(event_id=row.id, meta_field_id=meta.id, value="SHOP-1"))
    session.flush()
    return main_id


def copy_plainly(session: Session, main_id: str) -> None:
    """Every row of the plan once more, into tables without keys."""
    for model in TABLES:
        rows = repository.plan_rows(session, model, main_id)
        table = repository.table_of(model)
        copy = sa.Table(f"copy_{table.name}", sa.MetaData(), *(sa.Column(column.name, column.type) for column in table.c))
        copy.create(session.connection())
        if rows:
            session.connection().execute(copy.insert(), [dict(row) | {"id": new_id()} for row in rows])


def change(session: Session, branch_id: str, one_in: int) -> None:
    """Give every n-th event of the branch another description and one more tag, and approve the branch."""
    ids = session.execute(sa.select(Event.id).where(Event.branch_id == branch_id).order_by(Event.id)).scalars().all()
    for event_id in ids[::one_in]:
        session.execute(sa.update(Event).where(Event.id == event_id).values(description=f"changed one in {one_in}"))
        session.add(EventTag(event_id=event_id, name=f"one_in_{one_in}"))
    session.execute(sa.update(PlanBranch).where(PlanBranch.id == branch_id).values(status="approved"))
    session.add(BranchApproval(branch_id=branch_id))


def measure(url: str, events: int) -> None:
    """Print the table."""
    upgrade(url)
    engine = create_engine(url)
    timings: dict[str, float] = {}

    def timed(name: str, work: Callable[[Session], Any], *, write: bool = True) -> Any:
        started = time.perf_counter()
        with session_scope(engine, write=write) as session:
            result = work(session)
        timings[name] = time.perf_counter() - started
        return result

    with session_scope(engine) as session:
        main_id = fill(session, events)
    timed("plain copy", lambda session: copy_plainly(session, main_id))
    branch_id = ""
    for share, one_in in (("one event in a hundred", 100), ("every event", 1)):
        made = timed("branch", lambda session, name=share: service.create_branch(session, SYSTEM_ACTOR, SLUG, name))
        branch_id = made.id
        with session_scope(engine) as session:
            change(session, branch_id, one_in)
        timed(f"diff, {share}", lambda session, of=branch_id: service.diff_branch(session, SYSTEM_ACTOR, SLUG, of), write=False)
        timed(f"merge, {share}", lambda session, of=branch_id: service.merge_branch(session, SYSTEM_ACTOR, SLUG, of))
    timed("deletion of a branch", lambda session: service.delete_branch(session, SYSTEM_ACTOR, SLUG, branch_id))
    print(f"{events} events, {engine.dialect.name}")
    for name, seconds in timings.items():
        print(f"{name:32s} {seconds:7.2f} s {seconds / timings['plain copy']:6.1f} x")
    engine.dispose()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary folder when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.url or f"sqlite:///{Path(folder) / 'plan.db'}", options.events)


if __name__ == "__main__":
    main()
