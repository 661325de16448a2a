"""Data sources as pages, routes and scans see them. No value of a secret is in any of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class TestStatus(StrEnum):
    """How the last test of a connection ended."""

    __test__ = False  # no test class, whatever its name says

    SUCCESS = "success"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DataSourceView:
    """A data source. Secret entries of `extra_params` hold a mask."""

    id: str
    name: str
    db_type: str
    is_builtin: bool
    host: str
    port: int
    database_name: str
    username: str
    password_set: bool
    timeout_seconds: int | None
    extra_params: Mapping[str, object] | None
    last_test_at: datetime | None
    last_test_status: TestStatus | None
    last_test_message: str | None
    created_at: datetime
    updated_at: datetime

    def without_details(self) -> DataSourceView:
        """What those may see who are no owner in a browser session: that it exists and whether it works (contract section 3)."""
        return replace(
            self,
            host="",
            port=0,
            database_name="",
            username="",
            password_set=False,
            timeout_seconds=None,
            extra_params=None,
            last_test_message=None,
        )


@dataclass(frozen=True, slots=True)
class DataSourceFields:
    """A whole connection as somebody typed it. Masked secrets stand for the stored ones."""

    name: str
    db_type: str
    host: str
    port: int
    database_name: str
    username: str = ""
    password: str = ""
    timeout_seconds: int | None = None
    extra_params: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """How a test ended; `message` is a sentence without addresses and names."""

    success: bool
    message: str
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class ThroughputPoint:
    """Rows counted in the bucket that starts at `bucket` (UTC)."""

    bucket: datetime
    count: int


@dataclass(frozen=True, slots=True)
class DataSourceStats:
    """What scans of a source counted lately; zeros for a source that nobody scans."""

    events_tracked: int
    volume_window: int
    window_hours: int
    throughput: list[ThroughputPoint]


@dataclass(frozen=True, slots=True)
class DependentScan:
    """A scan config that goes away with its source."""

    id: str
    name: str
    project_name: str
