"""What the pages of the assistant show, and what taking a suggestion does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.assistant.assist import NO_ANSWER, CitedAnswer, Description, FieldSuggestion, ask_plan, describe_event
from app.assistant.pages.ask_view import answer_view, checked_question
from app.assistant.pages.describe_view import SUBJECT, present_of, suggestion_rows, take_suggestion
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from app.plan import service as plan
from tests.api.plan.workbench import make_world
from tests.factories import make_actor


class Told:
    """A model that says what it is told to."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def ask(self, _system: str, _question: str) -> str:
        return self.answer


@pytest.fixture
def world(engine):
    with session_scope(engine) as session:
        made = make_world(session)
        people = {"editor": make_actor(session, UserRole.EDITOR), "viewer": make_actor(session, UserRole.VIEWER)}
    return SimpleNamespace(**{name: getattr(made, name) for name in made.__dataclass_fields__}, **people)


def place(world, **changed):
    return {"event_id": world.event_id, "event_type_id": "", "branch": "", **changed}


def test_a_citation_leads_to_its_source_and_cited_sources_come_first(world):
    found = ask_plan(world.viewer, world.slug, "step", model=Told("It is sent at the end [2]. The moon is cheese."))
    view = answer_view("step", found)
    assert [part.text for part in view.parts] == ["It is sent at the end ", "2", "."]
    assert view.is_answered and view.parts[1].href == view.sources[0].href == found.sources[1].route_path
    assert [row.is_cited for row in view.sources] == [True] + [False] * (len(view.sources) - 1)
    assert view.sources[0].href.startswith(f"/p/{world.slug}/")


def test_no_answer_shows_the_sources_without_a_citation():
    view = answer_view("step", CitedAnswer(NO_ANSWER, (), False))
    assert (view.is_answered, [part.text for part in view.parts], view.sources) == (False, [NO_ANSWER], [])


@pytest.mark.parametrize("text", ["", " a ", "ab\0", "x" * 501])
def test_a_question_of_no_use_is_refused(text):
    with pytest.raises(InvalidInput):
        checked_question(text)


def test_suggestions_are_taken_one_by_one(engine, world):
    with session_scope(engine, write=False) as session:
        present = present_of(session, world.editor, world.slug, **place(world))
        name = next(iter(present.fields))
    found = Description("Sent at the last step.", [FieldSuggestion(name, "How far."), FieldSuggestion("gone", "x")])
    rows = suggestion_rows(found, present)
    assert [(row.key, row.suggested) for row in rows] == [(SUBJECT, "Sent at the last step."), (name, "How far.")]

    with session_scope(engine) as session:
        take_suggestion(session, world.editor, world.slug, rows[1], **place(world))
    with session_scope(engine, write=False) as session:
        after = present_of(session, world.editor, world.slug, **place(world))
    assert after.fields[name][1] == "How far." and after.description == present.description

    with session_scope(engine) as session:
        take_suggestion(session, world.editor, world.slug, rows[0], **place(world))
        assert plan.get_event_detail(session, world.editor, world.slug, world.event_id).description == "Sent at the last step."
    with session_scope(engine, write=False) as session:
        after = present_of(session, world.editor, world.slug, **place(world))
    assert suggestion_rows(found, after) == []


def test_an_event_type_takes_its_own_description(engine, world):
    where = place(world, event_id="", event_type_id=world.event_type_id)
    with session_scope(engine) as session:
        [row] = suggestion_rows(Description("Steps.", ()), present_of(session, world.editor, world.slug, **where))
        take_suggestion(session, world.editor, world.slug, row, **where)
        assert present_of(session, world.editor, world.slug, **where).description == "Steps."


def test_viewers_take_nothing_and_a_field_that_is_gone_is_told(engine, world):
    rows = suggestion_rows(Description("New.", ()), _present(engine, world))
    with session_scope(engine) as session:
        with pytest.raises(Forbidden):
            take_suggestion(session, world.viewer, world.slug, rows[0], **place(world))
        with pytest.raises(NotFound):
            gone = type(rows[0])("gone", "Field gone", "", "x")
            take_suggestion(session, world.editor, world.slug, gone, **place(world))
    with pytest.raises(Forbidden):
        describe_event(world.viewer, world.slug, world.event_id, model=Told("{}"))


def _present(engine, world):
    with session_scope(engine, write=False) as session:
        return present_of(session, world.editor, world.slug, **place(world))
