"""Who works on what was told, in the inbox of a project."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.alerting import service as alerting
from app.alerting.rules import group_id
from app.alerting.vocabulary import AlertDirection, GroupStatus
from app.detection.pages.inbox_actions import hand_over, take_group
from app.detection.pages.inbox_view import Filters, inbox_view
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden
from models.identity import AuditEntry
from tests import factories
from tests.integration.alerting.past_world import HOUR, NOW, TOTAL, World

ZONE = ZoneInfo("UTC")


class Desk(World):
    """A drop that was told, and two members."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.ann, self.bob = factories.make_actor(session), factories.make_actor(session)
        for hours in (1, 30):
            self.told(self.drop(hours), NOW - hours * HOUR)
        self.group = group_id(self.scan.id, self.rule_id, (TOTAL, self.scan.id), AlertDirection.DROP)

    def inbox(self, actor, *, is_mine: bool):
        filters = Filters.of("", "", "30", 1, is_mine=is_mine)
        return inbox_view(self.session, actor, self.project.slug, filters, ZONE, NOW)[0]


@pytest.fixture
def desk(engine):
    with session_scope(engine) as session:
        yield Desk(session)


def test_what_is_handed_to_a_member_is_theirs_and_stays_open(desk):
    hand_over(desk.session, desk.ann, desk.project.slug, desk.group, desk.bob.user_id)

    (row,) = desk.inbox(desk.bob, is_mine=True).rows
    assert (row.assignee, row.assignee_id, row.alert_status) == (desk.bob.name, desk.bob.user_id, "open")
    assert desk.inbox(desk.ann, is_mine=True).rows == []
    assert desk.inbox(desk.ann, is_mine=False).total == 2
    written = desk.session.execute(sa.select(AuditEntry).where(AuditEntry.action == "alert_group.assign")).scalars().one()
    assert written.payload["user_id"] == desk.bob.user_id and written.actor_user_id == desk.ann.user_id

    hand_over(desk.session, desk.ann, desk.project.slug, desk.group, "")
    assert desk.inbox(desk.bob, is_mine=True).rows == []


def test_what_somebody_takes_is_theirs_and_acknowledged(desk):
    take_group(desk.session, desk.ann, desk.project.slug, desk.group)

    view = alerting.get_group(desk.session, desk.ann, desk.project.slug, desk.group)
    assert (view.assignee_id, view.status, view.acted_by) == (desk.ann.user_id, GroupStatus.ACKNOWLEDGED, desk.ann.user_id)


def test_viewers_hand_nothing_over(desk):
    viewer = factories.make_actor(desk.session, UserRole.VIEWER)

    with pytest.raises(Forbidden):
        hand_over(desk.session, viewer, desk.project.slug, desk.group, viewer.user_id)
