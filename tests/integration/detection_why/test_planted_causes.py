"""Incidents whose cause is known: it comes first. Incidents without one: the answer is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.detection.why.contracts import Cause
from app.detection.why.service import Why
from app.kernel.database import session_scope
from app.metrics.contracts import ScopeType
from models.plan import Event
from tests import factories
from tests.integration.detection_why.incident_world import HOUR, NEW, IncidentWorld

MakeWorld = Callable[..., IncidentWorld]


@pytest.fixture
def make(engine, event_store) -> MakeWorld:
    def build(**options: object) -> IncidentWorld:
        return IncidentWorld(engine, event_store, **options)

    return build


def drop(event: str = "checkout", to: float = 0.4):
    return lambda name, country, version: to if name == event else 1.0


def lost_country(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=lambda event, country, version: 0.02 if (event, country) == ("checkout", "DE") else 1.0)
    world.count()
    return world.why(), Cause.BREAKDOWN, "country = DE"


def bots_from_one_country(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=lambda event, country, version: 20.0 if (event, country) == ("search", "ES") else 1.0, seed=3)
    world.count()
    return world.why(name="search"), Cause.BREAKDOWN, "country = ES"


def one_event_type_of_the_total(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=lambda event, country, version: 0.03 if event in ("cart", "checkout") else 1.0, seed=4)
    world.count()
    return world.why(ScopeType.PROJECT_TOTAL), Cause.BREAKDOWN, "event type = Shop"


def one_event_of_its_type(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop("cart", 0.2), seed=5)
    world.count()
    return world.why(ScopeType.EVENT_TYPE, "shop"), Cause.BREAKDOWN, "event = cart"


def release_that_lost_an_event(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(
        factor=lambda event, country, version: 0.01 if (event, version) == ("checkout", NEW) else 1.0,
        new_share=lambda ago: 0.7 if ago <= 0 else 0.2 if ago == 1 else 0.0,
        seed=6,
    )
    world.count()
    return world.why(), Cause.RELEASE, f"Release {NEW}"


def release_that_counts_twice(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(
        factor=lambda event, country, version: 2.0 if (event, version) == ("view", NEW) else 1.0,
        new_share=lambda ago: 0.8 if ago <= 0 else 0.0,
        seed=8,
    )
    world.count()
    return world.why(name="view"), Cause.RELEASE, f"Release {NEW}"


def merge_that_changed_the_event(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(), seed=9)
    world.count()

    def change(session) -> None:
        session.get_one(Event, world.ids["checkout"]).description = "Only paid orders"

    world.merge(change, "paid-orders-only")
    return world.why(), Cause.PLAN_CHANGE, "paid-orders-only"


def outage_that_somebody_noted(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(), seed=10)
    world.count()
    world.annotate("Payment provider down", minutes_before=20)
    return world.why(), Cause.ANNOTATION, "Payment provider down"


def sale_that_was_planned(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(to=3.0), seed=11)
    world.count()
    with world.transaction() as session:
        world.plan_event(session, "Summer sale")
    return world.why(), Cause.PLANNED_EVENT, "Summer sale"


def field_that_went_missing(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(), seed=12)
    world.count()
    with world.transaction() as session:
        world.drift(session, "shop", "amount")
    return world.why(), Cause.SCHEMA_DRIFT, "Shop.amount"


def names_the_plan_does_not_know(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(to=0.3), matched=0.6, seed=13)
    world.count()
    return world.why(), Cause.SCHEMA_DRIFT, "Rows that match no event"


def source_that_fell_silent(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=lambda event, country, version: 0.0, seed=14)
    world.count()
    return world.why(), Cause.SOURCE, "The whole source fell silent"


def rows_that_came_late(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(to=3.0), missing=(1, 2), seed=15)
    world.count()
    return world.why(), Cause.SOURCE, "Late or missing data"


def errors_of_a_service(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(), seed=16)
    world.count()
    world.log(30, world.at - 24 * HOUR, world.at - HOUR)
    world.log(250, world.at, world.at + timedelta(minutes=50))
    return world.why(), Cause.LOG_ERRORS, "Errors of payments"


def run_that_failed(make: MakeWorld) -> tuple[Why, Cause, str]:
    world = make(factor=drop(), seed=17)
    world.count()
    with world.transaction() as session:
        job = factories.make_scan_job(session, world.config(session), status="failed", created_at=world.at + timedelta(minutes=65))
        job.completed_at = world.at + timedelta(minutes=70)
    return world.why(), Cause.SOURCE, "Failed runs of the scan"


PLANTED = [
    lost_country,
    bots_from_one_country,
    one_event_type_of_the_total,
    one_event_of_its_type,
    release_that_lost_an_event,
    release_that_counts_twice,
    merge_that_changed_the_event,
    outage_that_somebody_noted,
    sale_that_was_planned,
    field_that_went_missing,
    names_the_plan_does_not_know,
    source_that_fell_silent,
    rows_that_came_late,
    errors_of_a_service,
    run_that_failed,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_the_planted_cause_comes_first(make: MakeWorld, plant: Callable[[MakeWorld], tuple[Why, Cause, str]]):
    found, cause, title = plant(make)
    told = [(one.cause, one.title, round(one.strength, 2)) for one in found.ranking.explanations]
    assert told and told[0][:2] == (cause, title), (told, found.ranking.reason, found.subject)


def even_drop(make: MakeWorld) -> Why:
    world = make(factor=drop(), seed=21)
    world.count()
    return world.why()


def even_rise(make: MakeWorld) -> Why:
    world = make(factor=drop("search", 2.5), seed=22)
    world.count()
    return world.why(name="search")


def even_drop_of_everything(make: MakeWorld) -> Why:
    world = make(factor=lambda event, country, version: 0.55, seed=23)
    world.count()
    return world.why(ScopeType.PROJECT_TOTAL)


def merge_of_something_else(make: MakeWorld) -> Why:
    world = make(factor=drop(), seed=24)
    world.count()

    def change(session) -> None:
        session.get_one(Event, world.ids["signup"]).description = "Accounts"

    world.merge(change, "accounts")
    return world.why()


def harmless_release(make: MakeWorld) -> Why:
    world = make(factor=drop(), new_share=lambda ago: 0.08 if ago <= 1 else 0.0, seed=25)
    world.count()
    return world.why()


def errors_as_usual(make: MakeWorld) -> Why:
    world = make(factor=drop(), seed=26)
    world.count()
    world.log(240, world.at - 24 * HOUR, world.at + HOUR)
    world.log(500, world.at, world.at + HOUR, severity="INFO")
    return world.why()


def note_of_the_day_before(make: MakeWorld) -> Why:
    world = make(factor=drop(), seed=27)
    world.count()
    world.annotate("Copy of the footer", minutes_before=20 * 60)
    return world.why()


@pytest.mark.parametrize(
    "happen",
    [
        even_drop,
        even_rise,
        even_drop_of_everything,
        merge_of_something_else,
        harmless_release,
        errors_as_usual,
        note_of_the_day_before,
    ],
    ids=lambda happen: happen.__name__,
)
def test_without_a_cause_the_answer_is_unknown_with_a_reason(make: MakeWorld, happen: Callable[[MakeWorld], Why]):
    found = happen(make)
    assert found.ranking.is_unknown, [(one.title, one.strength) for one in found.ranking.explanations]
    assert found.ranking.reason.startswith("Nothing that is recorded near this signal accounts for it")


def test_explaining_writes_nothing(make: MakeWorld, engine: sa.Engine):
    world = make(factor=drop(), seed=31)
    world.count()
    with session_scope(engine, write=False) as session:
        statements: list[str] = []
        sa.event.listen(session.connection(), "before_cursor_execute", lambda *given: statements.append(given[2]))
        world.why()
    assert not [text for text in statements if text.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
