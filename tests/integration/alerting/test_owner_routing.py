"""A rule that tells the owners of what fired, and its own destination about the rest."""

from __future__ import annotations

import pytest

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.identity.service.callers import actor_for
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput
from models.plan import Event
from models.plan_entities import EventTypeOwner
from tests import factories
from tests.integration.alerting.past_world import EVENING, HOUR, Night


class Owned(Night):
    """The first event is Ann's, the others belong to nobody unless their type does."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.ann, self.bob = (factories.make_user(session, name=name, email=f"{name}@example.com") for name in ("ann", "bob"))
        session.get(Event, self.refs[0]).owner_id = self.ann.id
        session.flush()
        where = (session, SYSTEM_ACTOR, self.project.slug)
        alerting.update_rule(*where, self.destination_id, self.rule_id, {"cooldown_minutes": 1440})
        routing = alerting.Routing(to_owners=True)
        alerting.set_routing(session, SYSTEM_ACTOR, self.project.slug, self.rule_id, routing)

    def contact(self, user, **where: str) -> None:
        alerting.set_contact(self.session, actor_for(user), self.project.slug, alerting.Contact(**where))

    def told(self) -> dict[str, list[str]]:
        return {row.destination_name: [one["scope_name"] for one in row.payload_snapshot["items"]] for row in self.rows()}


@pytest.fixture
def owned(engine):
    with session_scope(engine) as session:
        yield Owned(session)


def test_owners_who_said_where_are_told_and_the_rules_destination_hears_of_the_rest(owned):
    owned.contact(owned.ann, email="ann@work.example.com")
    queued = owned.collected(1, *owned.refs)

    assert owned.told() == {"ann (owner)": ["paid"], "Team": ["seen", "left"]} and len(queued) == 2
    parcels = [alerting.claim_parcel(owned.session, "w", EVENING + HOUR) for _ in queued]
    mail = next(one for one in parcels if one.target.type is DestinationType.EMAIL)
    assert mail.target.fields.email_recipients == "ann@work.example.com"
    for one in parcels:
        assert alerting.record(owned.session, "w", one.delivery_id, SendOutcome(True), EVENING + HOUR)
    assert owned.collected(2, *owned.refs) == [], "everything was told, so the cooldown runs for all of it"


def test_an_owner_who_said_nothing_leaves_it_to_the_rules_destination(owned):
    owned.collected(1, owned.refs[0])

    assert owned.told() == {"Team": ["paid"]}


def test_an_event_without_an_owner_belongs_to_the_owners_of_its_type(owned):
    type_id = owned.session.get(Event, owned.refs[1]).event_type_id
    for user in (owned.ann, owned.bob):
        owned.session.add(EventTypeOwner(event_type_id=type_id, user_id=user.id))
        owned.contact(user, email=user.email)
    owned.collected(1, *owned.refs[:2])

    assert owned.told() == {"ann (owner)": ["paid", "seen"], "bob (owner)": ["seen"]}


def test_an_owner_can_be_told_at_a_destination_but_not_at_one_that_is_off(owned):
    fields = DestinationFields(bot_token="1:a", chat_id="5")
    where = (owned.session, SYSTEM_ACTOR, owned.project.slug)
    chat = alerting.create_destination(*where, DestinationType.TELEGRAM, "Ann's chat", fields)
    owned.contact(owned.ann, destination_id=chat.id)
    owned.collected(1, owned.refs[0])
    assert owned.told() == {"Ann's chat": ["paid"]} and owned.rows()[0].channel == "telegram"

    alerting.update_destination(*where, chat.id, {"enabled": False})
    owned.session.delete(owned.rows()[0])
    owned.session.flush()
    alerting.update_rule(*where, owned.destination_id, owned.rule_id, {"enabled": False})
    alerting.update_rule(*where, owned.destination_id, owned.rule_id, {"enabled": True})
    owned.collected(2, owned.refs[0])
    assert owned.told() == {"Team": ["paid"]}


def test_mail_to_an_owner_who_took_the_address_back_fails_and_says_so(owned):
    owned.contact(owned.ann, email="ann@example.com")
    owned.collected(1, owned.refs[0])
    owned.contact(owned.ann)

    assert alerting.claim_parcel(owned.session, "w", EVENING + HOUR) is None
    assert owned.rows()[0].error_kind == "destination_gone"


def test_a_contact_is_checked_and_viewers_name_no_mailbox_but_their_own(owned):
    viewer = factories.make_user(owned.session, role=UserRole.VIEWER, email="vic@example.com")
    owned.contact(viewer, email="vic@example.com")
    with pytest.raises(Forbidden):
        owned.contact(viewer, email="other@example.com")
    with pytest.raises(InvalidInput):
        owned.contact(owned.ann, email="no address")
    with pytest.raises(InvalidInput):
        owned.contact(owned.ann, email="ann@example.com", destination_id=owned.destination_id)
    with pytest.raises(InvalidInput):
        owned.contact(owned.ann, destination_id=Night(owned.session).destination_id)
