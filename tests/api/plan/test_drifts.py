"""Drifts recorded by scans, listed, counted and decided upon (contract 2.4, 8.1 to 8.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden
from app.plan import service as plan
from app.plan.contracts import DriftType, ObservedDrift
from app.plan.vocabulary import DriftAction
from models.identity import AuditEntry
from models.plan_drifts import SchemaDrift
from models.plan_entities import EventFieldValue, FieldDefinition
from models.projects import Project
from models.scans import ScanConfig
from tests.api.plan.workbench import World, make_world
from tests.factories import make_actor, make_scan_config

NOBODY = "00000000-0000-0000-0000-000000000000"
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def bare(world, engine) -> World:
    """The world without its drift."""
    with session_scope(engine) as session:
        session.execute(sa.delete(SchemaDrift))
    return world


@pytest.fixture
def record(engine, bare, now):
    """Records one drift of the world's event type as a scan would: `record("coupon", at=...)`; its id."""

    def send(name: str = "coupon", kind: DriftType = DriftType.NEW_FIELD, *, at: datetime = now, **texts: str) -> str:
        with session_scope(engine) as session:
            drift = ObservedDrift(bare.event_type_id, name, kind, **texts)
            assert plan.record_drifts(session, bare.project_id, None, [drift], at) == 1
        with session_scope(engine) as session:
            wanted = select(SchemaDrift.id).where(SchemaDrift.field_name == name, SchemaDrift.drift_type == kind.value)
            return session.exec(wanted).one()

    return send


@pytest.fixture
def decide(call, world):
    """Sends an action on a drift and returns the drift: `decide(id, "accept")`."""

    def send(drift_id: str, action: str, **extra: object) -> dict:
        answer = call("POST", f"{world.base}/event-types/drifts/{drift_id}/actions", json={"action": action, **extra})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def listed(call, world) -> dict:
    answer = call("GET", f"{world.base}/event-types/{world.event_type_id}/drifts")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fields(call, world) -> list[tuple[str, str, int]]:
    found = call("GET", f"{world.base}/event-types/{world.event_type_id}/fields").json()
    return [(field["name"], field["field_type"], field["order"]) for field in found]


def counts(call, world) -> set[int]:
    return {event["drift_count"] for event in call("GET", f"{world.base}/events").json()["items"]}


def test_drifts_are_listed_newest_first_then_by_field_for_thirty_days(call, bare, record, engine, now):
    record("b", at=now - DAY)
    record("z")
    record("a", at=now - DAY)
    record("recent", at=now - 29.9 * DAY)
    with session_scope(engine) as session:
        session.add(
            SchemaDrift(event_type_id=bare.event_type_id, field_name="gone", drift_type="new_field", detected_at=now - 30.1 * DAY)
        )
    answer = listed(call, bare)
    assert [drift["field_name"] for drift in answer["items"]] == ["z", "a", "b", "recent"]
    assert answer["total"] == 4
    assert datetime.fromisoformat(answer["items"][1]["detected_at"]) == now - DAY


def test_an_event_type_without_drifts_has_an_empty_list_and_one_elsewhere_is_not_found(call, bare, engine):
    assert listed(call, bare) == {"items": [], "total": 0}
    with session_scope(engine) as session:
        elsewhere = make_world(session)
    for event_type_id in (elsewhere.event_type_id, NOBODY):
        assert call("GET", f"{bare.base}/event-types/{event_type_id}/drifts").status_code == 404


def test_finding_a_drift_again_refreshes_what_was_observed_and_keeps_the_decision(call, bare, record, decide, engine, now):
    first = record("coupon", at=now - DAY, observed_type="String", declared_type="json", sample_value="A")
    decide(first, "false_positive", note="noise")
    before = listed(call, bare)["items"][0]
    with session_scope(engine) as session:
        scan_id = make_scan_config(session, session.get_one(Project, bare.project_id)).id
        drift = ObservedDrift(bare.event_type_id, "coupon", DriftType.NEW_FIELD, "JSON", "string", "B")
        plan.record_drifts(session, bare.project_id, scan_id, [drift], now)
    (after,) = listed(call, bare)["items"]
    refreshed = {"scan_config_id": scan_id, "observed_type": "JSON", "declared_type": "string", "sample_value": "B"}
    assert after == {**before, **refreshed, "detected_at": after["detected_at"]}
    assert datetime.fromisoformat(after["detected_at"]) == now
    assert (after["id"], after["status"], after["resolution_note"]) == (first, "false_positive", "noise")
    with session_scope(engine) as session:
        session.delete(session.get_one(ScanConfig, scan_id))
    assert listed(call, bare)["items"][0]["scan_config_id"] is None, "a drift outlives its scan"


def test_recording_keeps_only_what_belongs_to_the_project_and_fits(bare, engine, now):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
        observed = [
            ObservedDrift(bare.event_type_id, "sum", DriftType.RANGE_VIOLATION, "x" * 300, "y" * 300, "a\x00" + "z" * 300),
            ObservedDrift(bare.event_type_id, "twice", DriftType.NEW_FIELD, sample_value="first"),
            ObservedDrift(bare.event_type_id, "twice", DriftType.NEW_FIELD, sample_value="second"),
            ObservedDrift(bare.event_type_id, "twice", DriftType.MISSING_FIELD),
            ObservedDrift(bare.event_type_id, " ", DriftType.NEW_FIELD),
            ObservedDrift(bare.event_type_id, "n" * 256, DriftType.NEW_FIELD),
            ObservedDrift(elsewhere.event_type_id, "theirs", DriftType.NEW_FIELD),
            ObservedDrift(NOBODY, "nobody's", DriftType.NEW_FIELD),
        ]
        assert plan.record_drifts(session, bare.project_id, None, observed, now) == 3
        assert plan.record_drifts(session, bare.project_id, None, [], now) == 0
        kept = session.exec(select(SchemaDrift).where(SchemaDrift.event_type_id == bare.event_type_id)).all()
        assert {(row.field_name, row.drift_type): row.sample_value for row in kept} == {
            ("sum", "range_violation"): "a" + "z" * 254,
            ("twice", "new_field"): "second",
            ("twice", "missing_field"): None,
        }
        (long,) = [row for row in kept if row.field_name == "sum"]
        assert (len(long.observed_type), len(long.declared_type)) == (128, 128)


def test_values_of_sensitive_names_are_not_kept_and_those_kept_before_the_label_go_with_the_next_scan(
    call, bare, record, engine, now
):
    record("step", DriftType.TYPE_CHANGED, sample_value="before the label")
    record("other", sample_value="shown")
    with session_scope(engine) as session:
        elsewhere = make_world(session)  # another project whose field of that name has no label
        session.get_one(FieldDefinition, bare.field_id).sensitivity = "pii"
        plan.record_drifts(
            session,
            bare.project_id,
            None,
            [ObservedDrift(bare.event_type_id, "Step", DriftType.NEW_FIELD, sample_value="a@b.example")],
            now,
        )
        theirs = [ObservedDrift(elsewhere.event_type_id, "step", DriftType.ENUM_VIOLATION, sample_value="theirs")]
        plan.record_drifts(session, elsewhere.project_id, None, theirs, now)
    samples = {(drift["field_name"], drift["drift_type"]): drift["sample_value"] for drift in listed(call, bare)["items"]}
    assert samples == {("step", "type_changed"): None, ("other", "new_field"): "shown", ("Step", "new_field"): None}
    assert [drift["sample_value"] for drift in listed(call, elsewhere)["items"] if drift["field_name"] == "step"] == ["theirs"]


def test_recording_many_drifts_at_once_and_again_keeps_each_once(call, bare, engine, now):
    observed = [ObservedDrift(bare.event_type_id, f"f{number:04}", DriftType.NEW_FIELD) for number in range(2500)]
    for _ in range(2):
        with session_scope(engine) as session:
            assert plan.record_drifts(session, bare.project_id, None, observed, now) == 2500
    assert listed(call, bare)["total"] == 2500


def test_recording_deletes_what_no_scan_of_the_project_found_for_thirty_days(bare, record, engine, now):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
        session.get_one(SchemaDrift, elsewhere.drift_id).detected_at = now - 40 * DAY
    record("old", at=now - 31 * DAY)
    record("kept", at=now - 29 * DAY)
    record("fresh")
    with session_scope(engine) as session:
        assert set(session.exec(select(SchemaDrift.field_name)).all()) == {"kept", "fresh", "coupon"}


def test_the_event_list_counts_the_active_drifts_of_the_event_type(call, bare, record, decide, engine, now):
    past, future = (now - DAY).isoformat(), (now + DAY).isoformat()
    assert counts(call, bare) == {0}
    record("open", at=now - 29 * DAY)
    record("old", at=now - 29 * DAY)
    decide(record("asleep"), "snooze", snoozed_until=future)
    decide(record("awake"), "snooze", snoozed_until=past)
    decide(record("wrong"), "false_positive")
    decide(record("taken", DriftType.ENUM_VIOLATION), "accept")
    with session_scope(engine) as session:
        row = session.exec(select(SchemaDrift).where(SchemaDrift.field_name == "old")).one()
        row.detected_at = now - 31 * DAY
    assert counts(call, bare) == {2}
    event = call("GET", f"{bare.base}/events/{bare.event_id}").json()
    assert event["drift_count"] == 0, "only the list counts"


def test_accepting_a_column_that_is_not_planned_adds_a_field_at_the_end(call, bare, record, decide):
    drift = decide(record("payload", observed_type="Map(String, String)"), "accept", note="wanted")
    assert (drift["status"], drift["resolution_note"], drift["snoozed_until"]) == ("accepted", "wanted", None)
    assert drift["resolved_by"] and datetime.fromisoformat(drift["resolved_at"])
    decide(record("coupon", observed_type="LowCardinality(String)"), "accept")
    decide(record("step"), "accept")
    assert fields(call, bare) == [("step", "string", 0), ("sum", "number", 1), ("payload", "json", 2), ("coupon", "string", 3)]
    added = call("GET", f"{bare.base}/event-types/{bare.event_type_id}/fields").json()[2]
    assert (added["display_name"], added["is_required"]) == ("payload", False)
    assert decide(drift["id"], "accept")["status"] == "accepted"
    assert len(fields(call, bare)) == 4, "accepting again changes nothing"


def test_accepting_another_type_sets_the_declared_type(call, bare, record, decide):
    decide(record("step", DriftType.TYPE_CHANGED, observed_type="JSON", declared_type="string"), "accept")
    assert fields(call, bare)[0] == ("step", "json", 0)
    decide(record("step", DriftType.TYPE_CHANGED, observed_type="String", declared_type="json"), "accept")
    assert fields(call, bare)[0] == ("step", "string", 0)
    assert decide(record("unplanned", DriftType.TYPE_CHANGED, observed_type="JSON"), "accept")["status"] == "accepted"
    assert len(fields(call, bare)) == 2


def test_accepting_a_missing_column_deletes_the_field_with_its_values(call, bare, record, decide, engine):
    drift_id = record("step", DriftType.MISSING_FIELD, declared_type="string")
    assert decide(drift_id, "accept")["status"] == "accepted"
    assert fields(call, bare) == [("sum", "number", 1)]
    with session_scope(engine) as session:
        assert session.exec(select(EventFieldValue).where(EventFieldValue.field_definition_id == bare.field_id)).all() == []
    assert call("GET", f"{bare.base}/events/{bare.event_id}").json()["field_values"] == []
    assert decide(drift_id, "accept")["status"] == "accepted"


@pytest.mark.parametrize("kind", [kind for kind in DriftType if kind.value.endswith("_violation")])
def test_accepting_a_broken_data_contract_changes_the_status_only(call, bare, record, decide, kind):
    before = fields(call, bare)
    assert decide(record("step", kind, observed_type="JSON"), "accept")["status"] == "accepted"
    assert fields(call, bare) == before


@pytest.mark.parametrize("kind", [DriftType.NEW_FIELD, DriftType.MISSING_FIELD, DriftType.TYPE_CHANGED])
def test_any_other_action_leaves_the_plan_alone(call, bare, record, decide, kind, now):
    before = fields(call, bare)
    drift_id = record("step" if kind is not DriftType.NEW_FIELD else "coupon", kind, observed_type="JSON")
    end = now + 7 * DAY
    snoozed = decide(drift_id, "snooze", note="later", snoozed_until=end.isoformat())
    assert (snoozed["status"], snoozed["resolution_note"], snoozed["resolved_at"]) == ("snoozed", "later", None)
    assert datetime.fromisoformat(snoozed["snoozed_until"]) == end
    dismissed = decide(drift_id, "false_positive", snoozed_until=end.isoformat())
    assert (dismissed["status"], dismissed["resolution_note"], dismissed["snoozed_until"]) == ("false_positive", None, None)
    assert dismissed["resolved_by"] is not None
    assert listed(call, bare)["items"] == [dismissed], "kept in the list"
    reopened = decide(drift_id, "reopen", note="forgotten")
    nothing = ("resolution_note", "snoozed_until", "resolved_at", "resolved_by")
    assert (reopened["status"], [reopened[name] for name in nothing]) == ("open", [None] * 4)
    assert fields(call, bare) == before
    assert counts(call, bare) == {1}


@pytest.mark.parametrize(
    "body",
    [{}, {"action": "ignore"}, {"action": None}, {"action": "snooze"}, {"action": "snooze", "snoozed_until": None},
     {"action": "snooze", "snoozed_until": "soon"}, {"action": "accept", "note": "x" * 2001}, {"action": "accept", "note": "\x00"}],
)  # fmt: skip
def test_an_action_that_breaks_a_rule_is_refused_and_changes_nothing(call, world, body):
    before = (listed(call, world), fields(call, world))
    answer = call("POST", f"{world.base}/event-types/drifts/{world.drift_id}/actions", json=body)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)
    assert (listed(call, world), fields(call, world)) == before


def test_a_drift_of_another_project_is_not_found(call, world, engine):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
    for drift_id in (elsewhere.drift_id, NOBODY):
        answer = call("POST", f"{world.base}/event-types/drifts/{drift_id}/actions", json={"action": "accept"})
        assert answer.status_code == 404
    assert len(fields(call, elsewhere)) == 2


def test_a_decision_and_what_it_changed_are_in_the_audit_trail(world, decide, engine):
    decide(world.drift_id, "accept", note="wanted")
    with session_scope(engine) as session:
        entries = {entry.action: entry for entry in session.exec(select(AuditEntry)).all()}
    assert {"schema_drift.accept", "field.create"} <= set(entries)
    entry = entries["schema_drift.accept"]
    assert (entry.target_type, entry.target_id, entry.project_slug) == ("schema_drift", world.drift_id, world.slug)
    assert (entry.payload["field_name"], entry.payload["note"]) == ("coupon", "wanted")


def test_the_drifts_go_with_their_event_type_and_are_not_those_of_a_branch(call, world, engine):
    with session_scope(engine) as session:
        branch = make_world(session, branch="work", project=session.get_one(Project, world.project_id))
        session.delete(session.get_one(SchemaDrift, branch.drift_id))
    assert listed(call, world)["total"] == 1
    assert listed(call, branch)["total"] == 0
    assert call("DELETE", f"{world.base}/event-types/{world.event_type_id}").status_code == 204
    with session_scope(engine) as session:
        assert session.exec(select(SchemaDrift)).all() == []


def test_a_person_who_may_only_read_cannot_decide(world, engine):
    with session_scope(engine) as session:
        viewer = make_actor(session, UserRole.VIEWER)
        with pytest.raises(Forbidden):
            plan.apply_drift_action(session, viewer, world.slug, world.drift_id, DriftAction.ACCEPT)
