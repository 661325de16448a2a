"""BigQuery's REST interface over a PostgreSQL database: the real client asks, the SQL we generate runs.

Statements are parsed as GoogleSQL. Functions that PostgreSQL has not, or has with another meaning, call functions of this file
that are written after BigQuery's reference; everything else only changes its spelling. What this does not prove: that the service
itself accepts a statement whose parser is stricter than sqlglot's.
"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import sqlglot
from sqlglot import exp

FUNCTIONS = """
CREATE FUNCTION bq_unix_seconds(t timestamptz) RETURNS bigint IMMUTABLE LANGUAGE sql
  AS 'SELECT floor(extract(epoch FROM t))::bigint';
CREATE FUNCTION bq_unix_micros(t timestamptz) RETURNS bigint IMMUTABLE LANGUAGE sql
  AS 'SELECT floor(extract(epoch FROM t) * 1000000)::bigint';
CREATE FUNCTION bq_timestamp_seconds(s bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS 'SELECT to_timestamp(s)';
CREATE FUNCTION bq_timestamp_micros(s bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql
  AS 'SELECT timestamptz ''1970-01-01 00:00+00'' + s * interval ''1 microsecond''';
CREATE FUNCTION bq_timestamp(t timestamp) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS 'SELECT t AT TIME ZONE ''UTC''';
CREATE FUNCTION bq_timestamp(t date) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS 'SELECT t::timestamp AT TIME ZONE ''UTC''';
CREATE FUNCTION bq_timestamp(t text) RETURNS timestamptz LANGUAGE sql SET timezone = 'UTC' AS 'SELECT t::timestamptz';
CREATE FUNCTION bq_json_type(j jsonb) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT jsonb_typeof(j)';
CREATE FUNCTION bq_json_keys(j jsonb, depth int) RETURNS text[] IMMUTABLE LANGUAGE sql
  AS 'SELECT array_agg(k) FROM jsonb_object_keys(CASE WHEN jsonb_typeof(j) = ''object'' THEN j ELSE ''{}'' END) AS k';
CREATE FUNCTION bq_json_value(j jsonb, place text[]) RETURNS text IMMUTABLE LANGUAGE sql
  AS 'SELECT CASE WHEN jsonb_typeof(j #> place) IN (''string'', ''number'', ''boolean'') THEN j #>> place END';
CREATE FUNCTION bq_json_query(j jsonb, place text[]) RETURNS jsonb IMMUTABLE LANGUAGE sql AS 'SELECT j #> place';
CREATE FUNCTION bq_to_json(x anyelement) RETURNS jsonb IMMUTABLE LANGUAGE sql AS 'SELECT to_jsonb(x)';
CREATE FUNCTION bq_to_json_string(x anyelement) RETURNS text IMMUTABLE LANGUAGE sql
  AS 'SELECT coalesce(to_json(x)::text, ''null'')';
"""
_RENAMED: dict[type[exp.Expression], str] = {
    exp.UnixSeconds: "bq_unix_seconds", exp.UnixMicros: "bq_unix_micros", exp.Timestamp: "bq_timestamp",
    exp.JSONType: "bq_json_type", exp.JSONKeysAtDepth: "bq_json_keys",
}  # fmt: skip
_EXTRACTING: dict[type[exp.Expression], str] = {exp.JSONExtractScalar: "bq_json_value", exp.JSONExtract: "bq_json_query"}
_TYPES = {
    "text": "STRING", "varchar": "STRING", "name": "STRING", "int4": "INTEGER", "int8": "INTEGER", "float8": "FLOAT",
    "numeric": "NUMERIC", "bool": "BOOLEAN", "date": "DATE", "timestamp": "DATETIME", "timestamptz": "TIMESTAMP", "jsonb": "JSON",
}  # fmt: skip
_PARAMETER_TYPES = {"TIMESTAMP": "timestamptz", "INT64": "bigint", "BOOL": "boolean", "DATE": "date", "STRING": "text"}


def translated(sql: str, parameters: dict[str, tuple[str, str | None]]) -> str:
    """The GoogleSQL statement in PostgreSQL, its parameters written into it."""

    def changed(node: exp.Expression) -> exp.Expression:
        if type(node) in _RENAMED:
            arguments = [node.this, *(one for one in (node.expression,) if one is not None)]
            return exp.Anonymous(this=_RENAMED[type(node)], expressions=arguments)
        if type(node) in _EXTRACTING:
            keys = [exp.Literal.string(part.this) for part in node.expression.find_all(exp.JSONPathKey)]
            return exp.Anonymous(
                this=_EXTRACTING[type(node)], expressions=[node.this, exp.cast(exp.Array(expressions=keys), "text[]")]
            )
        if isinstance(node, exp.JSONFormat):
            name = "bq_to_json" if node.args.get("to_json") else "bq_to_json_string"
            return exp.Anonymous(this=name, expressions=[node.this])
        if isinstance(node, exp.UnixToTime):
            is_micros = node.args.get("scale") is not None and node.args["scale"].name == "6"
            return exp.Anonymous(this="bq_timestamp_micros" if is_micros else "bq_timestamp_seconds", expressions=[node.this])
        if isinstance(node, exp.Mod):
            return exp.Anonymous(this="mod", expressions=[_bare(node.this), _bare(node.expression)])
        if isinstance(node, exp.Parameter):
            kind, value = parameters[node.name]
            return exp.cast(exp.null() if value is None else exp.Literal.string(value), _PARAMETER_TYPES[kind])
        return node

    tree = sqlglot.parse_one(sql, read="bigquery")
    for node in reversed(list(tree.walk())):  # from the inside out, so that no replacement hides what is inside of it
        fresh = changed(node)
        if fresh is not node:
            node.replace(fresh)
    return tree.sql("postgres")


def _bare(node: exp.Expression) -> exp.Expression:
    return node.this if isinstance(node, exp.Paren) else node


class BigQueryFake(ThreadingHTTPServer):
    """Serves one project and dataset from the database behind `url`; `statements` counts what ran (dry runs apart)."""

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = url
        self.answers: dict[str, dict[str, Any]] = {}
        self.statements: list[str] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Where the client is to ask."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def run(self, sql: str, *, is_dry: bool) -> dict[str, Any]:
        """Schema and rows as the service writes them."""
        with psycopg.connect(self.url, options="-c default_transaction_read_only=on -c TimeZone=America/New_York") as session:
            cursor = session.execute(f"SELECT * FROM ({sql}) AS described LIMIT 0" if is_dry else sql)
            fields = [_field(session, column) for column in cursor.description or ()]
            rows = [] if is_dry else [{"f": [_cell(value) for value in row]} for row in cursor.fetchall()]
        return {"schema": {"fields": fields}, "rows": rows}


def _field(session: psycopg.Connection[Any], column: psycopg.Column) -> dict[str, str]:
    found = session.adapters.types.get(column.type_code)
    assert found is not None
    is_array = column.type_code == found.array_oid
    return {"name": column.name, "type": _TYPES[found.name], "mode": "REPEATED" if is_array else "NULLABLE"}


def _cell(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"v": None}
        case bool():
            return {"v": str(value).lower()}
        case datetime() if value.tzinfo is not None:
            whole = int(value.replace(microsecond=0).timestamp())
            return {"v": str(whole * 1_000_000 + value.microsecond)}
        case datetime():
            return {"v": value.isoformat()}
        case list():
            return {"v": [_cell(one) for one in value]}
        case dict():
            return {"v": json.dumps(value)}
        case _:
            return {"v": str(value)}


class _Handler(BaseHTTPRequestHandler):
    server: BigQueryFake

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["configuration"]
        query = asked["query"]
        parameters = {
            one["name"]: (one["parameterType"]["type"], one["parameterValue"].get("value"))
            for one in query.get("queryParameters", ())
        }
        job_id, is_dry = uuid.uuid4().hex, bool(asked.get("dryRun"))
        try:
            found = self.server.run(translated(query["query"], parameters), is_dry=is_dry)
        except psycopg.errors.UndefinedColumn as error:
            name = str(error).split('"')[1] if '"' in str(error) else str(error).split()[1]
            self.fail(400, "invalidQuery", f"Unrecognized name: {name.rpartition('.')[2]} at [1:8]")
            return
        except psycopg.errors.UndefinedTable:
            self.fail(404, "notFound", "Not found: Table p:d.nowhere was not found in location US")
            return
        except (psycopg.Error, sqlglot.ParseError) as error:
            self.fail(400, "invalidQuery", str(error))
            return
        if not is_dry:
            self.server.statements.append(query["query"])
        self.server.answers[job_id] = found
        statistics = {"statementType": "SELECT", "totalBytesProcessed": "1000", "schema": found["schema"]}
        self.answer(
            {
                "jobReference": {"projectId": "p", "jobId": job_id, "location": "US"},
                "configuration": {**asked, "jobType": "QUERY"},
                "status": {"state": "DONE"},
                "statistics": {"query": statistics, "totalBytesProcessed": "1000"},
            }
        )

    def do_GET(self) -> None:
        job_id = self.path.partition("?")[0].rpartition("/queries/")[2]
        found = self.server.answers[job_id]
        reference = {"projectId": "p", "jobId": job_id, "location": "US"}
        self.answer({"jobReference": reference, "jobComplete": True, "totalRows": str(len(found["rows"])), **found})

    def fail(self, status: int, reason: str, message: str) -> None:
        self.answer({"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}, status)

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
