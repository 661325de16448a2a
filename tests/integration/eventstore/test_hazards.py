"""Ways in which the embedded engine loses, doubles or misreads data, and that none of them is open here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.eventstore.contracts import Rejected
from app.kernel.errors import Unavailable
from tests.integration.eventstore.rows import NOON, event, instant, lines, token
from tests.integration.eventstore.truth import ask, counts, post

SYNTAX_ERROR = "62"
NOT_IMPLEMENTED = "48"
INSERT = "INSERT INTO plumbline.events (project_id, time, id) FORMAT JSONEachRow"


def row(project, identifier="i") -> bytes:
    return lines({"project_id": project.project_id, "time": instant(NOON), "id": identifier})


@pytest.mark.parametrize("columns", ["", " (project_id, time, id)"])
def test_an_insert_from_the_input_function_is_refused_instead_of_losing_its_rows(store_process, stored_project, columns):
    head = (
        f"INSERT INTO plumbline.events{columns} SELECT * FROM input('project_id String, time String, id String') FORMAT JSONEachRow"
    )

    for answer in (
        post(store_process, f"{head}\n".encode() + row(stored_project)),
        post(store_process, row(stored_project), query=head),
    ):
        assert answer[:2] == (400, NOT_IMPLEMENTED)
    assert counts(store_process, stored_project) == (0, 0, 0)


def test_rows_behind_a_blank_line_are_rows_and_never_statements(store_process, stored_project):
    ask(store_process, "CREATE TABLE IF NOT EXISTS plumbline.canary (n UInt8) ENGINE = Memory")
    body = row(stored_project, "first") + b"\n\n" + row(stored_project, "second")
    attack = row(stored_project, "third") + b"\nDROP TABLE plumbline.canary\n"

    assert post(store_process, f"{INSERT}\n".encode() + body)[0] == 200
    assert post(store_process, f"{INSERT}\n".encode() + attack)[0] == 500
    assert post(store_process, attack, query=INSERT)[0] == 500

    assert counts(store_process, stored_project) == (2, 2, 2)
    assert ask(store_process, "EXISTS TABLE plumbline.canary") == "1"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO plumbline.events (id) VALUES ('x')",
        'INSERT INTO plumbline.events (id) FORMAT JSONEachRow {"id": "x"}',
        "INSERT INTO plumbline.events (id) FROM INFILE '/etc/passwd' FORMAT LineAsString",
    ],
)
def test_rows_inside_a_statement_are_refused(store_process, statement):
    assert post(store_process, statement.encode())[:2] == (400, NOT_IMPLEMENTED)


@pytest.mark.parametrize(
    "statement", ["SELECT 1; SELECT 2", "SELECT 1;;", "SELECT ';'", "SELECT 1 /* ; */", "INSERT INTO t SELECT 1; DROP TABLE t"]
)
def test_several_statements_in_one_text_are_refused(store_process, statement):
    assert post(store_process, statement.encode())[:2] == (400, SYNTAX_ERROR)
    assert post(store_process, query=statement)[:2] == (400, SYNTAX_ERROR)


def test_one_statement_may_end_with_a_semicolon(store_process):
    assert ask(store_process, "SELECT 1;") == "1"


def test_the_engine_drops_equal_content_without_a_token(store_process, stored_project):
    for _ in range(2):
        assert post(store_process, row(stored_project), query=INSERT, async_insert="0")[0] == 200

    assert counts(store_process, stored_project) == (1, 1, 1)


def test_equal_content_under_two_tokens_is_stored_twice(event_store, store_process, stored_project):
    batch = lines(event(stored_project))
    for _ in range(2):
        event_store.insert_lines("events", batch, rows=1, token=token())

    assert counts(store_process, stored_project) == (2, 1, 2)


def test_an_insert_without_a_token_is_a_mistake_of_the_caller(event_store, stored_project):
    with pytest.raises(ValueError, match="token"):
        event_store.insert_lines("events", lines(event(stored_project)), rows=1, token="")


def test_the_same_token_three_times_counts_once_in_events_and_roll_up(event_store, store_process, stored_project):
    batch, once = lines(*(event(stored_project) for _ in range(5))), token()
    for _ in range(3):
        event_store.insert_lines("events", batch, rows=5, token=once)

    assert counts(store_process, stored_project) == (5, 5, 5)


def test_equal_counts_of_different_batches_add_up_in_the_roll_up(event_store, store_process, stored_project):
    for _ in range(3):
        event_store.insert_lines("events", lines(event(stored_project)), rows=1, token=token())

    assert counts(store_process, stored_project) == (3, 3, 3)


def test_a_repeated_quarantine_batch_counts_once(event_store, store_process, stored_project):
    record = {"project_id": stored_project.project_id, "received_at": instant(NOON), "reason": "bad", "raw": "x"}
    once = token()
    for _ in range(3):
        event_store.insert_lines("quarantine", lines(record), rows=1, token=once)

    assert ask(store_process, f"SELECT count() FROM plumbline.quarantine WHERE project_id = '{stored_project.project_id}'") == "1"


@pytest.mark.slow
def test_one_batch_over_twenty_years_of_months_is_stored(event_store, store_process, stored_project):
    rows = [event(stored_project, time=NOON - timedelta(days=30 * month)) for month in range(243)]

    event_store.insert_lines("events", lines(*rows), rows=len(rows), token=token())

    assert counts(store_process, stored_project) == (243, 243, 243)


def test_rows_are_readable_as_soon_as_the_insert_returns(event_store, store_process, stored_project):
    for number in range(1, 6):
        event_store.insert_lines("events", lines(event(stored_project)), rows=1, token=token())
        assert counts(store_process, stored_project)[0] == number


@pytest.mark.parametrize(
    ("damage", "rows"),
    [
        (lambda batch: batch.replace(b"\n", b"\n\n", 1), 2),
        (lambda batch: batch.replace(b', "kind"', b',\n"kind"', 1), 2),
        (lambda batch: batch.replace(b"\n", b"", 1), 2),
        (lambda batch: batch, 3),
        (lambda batch: batch, 1),
    ],
    ids=["blank line", "raw newline in a row", "two rows on a line", "a row too few", "a row too many"],
)
def test_a_batch_whose_lines_are_not_its_rows_is_rejected_whole(event_store, store_process, stored_project, damage, rows):
    batch = damage(lines(event(stored_project), event(stored_project)))

    with pytest.raises(Rejected):
        event_store.insert_lines("events", batch, rows=rows, token=token())

    assert counts(store_process, stored_project) == (0, 0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b'{"time": "yesterday-ish"}\n',
        b'{"value": "wide"}\n',
        b'{"no_such_column": 1}\n',
        b'{"id": "\xff\\uD800"}\n',
        b'{"id": "open\n',
        b"\n",
    ],
)
def test_a_bad_row_rejects_its_batch_and_the_rest_can_be_sent_afresh(event_store, store_process, stored_project, bad):
    good = lines(event(stored_project))

    with pytest.raises(Rejected):
        event_store.insert_lines("events", good + bad, rows=2, token=token())
    assert counts(store_process, stored_project) == (0, 0, 0)

    event_store.insert_lines("events", good, rows=1, token=token())
    assert counts(store_process, stored_project) == (1, 1, 1)


def test_a_missing_table_is_the_stores_fault_and_not_the_rows(event_store, monkeypatch, stored_project):
    monkeypatch.setattr("app.eventstore.client._COLUMNS", {"no_such_table": ("id",)})

    with pytest.raises(Unavailable):
        event_store.insert_lines("no_such_table", b'{"id": "x"}\n', rows=1, token=token())


def test_an_empty_batch_stores_nothing(event_store):
    event_store.insert_lines("events", b"", rows=0, token=token())


def test_absent_columns_take_their_defaults(event_store, stored_project):
    sparse = {
        "tenant_id": stored_project.tenant_id,
        "project_id": stored_project.project_id,
        "time": instant(NOON),
        "received_at": instant(NOON),
        "value": None,
    }
    event_store.insert_lines("events", lines(sparse), rows=1, token=token())

    (stored,) = event_store.recent(stored_project.tenant_id, stored_project.project_id, after=None, limit=9)

    assert (stored.value, stored.verdict, stored.properties, stored.body) == (None, "accepted", "{}", "")


def test_settings_of_one_request_do_not_reach_the_next(store_process):
    for _ in range(8):  # every handle of the pool gets its turn
        assert post(store_process, query="SELECT getSetting('max_result_rows')", max_result_rows="77")[2].strip() == "77"
    for _ in range(8):
        assert ask(store_process, "SELECT getSetting('max_result_rows')") == "0"


def test_an_unknown_setting_is_an_error_and_leaves_no_trace(store_process):
    status, code, _text = post(store_process, query="SELECT 1", max_result_rows="77", no_such_setting="1")

    assert (status, code) == (500, "115")
    assert {ask(store_process, "SELECT getSetting('max_result_rows')") for _ in range(8)} == {"0"}


@pytest.mark.parametrize("secret", ["", "wrong", "Ā"])
def test_every_statement_needs_the_secret(store_process, secret):
    secret = secret.encode().decode("latin-1")

    assert post(store_process, b"SELECT 1", secret=secret)[:2] == (403, "516")
    assert post(store_process, secret=secret)[0] == 403
