"""Value types that the routes of detection share."""

from __future__ import annotations

from enum import StrEnum


class SignalScope(StrEnum):
    """Every kind of scope that the interface knows; signals of series have one of the first three."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"
    SCHEMA = "schema"
    DISTRIBUTION = "distribution"
    RELEASE_REGRESSION = "release_regression"
