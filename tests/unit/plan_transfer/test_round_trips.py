"""Exported and imported again, a plan is the same plan, and the same plan is always the same file."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings

from app.plan.diff import diff
from app.plan.snapshot import COMPARED, Entity, EntityType, Snapshot
from app.plan.transfer import csv_file, json_file, yaml_folder
from app.plan.transfer.entries import carried
from app.plan.transfer.preview import RowStatus, preview
from app.plan.transfer.records import Document
from tests.unit.plan_transfer.plans import plans

NOTHING = Snapshot(())
UNHURRIED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
WHOLE: Mapping[str, Callable[[Snapshot], Document]] = {
    "json": lambda plan: json_file.read_text(json_file.text_of(plan), "plan.json"),
    "yaml": lambda plan: yaml_folder.read_files(yaml_folder.files_of(plan)),
    "zip": lambda plan: yaml_folder.read_zip(yaml_folder.zip_of(plan), "plan.zip"),
}


def content(plan: Snapshot) -> dict[object, object]:
    return {key: {name: one.attributes.get(name) for name in carried(one.type)} for key, one in plan.by_key.items()}


def shuffled(plan: Snapshot) -> Snapshot:
    return Snapshot.of(random.Random(1).sample(plan.entities, len(plan.entities)))


def without_events(plan: Snapshot) -> Snapshot:
    return Snapshot.of(one for one in plan.entities if one.type is not EntityType.EVENT)


@pytest.mark.parametrize("name", WHOLE)
@UNHURRIED
@given(plan=plans())
def test_a_whole_plan_comes_back_equal(name: str, plan: Snapshot) -> None:
    found = preview(WHOLE[name](plan), NOTHING)
    assert not found.errors
    assert content(found.after) == content(plan)
    assert diff(plan, found.after) == []
    assert {row.status for row in found.rows} <= {RowStatus.CREATED}


@pytest.mark.parametrize("name", WHOLE)
@UNHURRIED
@given(plan=plans())
def test_importing_what_is_there_already_changes_nothing(name: str, plan: Snapshot) -> None:
    found = preview(WHOLE[name](plan), plan)
    assert {row.status for row in found.rows} <= {RowStatus.UNCHANGED}
    assert (found.outcome.creates, found.outcome.updates, found.outcome.deletes) == ((), (), ())


@UNHURRIED
@given(plan=plans())
def test_a_table_brings_the_events_back_into_a_plan_that_has_everything_else(plan: Snapshot) -> None:
    found = preview(csv_file.read_text(csv_file.text_of(plan), "events.csv"), without_events(plan))
    assert not found.errors
    assert diff(plan, found.after) == []


@UNHURRIED
@given(plan=plans())
def test_a_table_changes_nothing_in_the_plan_it_came_from(plan: Snapshot) -> None:
    found = preview(csv_file.read_text(csv_file.text_of(plan), "events.csv"), plan)
    assert {row.status for row in found.rows} <= {RowStatus.UNCHANGED}


@UNHURRIED
@given(plan=plans())
def test_no_cell_of_a_table_begins_a_formula(plan: Snapshot) -> None:
    import csv
    import io

    for row in csv.reader(io.StringIO(csv_file.text_of(plan), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@UNHURRIED
@given(plan=plans())
def test_equal_plans_give_equal_files(plan: Snapshot) -> None:
    other = Snapshot.of(Entity(one.type, one.key, f"other {one.key}", one.attributes) for one in shuffled(plan).entities)
    assert json_file.text_of(plan) == json_file.text_of(other)
    assert csv_file.text_of(plan) == csv_file.text_of(other)
    assert yaml_folder.zip_of(plan) == yaml_folder.zip_of(other)


def test_everything_a_diff_looks_at_travels() -> None:
    for sort, names in COMPARED.items():
        assert set(names) - {"event_type_name"} <= set(carried(sort))
