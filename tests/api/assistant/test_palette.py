"""What the command palette offers."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.errors import NotFound
from app.palette import MOST_FOUND, palette_entries
from models.plan import Event
from models.projects import Project
from tests.api.plan.workbench import make_world
from tests.factories import make_actor


def test_every_part_of_the_plan_is_found_with_its_kind_and_place(engine):
    with session_scope(engine) as session:
        world, viewer = make_world(session), make_actor(session, UserRole.VIEWER)

        def find(words: str, branch: str = "") -> list[tuple[str, str, str]]:
            found = palette_entries(session, viewer, world.slug, words, branch)
            return [(entry["label"], entry["hint"], entry["href"]) for entry in found]

        event, *_ = find("order paid")
        assert event[0] == "order_paid" and event[1].startswith("Event · ")
        assert event[2] == f"/p/{world.slug}/events/{world.event_id}"
        assert any(hint.startswith("Field") for _, hint, _ in find("step"))
        assert any(hint == "Meta field" for _, hint, _ in find("ticket"))
        assert len(find("o")) <= MOST_FOUND
        with pytest.raises(NotFound):
            palette_entries(session, viewer, "nowhere", "order", "")


def test_a_branch_is_searched_and_its_links_stay_on_it(engine):
    with session_scope(engine) as session:
        main = make_world(session)
        viewer = make_actor(session, UserRole.VIEWER)
        project = session.get_one(Project, main.project_id)
        branch = make_world(session, branch="work", project=project)
        session.get_one(Event, branch.event_id).name = "only_here"
        session.flush()
        [entry] = palette_entries(session, viewer, main.slug, "only_here", branch.branch_id)[:1]
        assert entry["label"] == "only_here" and entry["href"].endswith(f"?branch={branch.branch_id}")
        assert all(found["label"] != "only_here" for found in palette_entries(session, viewer, main.slug, "only_here", ""))
