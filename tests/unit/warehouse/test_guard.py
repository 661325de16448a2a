"""The guard refuses every hostile statement of its corpora and lets ordinary reading queries through."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import pytest

from app.warehouse.guard import DEEPEST_NESTING, LONGEST_QUERY, NotReadOnly, check_query

HERE = Path(__file__).parent
WORKING = ("SELECT ", "WITH ", "INSERT", "UPDATE", "DELETE", "DROP", "CREATE", "ALTER", "GRANT", "MERGE", "TRUNCATE", "COPY")
DIALECTS = ("clickhouse", "postgres", "bigquery")


def corpus(kind: str, dialect: str) -> list[str]:
    return (HERE / kind / f"{dialect}.txt").read_text(encoding="utf-8").splitlines()


def pairs(kind: str) -> list[tuple[str, str]]:
    return [(dialect, statement) for dialect in DIALECTS for statement in corpus(kind, dialect)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_corpora_are_as_large_as_they_should_be(dialect):
    assert len(set(corpus("hostile", dialect))) >= 150
    assert len(set(corpus("good", dialect))) >= 40


@pytest.mark.parametrize(("dialect", "statement"), pairs("hostile"), ids=lambda value: ascii(value)[:70])
def test_a_hostile_statement_is_refused_with_a_sentence(dialect, statement):
    with pytest.raises(NotReadOnly) as refusal:
        check_query(dialect, statement)
    assert refusal.value.sentence.endswith(".") and len(refusal.value.sentence) < 150


@pytest.mark.parametrize(("dialect", "statement"), pairs("good"), ids=lambda value: ascii(value)[:70])
def test_an_ordinary_query_passes(dialect, statement):
    check_query(dialect, statement)
    check_query(dialect, f"  {statement}\n")


@pytest.mark.parametrize(
    "wrapped", ["SELECT * FROM ({}) AS q", "WITH q AS ({}) SELECT * FROM q", "SELECT ({})", "SELECT 1 UNION ALL {}"]
)
@pytest.mark.parametrize(
    ("dialect", "statement"),
    [pair for pair in pairs("hostile") if pair[1].upper().startswith(WORKING) and "1)" not in pair[1]][::5],
    ids=lambda value: ascii(value)[:50],
)
def test_a_hostile_statement_is_refused_inside_of_a_query_too(dialect, statement, wrapped):
    with pytest.raises(NotReadOnly):
        check_query(dialect, wrapped.format(statement))


CLOSED_SOURCES = (
    "file",
    "url",
    "s3",
    "remote",
    "mysql",
    "executable",
    "dictionary",
    "merge",
    "cluster",
    "view",
    "jdbc",
    "hdfs",
    "null",
)


@pytest.mark.parametrize(
    ("name", "arguments", "alias"),
    list(product(CLOSED_SOURCES, ["'x'", "'x', 'y'", "x", "x.y", "1", "", "SELECT 1", "'x', x"], ["", " AS t", " t", " AS t(a)"])),
)
def test_no_spelling_of_a_table_function_of_clickhouse_passes(name, arguments, alias):
    for spelled in (name, name.upper(), f"{name} ", f"`{name}`", f'"{name}"', f"db.{name}"):
        with pytest.raises(NotReadOnly):
            check_query("clickhouse", f"SELECT * FROM {spelled}({arguments}){alias}")
        with pytest.raises(NotReadOnly):
            check_query("clickhouse", f"SELECT * FROM events JOIN {spelled}({arguments}){alias} ON 1 = 1")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT '" + "x" * LONGEST_QUERY + "'",
        "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
        "SELECT " + "(" * (DEEPEST_NESTING + 1) + "1" + ")" * (DEEPEST_NESTING + 1),
        "SELECT " + "CASE WHEN 1 = 1 THEN " * 3_000 + "1" + " END" * 3_000,
        "SELECT " + "NOT " * 9_000 + "TRUE",
        "SELECT " + "- " * 9_000 + "1",
        "SELECT " + "1 + " * 30_000 + "1",
        "SELECT 1" + " UNION ALL SELECT 1" * 20_000,
        "SELECT " + "[" * 9_000,
    ],
    ids=lambda query: query[:30],
)
def test_a_query_that_would_exhaust_the_parser_is_refused_at_once(dialect, query):
    began = time.process_time()
    with pytest.raises(NotReadOnly):
        check_query(dialect, query)
    assert time.process_time() - began < 20


def test_the_built_in_store_shows_its_own_table_only():
    events = frozenset({"events"})
    check_query("clickhouse", "SELECT source, name, time FROM events", tables=events)
    check_query(
        "clickhouse", "WITH e AS (SELECT * FROM events) SELECT name FROM e WHERE name IN (SELECT name FROM e)", tables=events
    )
    for query in (
        "SELECT * FROM quarantine",
        "SELECT * FROM plumbline.events",
        "SELECT * FROM default.events",
        "SELECT * FROM events WHERE name IN quarantine",
        "SELECT * FROM events JOIN other ON 1 = 1",
        "SELECT (SELECT count() FROM events_by_minute) FROM events",
    ):
        with pytest.raises(NotReadOnly):
            check_query("clickhouse", query, tables=events)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("query", "place"),
    [("\n  SELECT nme FROM event_s WHERE", "at 'WHERE' in line 2"), ("SELECT a\nFROM t\nWHER x = 1 y", "at 'x' in line 3")],
)
def test_a_query_with_a_slip_is_told_where_it_lies(dialect, query, place):
    with pytest.raises(NotReadOnly) as refusal:
        check_query(dialect, query)
    assert refusal.value.sentence == f"The query cannot be understood as a SELECT of this database, {place}."
