from datetime import timedelta

import pytest

from app.kernel.errors import NotFound
from app.plan import service as plan
from app.plan.contracts import EventStatus, ObservedEvent
from models.plan import Event
from models.projects import Project
from tests.integration.scans_workbench import HOUR, NOW, VIEWER, Workbench


def sync(bench: Workbench, *observed: ObservedEvent):
    with bench.transaction() as session:
        return plan.sync_observed_events(session, bench.project.id, observed)


def change(bench: Workbench, key: tuple[str, str], **values: object) -> None:
    event_id = bench.events()[key].id
    with bench.transaction() as session:
        event = session.get_one(Event, event_id)
        for name, value in values.items():
            setattr(event, name, value)


def names(bench: Workbench, **criteria) -> list[str]:
    with bench.transaction(write=False) as session:
        return [event.name for event in plan.list_events(session, VIEWER, "shop", **criteria).items]


def test_syncing_twice_creates_once(bench: Workbench):
    seen = ObservedEvent("web", "click", 3, NOW)
    first, second = sync(bench, seen), sync(bench, seen)
    assert (first.created, first.skipped) == (1, 0)
    assert (second.created, second.skipped) == (0, 1)
    assert first.event_ids == second.event_ids


def test_last_seen_only_moves_forward(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    sync(bench, ObservedEvent("web", "click", 3, NOW - HOUR))
    assert bench.events()[("web", "click")].last_seen_at == NOW
    sync(bench, ObservedEvent("web", "click", 3, NOW + HOUR))
    assert bench.events()[("web", "click")].last_seen_at == NOW + HOUR


def test_being_seen_is_no_edit(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    before = bench.events()[("web", "click")].updated_at
    sync(bench, ObservedEvent("web", "click", 3, NOW + HOUR))
    assert bench.events()[("web", "click")].updated_at == before


@pytest.mark.parametrize("status", list(EventStatus))
def test_a_scan_changes_no_status(bench: Workbench, status: EventStatus):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    change(bench, ("web", "click"), status=status.value)
    sync(bench, ObservedEvent("web", "click", 3, NOW + HOUR))
    assert bench.events()[("web", "click")].status == status


def test_a_hand_made_event_is_adopted_with_its_status(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    change(bench, ("web", "click"), source_name=None, status="draft", description="by hand")
    result = sync(bench, ObservedEvent("web", "click", 3, NOW))
    event = bench.events()[("web", "click")]
    assert (result.created, event.source_name, event.status, event.description) == (0, "click", "draft", "by hand")


def test_an_event_renamed_onto_an_observed_name_does_not_stop_the_scan(bench: Workbench):
    sync(bench, ObservedEvent("web", "press", 3, NOW))
    change(bench, ("web", "press"), name="click")
    result = sync(bench, ObservedEvent("web", "click", 3, NOW), ObservedEvent("web", "press", 1, NOW))
    assert (result.created, result.skipped) == (1, 1)
    assert set(bench.events()) == {("web", "click"), ("web", "click (2)")}


def test_planned_names_leave_out_archived_events_and_follow_the_identity(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW), ObservedEvent("web", "view", 1, NOW))
    change(bench, ("web", "click"), name="Button pressed")
    change(bench, ("web", "view"), status="archived")
    with bench.transaction(write=False) as session:
        assert plan.planned_names(session, bench.project.id) == frozenset({("web", "click")})
        assert plan.planned_names(session, "no project") == frozenset()


def test_events_are_listed_by_order_with_new_ones_at_the_end(bench: Workbench):
    sync(bench, ObservedEvent("web", "rare", 1, NOW), ObservedEvent("web", "common", 9, NOW))
    sync(bench, ObservedEvent("web", "later", 99, NOW))
    assert names(bench) == ["common", "rare", "later"]


def test_equal_orders_list_the_newest_first(bench: Workbench):
    sync(bench, ObservedEvent("web", "old", 2, NOW), ObservedEvent("web", "young", 1, NOW))
    change(bench, ("web", "old"), order=5, created_at=NOW - HOUR)
    change(bench, ("web", "young"), order=5, created_at=NOW)
    assert names(bench) == ["young", "old"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("CLICK", ["100%_click"]),
        ("100%", ["100%_click"]),
        ("0%_c", ["100%_click"]),
        ("%", ["100%_click"]),
        ("_", ["100%_click"]),
        ("\\", ["back\\slash"]),
        ("überblick", ["ÜBERBLICK"]),
        ("from a data source", ["100%_click", "ÜBERBLICK", "back\\slash", "plain"]),
        ("nothing like it", []),
        ("nul\x00l", []),
    ],
)
def test_search_is_a_case_insensitive_substring_without_wildcards(bench: Workbench, search: str, found: list[str]):
    observed = [("100%_click", 9), ("ÜBERBLICK", 8), ("back\\slash", 7), ("plain", 6)]
    sync(bench, *(ObservedEvent("web", name, count, NOW) for name, count in observed))
    assert names(bench, search=search) == found


def test_search_finds_the_source_name_of_a_renamed_event(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    change(bench, ("web", "click"), name="Button")
    assert names(bench, search="clic") == ["Button"]


def test_statuses_filter_repeatedly_and_pages_are_bounded(bench: Workbench):
    sync(bench, *(ObservedEvent("web", f"e{number}", 10 - number, NOW) for number in range(5)))
    change(bench, ("web", "e1"), status="live")
    change(bench, ("web", "e3"), status="draft")
    assert names(bench, status=["live", "draft"]) == ["e1", "e3"]
    with bench.transaction(write=False) as session:
        page = plan.list_events(session, VIEWER, "shop", limit=2, offset=2)
        clamped = plan.list_events(session, VIEWER, "shop", limit=0, offset=-1)
    assert ([event.name for event in page.items], page.total, page.has_more) == (["e2", "e3"], 5, True)
    assert (clamped.limit, clamped.offset) == (1, 0)


def test_an_event_of_another_project_is_not_found(bench: Workbench):
    sync(bench, ObservedEvent("web", "click", 3, NOW))
    event_id = bench.events()[("web", "click")].id
    with bench.transaction() as session:
        session.add(Project(tenant_id="tenant_1", name="Other", slug="other"))
    with bench.transaction(write=False) as session:
        assert plan.get_event(session, VIEWER, "shop", event_id).event_type_name == "web"
        with pytest.raises(NotFound):
            plan.get_event(session, VIEWER, "other", event_id)
        assert plan.list_events(session, VIEWER, "other").total == 0
        assert plan.events_by_id(session, "other", [event_id]) == {}


def test_active_events_are_those_seen_since(bench: Workbench):
    sync(bench, ObservedEvent("web", "now", 1, NOW), ObservedEvent("web", "then", 1, NOW - timedelta(days=9)))
    with bench.transaction(write=False) as session:
        assert plan.count_events(session, bench.project.id) == 2
        assert plan.count_events(session, bench.project.id, seen_since=NOW - timedelta(days=1)) == 1
        (event_type,) = plan.list_event_types(session, VIEWER, "shop")
    assert (event_type.name, event_type.event_count) == ("web", 2)
