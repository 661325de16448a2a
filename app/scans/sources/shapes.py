"""Bodies of the routes tagged data-sources, field by field as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.text import PlainText
from app.scans.sources.contracts import DataSourceView, TestStatus
from app.warehouse.declarations import DbType

Name = Annotated[PlainText, Field(min_length=1, max_length=255)]
Host = Annotated[PlainText, Field(min_length=1, max_length=500)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1)]


class DataSourceCreate(BaseModel):
    """A data source to add."""

    name: Name
    db_type: DbType
    host: Host
    port: Port = 8123
    database_name: Name
    username: PlainText = ""
    password: PlainText = ""
    timeout_seconds: Seconds | None = None
    extra_params: dict[str, Any] | None = None


class DataSourceUpdate(BaseModel):
    """What to change; absent keys leave their values alone, a null password keeps the stored one."""

    name: Name | None = None
    db_type: DbType | None = None
    host: Host | None = None
    port: Port | None = None
    database_name: Name | None = None
    username: PlainText | None = None
    password: PlainText | None = None
    timeout_seconds: Seconds | None = None
    extra_params: dict[str, Any] | None = None


class _Response(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DataSourceResponse(_Response):
    """A data source. No secret is ever part of it; only owners in a browser session see connection details."""

    id: str
    name: str
    db_type: DbType
    host: str
    port: int
    database_name: str
    username: str
    password_set: bool
    timeout_seconds: int | None
    extra_params: dict[str, Any] | None
    last_test_at: datetime | None
    last_test_status: TestStatus | None
    last_test_message: str | None
    created_at: datetime
    updated_at: datetime


class DataSourceThroughputPoint(_Response):
    """Rows counted in one bucket."""

    bucket: datetime
    count: int


class DataSourceStatsResponse(_Response):
    """What the source's scans counted in the window."""

    events_tracked: int
    volume_window: int
    window_hours: int
    throughput: list[DataSourceThroughputPoint]


class DataSourceColumn(_Response):
    """A column with the warehouse's own name of its type."""

    name: str
    data_type: str


class DataSourceTable(_Response):
    """A table or view."""

    name: str
    columns: list[DataSourceColumn]


class DataSourceSchemaResponse(BaseModel):
    """Everything the connection shows."""

    tables: list[DataSourceTable]


class DataSourceTestResponse(BaseModel):
    """How a test ended, and the source with that result."""

    success: bool
    message: str
    tested_at: datetime
    data_source: DataSourceResponse


def source_response(view: DataSourceView) -> DataSourceResponse:
    """The wire form of a data source."""
    return DataSourceResponse.model_validate(view)
