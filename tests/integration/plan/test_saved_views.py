"""Views of the catalogue that people keep for themselves."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from app.identity.contracts import UserRole
from app.kernel.errors import InvalidInput, NotFound
from app.plan import service as plan
from tests.factories import make_actor, make_project


def test_a_view_keeps_filters_only_and_the_same_name_replaces_it(session: Session) -> None:
    project, viewer = make_project(session), make_actor(session, UserRole.VIEWER)
    plan.save_view(session, viewer, project.slug, "  Silent   events ", "q=cart&page=3&branch=x&sort=seen")
    plan.save_view(session, viewer, project.slug, "Silent events", "status=live")
    assert [(view.name, view.query) for view in plan.list_saved_views(session, viewer, project.slug)] == [
        ("Silent events", "status=live")
    ]


def test_nobody_sees_or_deletes_the_view_of_another_person(session: Session) -> None:
    project, one, other = make_project(session), make_actor(session, UserRole.VIEWER), make_actor(session, UserRole.VIEWER)
    view = plan.save_view(session, one, project.slug, "Mine", "q=cart&page=2")
    assert view.query == "q=cart"
    assert plan.list_saved_views(session, other, project.slug) == []
    with pytest.raises(NotFound):
        plan.delete_saved_view(session, other, project.slug, view.id)
    plan.delete_saved_view(session, one, project.slug, view.id)
    assert plan.list_saved_views(session, one, project.slug) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_view_needs_a_name_of_reasonable_length(session: Session, name: str) -> None:
    project, viewer = make_project(session), make_actor(session, UserRole.VIEWER)
    with pytest.raises(InvalidInput):
        plan.save_view(session, viewer, project.slug, name, "q=a")
