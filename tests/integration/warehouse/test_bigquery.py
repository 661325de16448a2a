"""The real client of BigQuery against a small server of our own: pricing first, bounds on bytes and rows, no endless retries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.warehouse.bigquery_link import BigQueryLink
from app.warehouse.contracts import QueryFailed, ScanQuery, SourceConnection, TooManyRows
from app.warehouse.faults import ConnectionFault, FaultKind
from app.warehouse.opening import on_bigquery

bigquery = pytest.importorskip("google.cloud.bigquery")

FIELDS = [
    {"name": "plumbline_0", "type": "STRING", "mode": "NULLABLE"},
    {"name": "plumbline_1", "type": "INTEGER", "mode": "NULLABLE"},
]
FIELDS += [{"name": "plumbline_2", "type": "INTEGER", "mode": "NULLABLE"}]


class Service(ThreadingHTTPServer):
    """What the server answers and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bytes, self.kind, self.row_count, self.failure = 1_000, "SELECT", 2, 0
        self.asked: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        schema = {"fields": [{"name": "name", "type": "STRING"}, {"name": "time", "type": "TIMESTAMP"}]}
        if "/queries/" in self.path:
            self.rows()
        elif "/tables/" in self.path:
            self.answer({"tableReference": {"projectId": "p", "datasetId": "d", "tableId": "events"}, "schema": schema})
        elif self.path.partition("?")[0].endswith("/tables"):
            self.answer({"tables": [{"tableReference": {"projectId": "p", "datasetId": "d", "tableId": "events"}}]})
        else:
            self.answer({"datasetReference": {"projectId": "p", "datasetId": "d"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.failure:
            self.answer({"error": {"code": self.server.failure, "message": "secret text"}}, self.server.failure)
            return
        configuration = body["configuration"]
        self.server.asked.append(configuration)
        query = {"statementType": self.server.kind, "totalBytesProcessed": str(self.server.bytes), "schema": {"fields": FIELDS[:1]}}
        self.answer(
            {
                "jobReference": {"projectId": "p", "jobId": "j", "location": "US"},
                "configuration": {**configuration, "jobType": "QUERY"},
                "status": {"state": "DONE"},
                "statistics": {"query": query, "totalBytesProcessed": str(self.server.bytes)},
            }
        )

    def rows(self) -> None:
        rows = [{"f": [{"v": f"name {index}"}, {"v": "3"}, {"v": None}]} for index in range(self.server.row_count)]
        self.answer(
            {
                "jobReference": {"projectId": "p", "jobId": "j", "location": "US"},
                "jobComplete": True,
                "schema": {"fields": FIELDS},
                "totalRows": str(len(rows)),
                "rows": rows,
            }
        )

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def link(service) -> Iterator[BigQueryLink]:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials

    client = bigquery.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://127.0.0.1:{service.server_address[1]}"),
    )
    connection = SourceConnection("bigquery", "p", database_name="d", extra_params={"maximum_bytes_billed": 20_000_000})
    opened = BigQueryLink(connection, 5, client)
    yield opened
    opened.close()


def test_a_query_is_priced_before_it_runs_and_runs_below_the_limit(link, service):
    groups = on_bigquery(link).groups(ScanQuery("SELECT name FROM events", timeout_seconds=5), None)
    assert sum(group.count for group in groups) > 0 or groups == []
    *priced, ran = service.asked
    assert all(asked["dryRun"] for asked in priced) and not ran.get("dryRun")
    assert ran["query"]["maximumBytesBilled"] == "20000000" and ran["query"]["useLegacySql"] is False


def test_a_query_that_would_read_too_much_never_runs(link, service):
    service.bytes = 20_000_001
    with pytest.raises(QueryFailed, match="more bytes"):
        link.rows("SELECT 1", {}, most=1, timeout_seconds=5)
    assert all(asked["dryRun"] for asked in service.asked)


def test_a_statement_that_writes_never_runs(link, service):
    service.kind = "DELETE"
    with pytest.raises(QueryFailed, match="Only reading"):
        link.rows("DELETE FROM events WHERE true", {}, most=1, timeout_seconds=5)
    assert all(asked["dryRun"] for asked in service.asked)


def test_rows_beyond_the_limit_are_too_many(link, service):
    service.row_count = 4
    with pytest.raises(TooManyRows):
        link.rows("SELECT 1", {}, most=3, timeout_seconds=5)


@pytest.mark.parametrize(("status", "kind"), [(401, FaultKind.AUTH), (503, FaultKind.BUSY), (500, FaultKind.LOST)])
def test_a_failing_service_is_given_up_in_time(link, service, status, kind):
    service.failure = status
    began = time.monotonic()
    with pytest.raises(ConnectionFault) as fault:
        link.rows("SELECT 1", {}, most=1, timeout_seconds=2)
    assert time.monotonic() - began < 20
    assert fault.value.kind in (kind, FaultKind.TIMEOUT) and "secret" not in fault.value.message


def test_tables_of_the_dataset_are_listed(link, service):
    service.row_count = 1
    (table,) = link.tables()
    assert (table.name, [column.name for column in table.columns]) == ("events", ["name", "time"])
    link.check()
