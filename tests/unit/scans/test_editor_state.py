"""Ticking a JSON path on the scan page: the form and the preview follow."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.kernel.errors import InvalidInput
from app.scans.pages.editor_state import ScanEditorState, range_of

RESULT = {
    "columns": [{"name": "name", "type_name": "String"}, {"name": "custom_attributes", "type_name": "JSON"}],
    "rows": [{"name": "page_0", "custom_attributes": {"screen": "s0"}}, {"name": "page_1", "custom_attributes": {}}],
    "json_columns": [
        {
            "column": "custom_attributes",
            "paths": [{"path": "screen", "full_path": "custom_attributes.screen", "sample_values": ["s0"]}],
        }
    ],
}
SCREEN = "custom_attributes.screen"


@pytest.fixture
def state() -> ScanEditorState:
    """The page after a preview, with a refusal of the paths still shown."""
    made = ScanEditorState(_reflex_internal_init=True)
    made.form, made.errors = {"json_value_paths": ""}, {"json_value_paths": "must begin with a JSON column"}
    made._previewed = json.dumps(RESULT)
    return made


def toggle(state: ScanEditorState, path: str) -> None:
    ScanEditorState.toggle_path.fn(state, path)


def test_a_ticked_path_is_in_the_form_and_has_a_column_in_the_preview(state):
    toggle(state, SCREEN)
    assert state.form["json_value_paths"] == SCREEN
    assert "json_value_paths" not in state.errors
    assert state.grid.columns[-1] == [SCREEN, "JSON value"]
    assert [row[-1] for row in state.grid.rows] == ["s0", "NULL"]
    assert state.grid.paths == [[SCREEN, "s0", "kept"]]


def test_ticking_it_again_takes_it_out(state):
    toggle(state, SCREEN)
    toggle(state, SCREEN)
    assert state.form["json_value_paths"] == ""
    assert state.grid.columns == [["name", "String"], ["custom_attributes", "JSON"]]
    assert state.grid.paths == [[SCREEN, "s0", ""]]


def test_before_a_preview_only_the_form_changes(state):
    state._previewed = ""
    toggle(state, SCREEN)
    assert state.form["json_value_paths"] == SCREEN
    assert state.grid.columns == []


def test_the_range_of_a_replay_is_read_on_the_clock_of_the_viewer():
    form = {"time_from": "2026-11-25T10:00", "time_to": "2026-11-25T12:30"}
    assert range_of(form, ZoneInfo("Europe/Berlin")) == (
        datetime(2026, 11, 25, 9, tzinfo=UTC),
        datetime(2026, 11, 25, 11, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("start", "stop", "words"),
    [
        ("", "2026-11-25T12:00", "both ends"),
        ("2026-11-25T12:00", "soon", "both ends"),
        ("2026-11-25T12:00", "2026-11-25T12:00", "end after"),
        ("2026-11-25T12:00", "2026-11-25T11:00", "end after"),
    ],
)
def test_a_range_that_is_none_is_refused_in_words_of_the_form(start, stop, words):
    with pytest.raises(InvalidInput, match=words):
        range_of({"time_from": start, "time_to": stop}, ZoneInfo("UTC"))
