"""A connection to BigQuery: queries are priced before they run, and run only below the byte limit. Needs the extra `bigquery`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from app.warehouse.contracts import QueryFailed, SourceConnection, TooManyRows
from app.warehouse.faults import ConnectionFault, FaultKind, fault_of
from app.warehouse.tables import MOST_COLUMNS, Table, TableColumn

MOST_BYTES_BILLED = 10_000_000_000
# "Unrecognized name: gone at [1:8]", with a suggestion after a semicolon where there is one.
_UNRECOGNIZED = re.compile(r"Unrecognized name: ([^\s;]+)")
_TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105
_SCOPES = ("https://www.googleapis.com/auth/bigquery.readonly",)


class BigQueryLink:
    """One client. Errors of every method: ConnectionFault, QueryFailed. `client` replaces the real one where that is not wanted."""

    def __init__(self, connection: SourceConnection, timeout_seconds: float, client: Any = None) -> None:
        self._limit = timeout_seconds
        self._project = connection.host
        self._dataset = connection.database_name
        self._most_bytes = _bytes_limit(connection.extra_params)
        self._client = client or _open(connection)

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Sequence[Any]]:
        """The statement's rows; TooManyRows beyond `most`. Refused without cost when it would read too many bytes."""
        with self._translating():
            priced = self._client.query(sql, job_config=self._config(parameters, dry_run=True), **self._bounds(timeout_seconds))
            if (priced.statement_type or "SELECT") != "SELECT":
                raise QueryFailed("The query tries to change data. Only reading is possible.")
            if (priced.total_bytes_processed or 0) > self._most_bytes:
                raise QueryFailed("The query would read more bytes than the data source allows.")
            job = self._client.query(sql, job_config=self._config(parameters, dry_run=False), **self._bounds(timeout_seconds))
            answer = job.result(page_size=5_000, max_results=most + 1, timeout=timeout_seconds, retry=self._retry(timeout_seconds))
            found: list[Sequence[Any]] = [tuple(row.values()) for row in islice(answer, most + 1)]
        if len(found) > most:
            raise TooManyRows(most)
        return found

    def describe(self, sql: str, *, timeout_seconds: float) -> list[tuple[str, str, str]]:
        """Names, types and modes of the answer's columns; reads nothing and costs nothing."""
        with self._translating():
            job = self._client.query(sql, job_config=self._config({}, dry_run=True), **self._bounds(timeout_seconds))
            return [(field.name, field.field_type, field.mode or "NULLABLE") for field in job.schema or ()]

    def tables(self) -> list[Table]:
        """Tables and views of the connection's dataset."""
        found: list[Table] = []
        with self._translating():
            for entry in self._client.list_tables(self._dataset, timeout=self._limit, retry=self._retry(self._limit)):
                table = self._client.get_table(entry.reference, timeout=self._limit, retry=self._retry(self._limit))
                columns = tuple(TableColumn(field.name, field.field_type) for field in table.schema)
                found.append(Table(entry.table_id, columns))
                if sum(len(one.columns) for one in found) > MOST_COLUMNS:
                    break
        return found

    def check(self) -> None:
        """A trivial query, and a look at the dataset."""
        self.rows("SELECT 1", {}, most=1, timeout_seconds=self._limit)
        with self._translating():
            self._client.get_dataset(self._dataset, timeout=self._limit, retry=self._retry(self._limit))

    def close(self) -> None:
        """Give the connections back; never raises."""
        self._client.close()

    def _config(self, parameters: Mapping[str, Any], *, dry_run: bool) -> Any:
        from google.cloud import bigquery

        values = [bigquery.ScalarQueryParameter(name, kind, value) for name, (kind, value) in parameters.items()]
        return bigquery.QueryJobConfig(
            dry_run=dry_run,
            use_legacy_sql=False,
            use_query_cache=not dry_run,
            maximum_bytes_billed=None if dry_run else self._most_bytes,
            default_dataset=bigquery.DatasetReference(self._project, self._dataset),
            query_parameters=values,
            labels={"application": "plumbline"},
        )

    def _bounds(self, timeout_seconds: float) -> dict[str, Any]:
        # Left alone the client repeats failed requests for ten minutes.
        retry = self._retry(timeout_seconds)
        return {"timeout": min(timeout_seconds, 60.0), "retry": retry, "job_retry": None}

    @staticmethod
    def _retry(timeout_seconds: float) -> Any:
        from google.cloud.bigquery import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(min(timeout_seconds, 30.0))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (QueryFailed, TooManyRows, ConnectionFault):
            raise
        except Exception as error:  # noqa: BLE001 - the client raises its own, requests' and the authentication's families
            raise _translated(error) from None


def _open(connection: SourceConnection) -> Any:
    try:
        from google.api_core.client_options import ClientOptions
        from google.cloud import bigquery
        from google.oauth2 import service_account
    except ImportError:
        raise ConnectionFault(FaultKind.DRIVER) from None
    try:
        account = json.loads(connection.password)
        # Where tokens are fetched is part of the file; only Google's own address gets the signed request.
        account["token_uri"] = _TOKEN_ADDRESS
        credentials = service_account.Credentials.from_service_account_info(account, scopes=_SCOPES)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, KeyError):
        raise ConnectionFault(FaultKind.CREDENTIALS) from None
    location = str(connection.extra_params.get("location") or "") or None
    options = ClientOptions(quota_project_id=None)
    return bigquery.Client(project=connection.host, credentials=credentials, location=location, client_options=options)


def _bytes_limit(params: Mapping[str, object]) -> int:
    try:
        return max(10_485_760, int(str(params.get("maximum_bytes_billed") or MOST_BYTES_BILLED)))
    except ValueError:
        return MOST_BYTES_BILLED


def _translated(error: Exception) -> Exception:
    code = getattr(error, "code", None)
    reasons = {str(entry.get("reason")) for entry in getattr(error, "errors", None) or () if isinstance(entry, dict)}
    name = type(error).__name__
    is_credential = type(error).__module__.startswith("google.auth") and name != "TransportError"
    if is_credential or code == 401:
        return ConnectionFault(FaultKind.AUTH)
    if reasons & {"bytesBilledLimitExceeded"}:
        return QueryFailed("The query would read more bytes than the data source allows.")
    if reasons & {"quotaExceeded", "rateLimitExceeded"} or code in (429, 503):
        return ConnectionFault(FaultKind.BUSY)
    if isinstance(error, TimeoutError) or name in ("RetryError", "Timeout", "ConnectTimeout", "ReadTimeout"):
        return ConnectionFault(FaultKind.TIMEOUT)
    sentences = {
        400: "The query is not valid in this database.",
        403: "The service account may not read what the query names.",
        404: "The query names a table or dataset that does not exist.",
    }
    if isinstance(code, int) and code in sentences:
        gone = _UNRECOGNIZED.search(str(error)) if code == 400 else None
        return QueryFailed(sentences[code], column=gone[1] if gone else None)
    return ConnectionFault(fault_of(error) or FaultKind.LOST)
