"""The ladder by which a column with too many values becomes a template (contract 4.6)."""

import json
import uuid

import pytest

from app.scans.templates import Template, infer_template


def numbered(pattern: str, count: int = 50) -> list[str]:
    return [pattern.format(n) for n in range(1, count + 1)]


def test_a_number_inside_paths_becomes_one_number_variable():
    template = infer_template("url", numbered("/user/{}/edit"), 3)
    assert template.text("/user/7/edit") == "/user/${url_id}/edit"
    assert template.variables == {"url_id": "number"}
    assert template.variables_in("/user/7/edit") == {"url_id": "7"}
    assert template.variables_in("/elsewhere") == {}


def test_scheme_and_host_do_not_count_as_segments():
    template = infer_template("url", [*numbered("https://shop.example.com/item/{}", 30), *numbered("/item/{}0", 20)], 3)
    assert template.text("") == "/item/${url_id}"


def test_a_number_in_the_first_segment_is_called_like_the_column():
    assert infer_template("page", numbered("/{}"), 3).text("") == "/${page}"


def test_two_numbers_in_one_path_get_different_names():
    template = infer_template("url", [f"/shop/{n}/item/{n * 7}" for n in range(50)], 3)
    assert template.text("") == "/shop/${url_id}/item/${url_id_4}"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([f"/doc/{uuid.uuid4()}" for _ in range(20)], "/doc/${url_uuid}"),
        ([f"/doc/name{n}x" for n in range(20)], "/doc/${url_segment_2}"),
    ],
)
def test_segments_are_named_by_what_they_hold(values, text):
    assert infer_template("url", values, 3).text("") == text


def test_up_to_ten_values_of_a_place_keep_the_most_common_even_with_a_high_threshold():
    values = [f"/v{n % 10}/{n}" for n in range(100)] + [f"/v3/{n}" for n in range(100, 120)]
    assert infer_template("url", values, 100).text("") == "/v3/${url_id}"


def test_paths_of_too_different_lengths_are_no_template():
    values = ["/" + "/".join(["x"] * n) for n in range(1, 30)]
    assert infer_template("url", values, 3).text("") == "${url}"


def test_numbers_and_uuids_are_whole_values():
    assert infer_template("amount", ["1", "2.5", "-3e2", "40"], 3) == infer_template("amount", numbered("{}.5"), 3)
    assert infer_template("amount", numbered("{}"), 3).variables == {"amount": "number"}
    assert infer_template("id", [str(uuid.uuid4()) for _ in range(9)], 3).variables == {"id": "string"}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("item_{}", "item_${label_id}"),
        ("item-{}", "item-${label_id}"),
        ("item.{}x", "item.${label_part_2}"),
        ("item {}", "item ${label_id}"),
    ],
)
def test_delimiters_are_tried_in_their_order(pattern, text):
    assert infer_template("label", numbered(pattern), 3).text("") == text


def test_anything_else_is_the_whole_value():
    template = infer_template("Search Term", [f"word{n}x" for n in range(20)], 3)
    assert template.text("whatever") == "${search_term}"


def test_members_of_objects_stay_literal_while_they_are_few():
    values = [json.dumps({"kind": "a" if n % 2 else "b", "n": n}) for n in range(20)]
    template = infer_template("body", values, 3)
    assert json.loads(template.text(values[0])) == {"kind": "b", "n": "${n}"}
    assert template.variables == {"n": "number"}
    assert template.variables_in(values[4]) == {"n": "4"}


def test_a_template_survives_storage():
    template = infer_template("url", numbered("/user/{}/edit"), 3)
    assert Template.from_stored(json.loads(json.dumps(template.as_stored()))) == template
