"""Wrong files: every fault names the file, the row, the column and the reason, and bombs do not go off."""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest

from app.plan.snapshot import EntityType, Snapshot
from app.plan.transfer import yaml_folder
from app.plan.transfer.csv_file import defused, restored
from app.plan.transfer.entries import defaults
from app.plan.transfer.preview import RowStatus, preview
from app.plan.transfer.records import MOST_BYTES, MOST_UNPACKED_BYTES
from app.plan.transfer.service import Format, read_file, read_folder
from tests.unit.plan_transfer.plans import entity

NOTHING = Snapshot(())
SHOP = Snapshot.of(
    [
        entity(EntityType.EVENT_TYPE, ("shop",), display_name="Shop", description="", color="#6366f1", order=0),
        entity(EntityType.FIELD, ("shop", "step"), **{**defaults(EntityType.FIELD), "display_name": "Step", "is_required": True}),
        entity(
            EntityType.EVENT, ("shop", "paid"), status="draft", description="Paid", event_type_name="shop", tags=["a"], order=0,
            field_values={"step": "1"}, meta_values={}, source_name="order_paid", metric_breakdown_columns=[], reviewed=False,
            authored_fields=[],
        ),
    ]
)  # fmt: skip


def faults(data: str | bytes, name: str, present: Snapshot = NOTHING) -> list[tuple[str, str, str]]:
    content = data.encode() if isinstance(data, str) else data
    rows = preview(read_file(content, name), present).errors
    assert all(row.place.file for row in rows)
    return [(row.place.row, row.place.column, row.reason) for row in rows]


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def table(*rows: str) -> str:
    return "\n".join(["event_type,name,status,description,tags,sunset_at,field:step", *rows])


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("shop,,draft,,,,", "name", "must not be blank"),
        (",paid,draft,,,,", "event_type", "must not be blank"),
        ("shop,x,done,,,,", "status", "must be one of"),
        ("shop,x,draft,,,yesterday,", "sunset_at", "must be a date"),
        ("shop,x,draft,,,1700000000,", "sunset_at", "must be a date"),
        ("nowhere,x,draft,,,,", "event_type", "There is no event type nowhere"),
        (f"shop,{'x' * 501},draft,,,,", "name", "at most 500 characters"),
        (f"shop,x,draft,,{'t' * 101},,", "tags", "at most 100 characters"),
        ("shop,x", "", "has 2 cells where the heading has 7"),
        ("shop,order_paid,draft,,,,", "name", "Scans know another event of this event type as order_paid: paid"),
    ],
)
def test_a_fault_in_a_table_is_told_at_its_cell(row: str, column: str, reason: str) -> None:
    [(found_row, found_column, found_reason)] = faults(table("shop,paid,draft,Paid,a,,1", row), "events.csv", SHOP)
    assert (found_row, found_column.split(".")[0]) == ("row 3", column)
    assert reason in found_reason


def test_an_event_twice_in_a_table_says_where_the_first_is() -> None:
    text = table("shop,x,draft,,,,1", "shop,x,live,,,,1")
    assert faults(text, "events.csv", SHOP) == [("row 3", "", "was given before (events.csv, row 2)")]


def test_a_value_for_a_field_the_event_type_has_not_is_told_at_its_column() -> None:
    text = "event_type,name,field:other,meta:ticket\nshop,x,1,2\n"
    assert faults(text, "events.csv", SHOP) == [
        ("row 2", "field:other", "The event type shop has no field other"),
        ("row 2", "meta:ticket", "There is no meta field ticket"),
    ]


@pytest.mark.parametrize("heading", ["name,status", "event_type,name,colour", "event_type,name,name", "", "event_type,name,field:"])
def test_a_heading_that_cannot_be_understood_is_told(heading: str) -> None:
    [(row, _, _)] = faults(heading + "\nshop,x,draft\n", "events.csv", SHOP)
    assert row == "row 1"


def test_a_table_leaves_alone_what_has_no_column_and_empties_what_has_an_empty_cell() -> None:
    kept = preview(read_file(b"event_type;name;status\nshop;paid;live\n", "events.csv"), SHOP)
    event = kept.after.get(EntityType.EVENT, ("shop", "paid"))
    assert event and (event.attributes["status"], event.attributes["tags"]) == ("live", ["a"])
    assert event.attributes["field_values"] == {"step": "1"}
    emptied = preview(read_file(b"event_type,name,tags,field:step\nshop,paid,,\n", "events.csv"), SHOP)
    [row] = emptied.rows
    assert [change.name for change in row.changes] == ["tags", "field_values"]
    assert row.reason == "No value for step, which every event should have"


def test_cells_that_look_like_formulas_are_defused_and_come_back() -> None:
    for text in ("=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "'=1", "'", "plain", "it's"):
        assert restored(defused(text)) == text
        assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert restored("'twas") == "'twas"


@pytest.mark.parametrize(
    ("entry", "row", "column", "reason"),
    [
        ({"name": "shop", "colour": "#fff"}, "event_types[0]", "colour", "is not known here"),
        ({"name": "shop", "color": "red"}, "event_types[0]", "color", "must be a colour"),
        ({"name": 7}, "event_types[0]", "name", "must be text"),
        ({"display_name": "Shop"}, "event_types[0]", "name", "is missing"),
        ({"name": "shop", "order": 2**31}, "event_types[0]", "order", "must be less than"),
        (
            {"name": "shop", "fields": [{"name": "a", "field_type": "enum"}]},
            "event_types[0].fields[0]",
            "enum_options",
            "needs enum",
        ),
        (
            {"name": "shop", "fields": [{"name": "a", "contract_regex": "("}]},
            "event_types[0].fields[0]",
            "contract_regex",
            "compile",
        ),
        ({"name": "shop", "fields": ["a"]}, "event_types[0].fields[0]", "", "must hold attributes"),
        ({"name": "shop", "fields": {}}, "", "event_types[0].fields", "must be a list"),
        ({"name": "shop", "events": [{"name": "x\x00"}]}, "event_types[0].events[0]", "name", "NUL"),
        (
            {"name": "shop", "events": [{"name": "x", "field_values": {"a": 1}}]},
            "event_types[0].events[0]",
            "field_values.a",
            "text",
        ),
        (
            {"name": "shop", "events": [{"name": "x", "meta_values": {"a": "1"}}]},
            "event_types[0].events[0]",
            "meta_values.a",
            "no meta",
        ),
    ],
)
def test_a_fault_in_json_is_told_at_its_path(entry: dict, row: str, column: str, reason: str) -> None:
    [(found_row, found_column, found_reason)] = faults(json.dumps({"event_types": [entry]}), "plan.json")
    assert (found_row, found_column) == (row, column)
    assert reason in found_reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "must hold event_types"),
        ('{"events": []}', "is not known here"),
        ('{"variables": [], "variables": []}', "given twice"),
        ('{"variables": [{"name": "a", "order": NaN}]}', "is no number"),
        ("[" * 100_000, "nests too deep"),
        ('{"variables": [{"name": "Not A Token"}]}', "small letters"),
        ('{"meta_fields": [{"name": "a", "link_template": "javascript:${value}"}]}', "http, https or mailto"),
        (
            '{"relations": [{"source_event_type": "a", "source_field": "b", "target_event_type": "a", "target_field": "b"}]}',
            "no field a.b",
        ),
    ],
)
def test_json_that_is_no_plan_is_told(text: str, reason: str) -> None:
    [(_, _, found)] = faults(text, "plan.json")
    assert reason in found


def test_a_fault_in_yaml_is_told_at_its_line() -> None:
    text = "event_type:\n  name: shop\nfields:\n- name: step\n  field_type: text\nevents:\n- name: no\n"
    assert [(row, column) for row, column, _ in faults(text, "shop.yaml")] == [("line 4", "field_type"), ("line 7", "name")]


BOMB = "variables:\n- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "row", "reason"),
    [
        (BOMB, "line 3", "aliases are not accepted"),
        ("variables: !!python/object/apply:os.system ['true']\n", "line 1", "Tags are not accepted"),
        ("variables: " + "[" * 5_000, "line 1", "nest"),
        ("variables: []\n---\nvariables: []\n", "line 2", "one document"),
        ("variables:\n- name: a\n  name: b\n", "line 3", "given twice"),
        ("variables: [\n", "line 2", "is no YAML"),
        ("variables:\n- name: \x07\n", "", "is no YAML"),
        ("variables:\n- name: " + "1:" * 200_000 + "1\n", "line 2", "text goes in quotes"),
        ("variables:\n- 1: a\n", "line 2", "must be text"),
        ("just text\n", "", "must hold event_types"),
    ],
)
def test_yaml_outside_the_safe_subset_is_refused(text: str, row: str, reason: str) -> None:
    started = time.process_time()
    [(found_row, _, found)] = faults(text, "plan.yaml")
    assert found_row == row
    assert reason in found
    assert time.process_time() - started < 20


def test_a_zip_bomb_is_refused_without_being_unpacked() -> None:
    bomb = zipped({"variables.yaml": b" " * (MOST_UNPACKED_BYTES + 1)})
    assert len(bomb) < MOST_BYTES // 100
    [(_, _, reason)] = faults(bomb, "plan.zip")
    assert "amount to more than" in reason


def test_an_archive_of_very_many_files_is_refused() -> None:
    [(_, _, reason)] = faults(zipped({f"{number}.yaml": b"" for number in range(5_001)}), "plan.zip")
    assert "at most 5000 files" in reason


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"PK\x03\x04 broken", "plan.zip"),
        (zipped({"readme.txt": b"x"}), "plan.zip"),
        (b"\xff\xfe\x00", "plan.json"),
        (b"a,b\n", "plan.txt"),
        (b"x" * (MOST_BYTES + 1), "plan.csv"),
        (zipped({"a.yaml": b"\xff"}), "plan.zip"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(data: bytes, name: str) -> None:
    rows = preview(read_file(data, name), NOTHING).rows
    assert [row.status for row in rows] == [RowStatus.ERROR]


def test_a_damaged_archive_is_a_fault_wherever_it_is_damaged() -> None:
    good = bytearray(yaml_folder.zip_of(SHOP))
    for place in range(0, len(good), 7):
        damaged = bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        preview(read_file(damaged, "plan.zip", Format.YAML), NOTHING)


def test_a_folder_may_lie_in_another_one_and_hold_other_files() -> None:
    files = {f"plans/shop/{path}": text.encode() for path, text in yaml_folder.files_of(SHOP).items()}
    assert not preview(read_folder(files), NOTHING).errors
    packed = zipped(files | {"__MACOSX/plans/._a.yaml": b"\x00\x05", "plans/README.md": b"#"})
    assert preview(read_file(packed, "plan.zip"), SHOP).counts == {"created": 0, "changed": 0, "unchanged": 3, "error": 0}


@pytest.mark.parametrize("name", ["../../etc/passwd", "CON", "con", "Shop", "a/b", "日本", "x" * 255, ".", "shop-0123456789ab"])
def test_names_of_event_types_make_safe_and_different_file_names(name: str) -> None:
    import re

    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*-[0-9a-f]{12}", yaml_folder.file_name(name))
    assert yaml_folder.file_name("shop_eu") == "shop_eu"


def test_what_a_file_does_not_say_stays_and_a_new_thing_takes_its_usual_values() -> None:
    text = '{"event_types": [{"name": "shop", "fields": [{"name": "sum"}], "events": [{"name": "sent"}, {"name": "paid"}]}]}'
    found = preview(read_file(text.encode(), "plan.json"), SHOP)
    assert found.counts == {"created": 2, "changed": 0, "unchanged": 2, "error": 0}
    field, event = found.after.get(EntityType.FIELD, ("shop", "sum")), found.after.get(EntityType.EVENT, ("shop", "sent"))
    assert field and (field.attributes["display_name"], field.attributes["field_type"], field.attributes["order"]) == (
        "sum",
        "string",
        1,
    )
    assert event and (event.attributes["status"], event.attributes["order"], event.attributes["tags"]) == ("draft", 1, [])


def test_what_stands_below_a_faulty_entry_is_not_told_as_missing_it() -> None:
    text = '{"event_types": [{"name": "shop", "color": "red", "fields": [{"name": "a"}], "events": [{"name": "x"}]}]}'
    assert [column for _, column, _ in faults(text, "plan.json")] == ["color"]


def test_fifty_thousand_entries_are_the_most() -> None:
    text = "event_type,name\n" + "".join(f"shop,e{number}\n" for number in range(50_001))
    [(row, _, reason)] = faults(text, "events.csv", SHOP)[:1]
    assert (row, reason) == ("row 50002", "A plan has at most 50000 entries")


def test_faults_of_hostile_names_can_be_told() -> None:
    half = json.dumps({"event_types": [{"name": "\ud800", "\ud801": 1, "a" * 10_000: 2}]})
    for row in preview(read_file(half.encode(), "\udcff.json"), NOTHING).rows:
        for text in (row.name, row.reason, row.place.file, row.place.row, row.place.column):
            assert len(text.encode()) < 1_000


def test_an_entry_of_very_many_attributes_is_one_fault() -> None:
    many = {f"a{number}": number for number in range(100_000)}
    for entry in (many, {"name": "a", "events": [{"name": "x", "field_values": many}]}):
        [(_, _, reason)] = faults(json.dumps({"event_types": [entry]}), "plan.json")
        assert reason == "holds more than 5000 entries"
