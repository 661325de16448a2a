"""Which requests reach the embedded engine, and as what."""

from __future__ import annotations

import pytest

from app.eventstore.statement import NOT_IMPLEMENTED, SYNTAX_ERROR, Insert, Query, Refused, read_statement

HEAD = "INSERT INTO db.t (`a`, `b`) FORMAT JSONEachRow"
DATA = b'{"a": "; DROP TABLE t"}\n\nSELECT 1; SELECT 2\n'


def test_rows_in_the_body_of_an_addressed_insert_are_data_whatever_they_say():
    assert read_statement(HEAD, DATA, "TSV") == Insert("INSERT INTO db.t (`a`, `b`)", "", "JSONEachRow", DATA)


def test_rows_behind_the_first_line_of_the_body_are_data_whatever_they_say():
    assert read_statement("", HEAD.encode() + b"\n" + DATA, "TSV") == Insert("INSERT INTO db.t (`a`, `b`)", "", "JSONEachRow", DATA)


def test_binary_rows_need_no_text_encoding():
    assert read_statement("", b"INSERT INTO t FORMAT Native\n\xff\x00\n", "TSV") == Insert(
        "INSERT INTO t", "", "Native", b"\xff\x00\n"
    )


def test_settings_of_an_insert_are_kept_apart():
    insert = read_statement("INSERT INTO t (a) SETTINGS async_insert=0, x='y' FORMAT CSV", b"1\n", "TSV")

    assert insert == Insert("INSERT INTO t (a)", "SETTINGS async_insert=0, x='y'", "CSV", b"1\n")


@pytest.mark.parametrize(
    ("sql", "output_format"),
    [
        ("SELECT 1", "TSV"),
        ("SELECT 1\n FORMAT Native", "Native"),
        ("SELECT 1 format JSON;", "JSON"),
        ("CREATE TABLE t (a UInt8) ENGINE = Memory", "TSV"),
        ("ALTER TABLE t DELETE WHERE 1", "TSV"),
    ],
)
def test_a_statement_without_data_is_answered_in_its_own_or_the_default_format(sql, output_format):
    expected = Query(sql.removesuffix(";"), output_format)

    assert read_statement(sql, b"", "TSV") == expected
    assert read_statement("", sql.encode(), "TSV") == expected


@pytest.mark.parametrize(
    "sql", ["INSERT INTO t SELECT 1", "insert into db.t (a, b)\nSELECT 1, 2", "INSERT INTO t WITH 1 AS x SELECT x"]
)
def test_an_insert_from_a_query_is_a_statement(sql):
    assert isinstance(read_statement("", sql.encode(), "TSV"), Query)


def test_rows_may_lie_in_a_file_of_the_handover_folder():
    insert = read_statement("", b"INSERT INTO db.t (`a`) FROM INFILE '0a-f_1' FORMAT Native", "TSV")
    assert insert == Insert("INSERT INTO db.t (`a`)", "", "Native", b"", "0a-f_1")


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("", b"", SYNTAX_ERROR),
        (" ; ", b"", SYNTAX_ERROR),
        ("SELECT 1; SELECT 2", b"", SYNTAX_ERROR),
        ("SELECT ';'", b"", SYNTAX_ERROR),
        ("", b"SELECT '\xff'", SYNTAX_ERROR),
        ("INSERT INTO t; DROP TABLE t FORMAT CSV", b"1\n", SYNTAX_ERROR),
        ("SELECT 1", b"rows for a query", NOT_IMPLEMENTED),
        ("INSERT INTO t VALUES (1)", b"", NOT_IMPLEMENTED),
        ("INSERT INTO t FORMAT CSV", b"", NOT_IMPLEMENTED),
        ("", b"INSERT INTO t VALUES\n(1)", NOT_IMPLEMENTED),
        ("", b"INSERT INTO t FORMAT CSV 1", NOT_IMPLEMENTED),
        ("INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV", b"1\n", NOT_IMPLEMENTED),
        ("INSERT INTO t SELECT * FROM INPUT ('a UInt8')", b"", NOT_IMPLEMENTED),
        ("INSERT INTO FUNCTION file('/tmp/x') FORMAT CSV", b"1\n", NOT_IMPLEMENTED),
        ("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", b"", NOT_IMPLEMENTED),
        ("INSERT INTO t FROM INFILE '..' FORMAT CSV", b"", NOT_IMPLEMENTED),
        ("INSERT INTO t FROM INFILE '*' FORMAT CSV", b"", NOT_IMPLEMENTED),
    ],
)
def test_every_form_that_loses_rows_or_runs_data_is_refused(query, body, code):
    with pytest.raises(Refused) as refusal:
        read_statement(query, body, "TSV")

    assert refusal.value.code == code
