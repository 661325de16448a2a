"""The preview of the scan page: JSON paths are shown, and those that are kept have a column of their own."""

from __future__ import annotations

import pytest

from app.scans.pages.editor_view import grid_of, paths_in, toggled

RESULT = {
    "columns": [{"name": "name", "type_name": "text"}, {"name": "body", "type_name": "jsonb"}],
    "rows": [
        {"name": "open", "body": {"page": {"url": "/a", "no": 3}, "a.b": True}},
        {"name": "close", "body": {"page": "home"}},
        {"name": "lost", "body": None},
    ],
    "json_columns": [
        {
            "column": "body",
            "paths": [
                {"path": "page.url", "full_path": "body.page.url", "sample_values": ["/a", "/b"]},
                {"path": "a.b", "full_path": "body.a.b", "sample_values": ["true"]},
            ],
        }
    ],
}


def test_without_kept_paths_the_grid_has_the_columns_of_the_query():
    grid = grid_of(RESULT)
    assert grid.columns == [["name", "text"], ["body", "jsonb"]]
    assert grid.rows[2] == ["lost", "NULL"]
    assert grid.paths == [["body.page.url", "/a, /b", ""], ["body.a.b", "true", ""]]


def test_a_kept_path_has_a_column_with_the_nested_value_of_each_row():
    grid = grid_of(RESULT, ["body.page.url", "body.a.b", "body.gone"])
    assert grid.columns[2:] == [["body.page.url", "JSON value"], ["body.a.b", "JSON value"]]
    assert [row[2:] for row in grid.rows] == [["/a", "true"], ["NULL", "NULL"], ["NULL", "NULL"]]
    assert [path[2] for path in grid.paths] == ["kept", "kept"]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [("", "a.b", "a.b"), ("a.b", "a.b", ""), ("x, a.b ,y", "a.b", "x, y"), ("x", "a.b", "x, a.b")],
)
def test_choosing_a_path_adds_it_to_the_field_and_choosing_it_again_takes_it_out(text, path, expected):
    assert toggled(text, path) == expected
    assert paths_in(f" {text},,") == [one.strip() for one in text.split(",") if one.strip()]
