"""Rows of a project are removed month by month, by a condition, and nobody else's are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.eventstore_fixtures import StoredProject
from tests.integration.eventstore.rows import NOON, event, lines, token

OF_ACTOR = "actor_id = {{actor:String}}"
MONTHS = timedelta(days=31)


def insert(store, *rows: dict[str, object]) -> None:
    store.insert_lines("events", lines(*rows), rows=len(rows), token=token())


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_only_rows_of_the_project_the_month_and_the_condition_go(event_store, stored_project, is_rewritten):
    other = StoredProject(tenant_id=stored_project.tenant_id)
    awkward = 'o\'neil; \\ "x" --\n{y} ü'
    insert(
        event_store,
        event(stored_project, actor_id=awkward),
        event(stored_project, actor_id=awkward, time=NOON - MONTHS),
        event(stored_project, actor_id="somebody else"),
        event(other, actor_id=awkward),
    )
    owner = (stored_project.tenant_id, stored_project.project_id)
    chosen = {"actor": awkward}

    assert event_store.count_by_month("events", *owner, OF_ACTOR, chosen) == {202512: 1, 202601: 1}

    event_store.remove_month("events", 202601, *owner, OF_ACTOR, chosen, is_rewritten=is_rewritten)

    assert event_store.count_by_month("events", *owner, OF_ACTOR, chosen) == {202512: 1}
    assert event_store.count_by_month("events", *owner, "1 = 1", {}) == {202512: 1, 202601: 1}
    assert event_store.count_by_month("events", other.tenant_id, other.project_id, OF_ACTOR, chosen) == {202601: 1}


def test_a_table_without_rows_of_projects_is_refused(event_store, stored_project):
    with pytest.raises(ValueError, match="no table"):
        event_store.count_by_month("system.parts", stored_project.tenant_id, stored_project.project_id, "1 = 1", {})
