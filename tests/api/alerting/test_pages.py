"""What the pages of destinations and deliveries show, read from a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.alerting import service
from app.alerting.contracts import DestinationFields
from app.alerting.pages.deliveries_view import deliveries_view, delivery_detail
from app.alerting.pages.destinations_view import consequences_of, destination_detail, destination_rows
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.database import session_scope
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from models.alerting import AlertDelivery
from tests.api.alerting.workbench import SLACK_URL, AlertWorld, make_alert_world
from tests.factories import make_actor

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def change(engine, world):
    """Sets columns of the world's delivery."""

    def set_(**columns: object) -> None:
        with session_scope(engine) as session:
            row = session.get_one(AlertDelivery, world.delivery_id)
            for name, value in columns.items():
                setattr(row, name, value)

    return set_


@pytest.fixture
def shown(engine, world):
    """Reads the world's delivery as its page shows it."""

    def read(actor=SYSTEM_ACTOR):
        with session_scope(engine, write=False) as session:
            return delivery_detail(session, actor, world.slug, world.delivery_id, ZONE)

    return read


def listed(engine, world: AlertWorld, *, state: str = "", destination_id: str = "", page: int = 1):
    with session_scope(engine, write=False) as session:
        return deliveries_view(session, SYSTEM_ACTOR, world.slug, state=state, destination_id=destination_id, page=page, zone=ZONE)


def test_a_destination_shows_its_channel_its_rules_and_its_newest_delivery(engine, world):
    with session_scope(engine, write=False) as session:
        (row,) = destination_rows(session, SYSTEM_ACTOR, world.slug, ZONE)

    assert (row.name, row.channel, row.rules, row.test_status) == ("Team", "Slack", "1 rule", "")
    assert (row.delivery_state, row.delivery_note) == ("dead", "no_service")
    assert row.delivery_href == f"/p/{world.slug}/deliveries/{world.delivery_id}"


def test_other_projects_destinations_and_deliveries_are_not_shown(engine, world):
    with session_scope(engine) as session:
        other = make_alert_world(session)
    with session_scope(engine, write=False) as session:
        assert len(destination_rows(session, SYSTEM_ACTOR, world.slug, ZONE)) == 1
        with pytest.raises(NotFound):
            destination_detail(session, SYSTEM_ACTOR, world.slug, other.destination_id, ZONE)
        with pytest.raises(NotFound):
            delivery_detail(session, SYSTEM_ACTOR, world.slug, other.delivery_id, ZONE)
    assert listed(engine, world).total == 1
    assert listed(engine, world, destination_id=other.destination_id).total == 0


def test_the_page_of_a_destination_holds_no_secret_but_tells_which_are_stored(engine, world):
    fields = DestinationFields(
        target_url="https://hooks.example/s3cret", webhook_header_name="X-Key", webhook_header_value="s3cret"
    )
    with session_scope(engine) as session:
        made = service.create_destination(session, SYSTEM_ACTOR, world.slug, DestinationType.WEBHOOK, "Ops", fields)
    with session_scope(engine, write=False) as session:
        view = destination_detail(session, SYSTEM_ACTOR, world.slug, made.id, ZONE)

    assert view.stored == {"target_url": True, "webhook_header_value": True}
    assert view.filled == {"name": "Ops", "webhook_header_name": "X-Key"}
    assert ["Address", "stored"] in view.facts and "s3cret" not in repr(view)
    assert consequences_of(view) == ["No rule uses it."]


def test_deleting_a_destination_names_the_rules_that_use_it(engine, world):
    with session_scope(engine, write=False) as session:
        view = destination_detail(session, SYSTEM_ACTOR, world.slug, world.destination_id, ZONE)

    assert consequences_of(view) == ["Rule “Drops”, with what it remembers"]
    assert [(rule.state, rule.href) for rule in view.rules] == [("on", f"/p/{world.slug}/rules/{world.rule_id}")]


def test_deliveries_are_found_by_state_and_destination(engine, world, change):
    soon = datetime.now(UTC) + timedelta(minutes=10)
    states = {
        "dead": {"status": "failed", "next_attempt_at": None},
        "failed": {"status": "failed", "next_attempt_at": soon},
        "pending": {"status": "pending", "next_attempt_at": soon},
        "sent": {"status": "sent", "next_attempt_at": None, "sent_at": datetime.now(UTC)},
    }
    for state, columns in states.items():
        change(**columns)
        assert {other: listed(engine, world, state=other).total for other in states} == {one: int(one == state) for one in states}
        (row,) = listed(engine, world, destination_id=world.destination_id).rows
        assert row.state == state
    assert listed(engine, world, destination_id=new_id()).total == 0
    assert listed(engine, world, page=2).rows == []


def test_a_failed_delivery_tells_when_it_is_tried_again(engine, world, change):
    change(status="failed", next_attempt_at=datetime.now(UTC) + timedelta(minutes=10), error_message="busy")

    assert listed(engine, world).rows[0].note == "busy; next try in 10\u00a0min"


def test_deliveries_to_a_deleted_destination_stay_and_can_be_chosen(engine, world):
    with session_scope(engine) as session:
        service.delete_destination(session, SYSTEM_ACTOR, world.slug, world.destination_id)

    view = listed(engine, world, destination_id=world.destination_id)
    with session_scope(engine, write=False) as session:
        alone = delivery_detail(session, SYSTEM_ACTOR, world.slug, world.delivery_id, ZONE)
    assert (alone.destination_href, alone.rule_href) == ("", "")
    assert view.total == 1 and view.destinations[-1] == [world.destination_id, "Team"] and not view.has_destinations


def test_a_delivery_shows_its_message_as_text_whatever_markup_it_holds(engine, world, change, shown):
    hostile = "<script>alert(1)</script> *bold* <!channel>"
    change(payload_snapshot={"message_format": "telegram_html", "rendered_message": hostile, "subject": "[Shop] Drops"})

    view = shown()

    assert (view.message, view.subject, view.state) == (hostile, "[Shop] Drops", "dead")
    assert view.message_format == "marked up for Telegram as HTML"
    (scope,) = view.scopes
    assert (scope.kind, scope.name, scope.direction) == ("Event", "order_paid", "down")
    assert "90" in scope.size and scope.monitoring_href == ""


def test_what_can_be_done_with_a_delivery_follows_from_its_state_and_the_viewer(engine, world, change, shown):
    with session_scope(engine) as session:
        viewer = make_actor(session, UserRole.VIEWER)

    def offers(actor=SYSTEM_ACTOR):
        view = shown(actor)
        return view.may_retry, view.may_redeliver, view.is_live

    assert offers() == (True, False, False) and offers(viewer) == (False, False, False)
    change(status="sent")
    assert offers() == (False, True, False) and offers(viewer) == (False, False, False)
    change(channel="jira", payload_snapshot={"ticket": {"key": "OPS-7", "url": "javascript:alert(1)"}})
    assert offers() == (False, False, False), "a second message would make a second ticket"
    assert (shown().ticket, shown().ticket_href) == ("OPS-7", "")
    change(status="pending")
    assert offers() == (False, False, True)


def test_a_delivery_without_a_snapshot_is_shown(engine, world, change, shown):
    change(payload_snapshot=None)

    assert shown().message == "" and ["Kind of failure", ""] not in shown().facts


def test_every_secret_of_every_channel_is_known_as_stored_or_not(engine, world):
    filled = {
        DestinationType.SLACK: DestinationFields(webhook_url=SLACK_URL),
        DestinationType.TELEGRAM: DestinationFields(bot_token="1:a", chat_id="5"),
        DestinationType.EMAIL: DestinationFields(email_recipients="a@b.co"),
        DestinationType.JIRA: DestinationFields(
            jira_base_url="https://a.example", jira_auth_email="a@b.co", jira_api_token="t", jira_project_key="OPS"
        ),
        DestinationType.LINEAR: DestinationFields(linear_api_key="k", linear_team_id="t"),
    }
    for kind, fields in filled.items():
        with session_scope(engine) as session:
            made = service.create_destination(session, SYSTEM_ACTOR, world.slug, kind, kind.value, fields)
            view = destination_detail(session, SYSTEM_ACTOR, world.slug, made.id, ZONE)
        assert all(view.stored.values()), kind
