from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlmodel import select

from app.identity import entrance, service
from app.identity.contracts import SignedIn, UserRole
from app.identity.policy import Allowance
from app.identity.service.callers import actor_for
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Conflict, TooManyRequests
from app.projects import service as projects
from models.identity import RateBucket, User
from models.projects import Project
from tests.factories import PASSWORD, make_actor, make_user


def together(*calls: Callable[[], object]) -> Sequence[object]:
    """Run the calls at the same moment; a refusal is a result like any other."""
    start = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        start.wait(timeout=30)
        try:
            return call()
        except AppError as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_simultaneous_first_people_make_exactly_one_owner(engine, clock):
    results = together(
        *(
            lambda number=number: entrance.sign_up(f"u{number}@example.com", PASSWORD, None, address=f"a{number}", clock=clock)
            for number in range(4)
        )
    )
    assert all(isinstance(result, SignedIn) for result in results)
    with session_scope(engine) as session:
        roles = sorted(session.exec(select(User.role)).all())
    assert roles == ["editor", "editor", "editor", "owner"]


def test_two_simultaneous_registrations_of_one_email_make_one_account_and_one_conflict(engine, clock):
    spellings = ("ada@example.com", "ADA@example.com", "Ada@Example.com")
    results = together(*(lambda mail=mail: entrance.sign_up(mail, PASSWORD, None, address=mail, clock=clock) for mail in spellings))
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 2
    with session_scope(engine) as session:
        assert len(session.exec(select(User)).all()) == 1


def test_two_owners_who_demote_each_other_leave_one_owner(engine, clock):
    with session_scope(engine) as session:
        first, second = make_user(session, role=UserRole.OWNER), make_user(session, role=UserRole.OWNER)

    def demote(actor: User, target: User) -> None:
        with session_scope(engine) as session:
            service.update_role(session, actor_for(actor), target.id, UserRole.EDITOR)

    results = together(lambda: demote(first, second), lambda: demote(second, first))
    with session_scope(engine) as session:
        owners = session.exec(select(User).where(User.role == "owner")).all()
    assert len(owners) == 1, results
    assert sum(isinstance(result, AppError) for result in results) == 1


def test_simultaneous_attempts_of_one_address_get_no_more_turns_than_there_are(engine, clock):
    import datetime

    limit = Allowance("login", 5, datetime.timedelta(minutes=1))

    def attempt() -> None:
        with session_scope(engine) as session:
            service.take_turn(session, limit, "198.51.100.7", clock.now())

    results = together(*([attempt] * 12))
    assert sum(isinstance(result, TooManyRequests) for result in results) == 7
    with session_scope(engine) as session:
        assert session.exec(select(RateBucket)).one().tokens == 0


def test_two_simultaneous_projects_of_one_slug_make_one_project_and_one_conflict(engine):
    with session_scope(engine) as session:
        actor = make_actor(session)

    def create() -> None:
        with session_scope(engine) as session:
            projects.create_project(session, actor, "Shop", "shop")

    results = together(*([create] * 4))
    assert sum(isinstance(result, Conflict) for result in results) == 3
    with session_scope(engine) as session:
        assert len(session.exec(select(Project)).all()) == 1
