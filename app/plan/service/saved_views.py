"""Views of the catalogue that people keep for themselves: filters and sort under a name."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.plan.repository import definitions
from app.plan.repository import saved_views as rows
from app.plan.views import SavedCatalogueView
from app.projects import service as projects
from models.saved_views import SavedView

MOST_VIEWS: Final = 50
_KEPT: Final = ("q", "status", "type", "tag", "sort")
_LONGEST_NAME: Final = 60


def list_saved_views(session: Session, actor: Actor, slug: str) -> list[SavedCatalogueView]:
    """The caller's own views of the project's catalogue, by name. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    if actor.user_id is None:
        return []
    return [_view(row) for row in rows.of_person(session, project.id, actor.user_id)]


def save_view(session: Session, actor: Actor, slug: str, name: str, query: str) -> SavedCatalogueView:
    """Keep filters and sort of `query` under the name; the same name again replaces them. Anybody signed in, for themselves.

    Errors: NotFound; InvalidInput for a blank or long name; Conflict at fifty views.
    """
    actor.require_write()
    if actor.user_id is None:
        raise Forbidden("Only a person can keep views")
    project = projects.get_project(session, actor, slug)
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(f"Give the view a name of 1 to {_LONGEST_NAME} characters", field="name")
    kept = urlencode([(key, value[:200]) for key, value in parse_qsl(query) if key in _KEPT])[:1000]
    row = rows.named(session, project.id, actor.user_id, name)
    if row is None:
        if len(rows.of_person(session, project.id, actor.user_id)) >= MOST_VIEWS:
            raise Conflict(f"There are {MOST_VIEWS} views already; delete one first")
        row = SavedView(project_id=project.id, user_id=actor.user_id, name=name, query=kept, created_at=SYSTEM_CLOCK.now())
    row.query = kept
    definitions.add(session, row)
    return _view(row)


def delete_saved_view(session: Session, actor: Actor, slug: str, view_id: str) -> None:
    """Forget one of the caller's own views. Errors: NotFound."""
    actor.require_write()
    project = projects.get_project(session, actor, slug)
    row = None if actor.user_id is None else rows.find(session, project.id, actor.user_id, view_id)
    if row is None:
        raise NotFound("View not found")
    definitions.delete(session, row)


def _view(row: SavedView) -> SavedCatalogueView:
    return SavedCatalogueView(row.id, row.name, row.query)
