"""A merge or a new branch that fails at any of its statements leaves no trace."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Conflict
from app.plan.branching import service
from models.plan import Event
from models.plan_entities import Variable
from tests.factories import make_project
from tests.integration.plan_branches.plans import change_branch, contents, make_plan, named


class Failure(Exception):
    """The database breaks."""


class Saboteur:
    """Counts statements and breaks the one it is told to; `None` breaks none."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.seen = 0
        self.statement = ""

    def __call__(self, _connection, _cursor, statement, _parameters, _context, _executemany) -> None:
        self.seen += 1
        if self.at == self.seen:
            self.statement = statement
            raise Failure(statement)


def run(engine, work, at: int | None) -> Saboteur:
    saboteur = Saboteur(at)
    with session_scope(engine) as session:
        connection = session.connection()  # the transaction is open; from here on statements are counted
        sa.event.listen(connection, "before_cursor_execute", saboteur)
        work(session)
    return saboteur


def break_each_statement(engine, work) -> int:
    """Break the work at every statement in turn and compare the database; how many there were."""
    with session_scope(engine, write=False) as session:
        before = contents(session)
    at, broken = 1, []
    while True:
        try:
            run(engine, work, at)
        except Failure as failure:
            broken.append(str(failure))
            with session_scope(engine, write=False) as session:
                assert contents(session) == before, f"statement {at} left traces: {failure}"
            at += 1
            continue
        break
    with session_scope(engine, write=False) as session:
        assert contents(session) != before, "without a failure the work is done"
    writes = [text for text in broken if text.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert len(writes) >= 10
    return len(broken)


def test_a_merge_that_fails_at_any_statement_leaves_main_untouched(engine):
    with session_scope(engine) as session:
        plan = make_plan(session)
        change_branch(session, plan)
    statements = break_each_statement(
        engine, lambda session: service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)
    )
    assert statements >= 50


def test_a_branch_that_cannot_be_copied_whole_is_not_there_at_all(engine):
    with session_scope(engine) as session:
        plan = make_plan(session)
    break_each_statement(engine, lambda session: service.create_branch(session, SYSTEM_ACTOR, plan.slug, "again"))


def in_threads(*works) -> list[object]:
    """Run all at once; what each returned or raised."""
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def start(number, work) -> None:
        barrier.wait()
        try:
            results[number] = work()
        except Exception as error:  # noqa: BLE001 - the test looks at what it was
            results[number] = error

    threads = [threading.Thread(target=start, args=(number, work)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_a_branch_is_merged_once_however_many_press_the_button(engine):
    with session_scope(engine) as session:
        plan = make_plan(session)
        change_branch(session, plan)

    def press():
        with session_scope(engine) as session:
            return service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)

    results = in_threads(press, press, press)
    assert sorted(type(result).__name__ for result in results) == ["BadRequest", "BadRequest", "BranchDetail"]
    assert all(isinstance(result, BadRequest) for result in results if isinstance(result, Exception))


def test_two_branches_of_one_name_do_not_both_come_to_be(engine):
    with session_scope(engine) as session:
        slug = make_project(session).slug

    def make():
        with session_scope(engine) as session:
            return service.create_branch(session, SYSTEM_ACTOR, slug, "same")

    results = in_threads(make, make)
    assert sorted(type(result).__name__ for result in results) == ["BranchView", "Conflict"]
    assert any(isinstance(result, Conflict) for result in results)


def test_an_edit_of_main_during_a_merge_comes_before_or_after_it_and_is_never_lost(engine):
    from app.plan import service as plans
    from app.plan.branching.rows import load_snapshot

    with session_scope(engine) as session:
        plan = make_plan(session)
        change_branch(session, plan)
        viewed = named(session, Event, plan.main_id, "viewed").id

    def merge():
        with session_scope(engine) as session:
            return service.merge_branch(session, SYSTEM_ACTOR, plan.slug, plan.branch_id)

    def edit():
        with session_scope(engine) as session:
            return plans.update_event(session, SYSTEM_ACTOR, plan.slug, viewed, {"description": "meanwhile"})

    def add():
        with session_scope(engine) as session:
            return plans.create_variable(session, SYSTEM_ACTOR, plan.slug, "meanwhile")

    assert not [result for result in in_threads(merge, edit, add) if isinstance(result, Exception)]
    with session_scope(engine, write=False) as session:
        assert named(session, Event, plan.main_id, "viewed").description == "meanwhile"
        assert named(session, Variable, plan.main_id, "meanwhile")
        assert load_snapshot(session, plan.main_id).counts()["variables"] == 3
