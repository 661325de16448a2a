"""What the pages of rules and monitors show, read from the database."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.alerting import service as alerting
from app.alerting.contracts import RuleFilter, RuleSpec
from app.alerting.pages import monitors_view as monitors_page
from app.alerting.pages import rule_rehearsal, rule_view, rule_why, rules_view
from app.alerting.pages.rule_form import RuleDraft, changes_of, draft_of, spec_of
from app.alerting.vocabulary import FilterField, FilterOperator, MessageFormat
from app.detection.feedback import VerdictKind
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput
from models.alerting import AlertRuleState
from models.plan_drifts import SchemaDrift
from tests import factories
from tests.integration.alerting.past_world import HOUR, NEWEST, NOW, World

ZONE = ZoneInfo("Europe/Berlin")
SIZE = "\u221290\u00a0% vs expected 100"


@pytest.fixture
def session(engine, monkeypatch):
    for module in (rule_rehearsal, rule_view, rule_why, rules_view, monitors_page):
        monkeypatch.setattr(module, "SYSTEM_CLOCK", FixedClock(NOW))
    with session_scope(engine) as session:
        yield session


def rehearsed(world: World, spec: RuleSpec, **more) -> rule_rehearsal.RehearsalView:
    choices = rule_view.filter_choices(world.session, SYSTEM_ACTOR, world.project.slug)
    where = (world.rule_id, world.destination_id, "Team", spec, choices, ZONE)
    return rule_rehearsal.rehearsal_view(world.session, SYSTEM_ACTOR, world.project.slug, *where, **more)


def test_a_rule_is_listed_with_its_sentence_and_how_often_it_fired(session):
    world = World(session, notify_on_spike=False)
    world.told(NEWEST - 3 * HOUR, NOW - 2 * HOUR)
    world.told(NEWEST - 400 * HOUR, NOW - 399 * HOUR)

    (row,) = rules_view.rule_rows(session, SYSTEM_ACTOR, world.project.slug, ZONE)

    assert (row.name, row.destination, row.channel, row.fired, row.is_enabled) == ("Drops", "Team", "Slack", "1", True)
    assert row.sentence.startswith("When the project total, an event type or an event drops unusually, tell Team")
    assert row.last_fired == "2\u00a0h ago" and row.remark == ""


def test_a_draft_says_how_often_it_would_have_fired_and_how_people_judged_that(session):
    world = World(session)
    real = world.drop(30)
    world.drop(60)
    world.judge(real, VerdictKind.REAL)

    found = rehearsed(world, RuleSpec(name="Draft"))

    assert found.headline == "This would have fired 2 times in 14 days"
    assert found.verdicts == "Of 1 judged incident: 1 told rightly, 0 told for nothing, 0 missed."
    assert [row.size for row in found.firings] == [SIZE] * 2
    assert len(found.chart.rows) == 15 and sum(row.value for row in found.chart.rows) == 2
    assert "Draft" in found.message and not found.is_compared


def test_a_draft_is_set_beside_the_stored_rule(session):
    world = World(session)
    real = world.drop(30, actual=60)
    world.drop(60)
    world.judge(real, VerdictKind.TRACKING_BUG)

    found = rehearsed(world, RuleSpec(name="Draft", min_percent_delta=50.0), with_comparison=True)

    figures = {row.label: (row.stored, row.draft, row.tone) for row in found.figures}
    assert figures["Firings"] == ("2", "1", "neutral")
    assert figures["True alarms"] == ("1", "0", "bad") and figures["Missed"] == ("0", "1", "bad")
    assert len(found.lost) == 1 and found.gained == []


def test_a_rule_without_history_still_shows_its_message(session):
    found = rehearsed(World(session), RuleSpec(name="", message_template="${matched_count} in ${project_name}"))

    assert found.headline == "This would have fired 0 times in 14 days" and found.message.startswith("1 in Project")


def test_a_silent_bucket_is_explained_by_the_first_closed_gate(session):
    world = World(session)
    world.drop(2)
    found = rule_why.findings_view(session, SYSTEM_ACTOR, world.project.slug, ZONE)
    ((series, name),) = found.series
    ((bucket, text),) = found.buckets[series]

    spec = RuleSpec(name="Draft", min_expected_count=500.0)
    why = rule_why.why_view(session, SYSTEM_ACTOR, world.project.slug, world.rule_id, series, bucket, spec, ZONE)

    assert name.startswith("Project total: ") and SIZE in text
    assert why.answer == "It stays silent, because this does not hold: enough was expected."
    assert [row.text for row in why.gates if row.state == "first"] == ["Enough was expected"]


def test_a_form_gives_back_the_rule_it_was_made_from(session):
    world = World(session)
    event = factories.make_event(session, factories.make_event_type(session, world.project), name="paid")
    choices = rule_view.filter_choices(session, SYSTEM_ACTOR, world.project.slug)
    filters = (
        RuleFilter(FilterField.EVENT, FilterOperator.NOT_IN, (event.id,)),
        RuleFilter(FilterField.DIRECTION, FilterOperator.EQ, ("down",)),
    )
    spec = RuleSpec(
        name="All", include_schema_drifts=True, min_percent_delta=12.5, cooldown_minutes=90, items_template="${scope_name}",
        message_format=MessageFormat.SLACK_MRKDWN, filters=filters,
    )  # fmt: skip

    draft = draft_of(spec, world.destination_id, choices)

    assert draft.filters[0].chosen == [[event.id, "paid"]]
    assert spec_of(draft, spec) == spec
    alerting.update_rule(
        session, SYSTEM_ACTOR, world.project.slug, world.destination_id, world.rule_id, changes_of(spec_of(draft, spec))
    )
    stored = rule_view.editor_view(session, SYSTEM_ACTOR, world.project.slug, world.rule_id, ZONE)[2]
    assert [(one.field, one.values) for one in stored.filters] == [(one.field, one.values) for one in filters]


@pytest.mark.parametrize("text", ["many", "-1", "nan", "inf", "1e999"])
def test_a_number_that_is_none_is_refused_at_its_field(text):
    with pytest.raises(InvalidInput) as refusal:
        spec_of(RuleDraft({"name": "r", "min_percent_delta": text}))
    assert refusal.value.field == "min_percent_delta"


@pytest.mark.parametrize(
    ("text", "has_drops", "said"),
    [
        ("400", True, "Nothing drops by more than 100 percent: enter less, or switch drops off"),
        ("1e9", False, "Enter at most 10,000 percent"),
    ],
)
def test_a_percentage_that_nothing_reaches_is_refused_at_its_field(text, has_drops, said):
    with pytest.raises(InvalidInput) as refusal:
        spec_of(RuleDraft({"name": "r", "min_percent_delta": text}, {"notify_on_drop": has_drops}))
    assert (refusal.value.field, refusal.value.message) == ("min_percent_delta", said)


def test_a_rule_of_rises_may_ask_for_more_than_a_doubling():
    assert spec_of(RuleDraft({"name": "r", "min_percent_delta": "400"}, {"notify_on_spike": True})).min_percent_delta == 400


def test_a_long_number_comes_back_from_the_form_as_it_was():
    spec = RuleSpec(name="r", min_absolute_delta=1_234_567.0)
    assert spec_of(draft_of(spec, "", {}), spec) == spec


def test_a_viewer_gets_no_form_for_another_rule(session):
    world = World(session)
    viewer = factories.make_actor(session, UserRole.VIEWER)

    with pytest.raises(Forbidden):
        rule_view.editor_view(session, viewer, world.project.slug, "new", ZONE)
    assert not rule_view.editor_view(session, viewer, world.project.slug, world.rule_id, ZONE)[0].may_write


def test_monitors_that_fire_come_first_with_what_they_see(session):
    world = World(session)
    calm = alerting.create_rule(session, SYSTEM_ACTOR, world.project.slug, world.destination_id, RuleSpec(name="Calm"))
    old = alerting.create_rule(session, SYSTEM_ACTOR, world.project.slug, world.destination_id, RuleSpec(name="Old"))
    event = factories.make_event(session, factories.make_event_type(session, world.project), name="paid")
    for rule_id, bucket in ((world.rule_id, NEWEST), (old.id, NOW - timedelta(days=2))):
        session.add(
            AlertRuleState(
                rule_id=rule_id, scan_config_id=world.scan.id, scope_type="event", scope_ref=event.id, bucket=bucket,
                last_seen_bucket=bucket, direction="drop",
            )
        )  # fmt: skip
    session.flush()

    found = monitors_page.monitors_view(session, SYSTEM_ACTOR, world.project.slug, "", ZONE)
    only = monitors_page.monitors_view(session, SYSTEM_ACTOR, world.project.slug, "healthy", ZONE)

    assert [(row.name, row.status) for row in found.rows] == [("Drops", "firing"), ("Old", "warning"), ("Calm", "healthy")]
    assert (found.firing, found.warning, found.healthy) == (1, 1, 1)
    (seen,) = found.rows[0].seen
    assert (seen.name, seen.direction) == ("paid", "drop") and f"event%2F{event.id}" in seen.href
    assert [row.id for row in only.rows] == [calm.id]


def test_a_drift_that_was_found_within_a_second_can_be_asked_about(session):
    world = World(session)
    event_type = factories.make_event_type(session, world.project, name="shop")
    drift = SchemaDrift(
        scan_config_id=world.scan.id, event_type_id=event_type.id, field_name="amount", drift_type="type_changed",
        detected_at=NOW - timedelta(hours=5, microseconds=123),
    )  # fmt: skip
    session.add(drift)
    session.flush()
    found = rule_why.findings_view(session, SYSTEM_ACTOR, world.project.slug, ZONE)
    ((series, _),) = found.series
    ((bucket, text),) = found.buckets[series]

    why = rule_why.why_view(session, SYSTEM_ACTOR, world.project.slug, world.rule_id, series, bucket, RuleSpec(name="Draft"), ZONE)

    assert text.endswith("amount: type changed") and "about this kind of thing" in why.answer
