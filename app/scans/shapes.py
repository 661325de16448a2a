"""Bodies of the routes tagged scans, as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.kernel.clock import as_utc
from app.kernel.intervals import Interval
from app.kernel.text import PlainText
from app.scans.config_rules import DEFAULT_CARDINALITY_THRESHOLD, ConfigDraft
from app.scans.contracts import JobStatus
from app.scans.groups import GroupCondition, GroupRule, pattern_fault
from app.scans.service import PreviewRequest

MOST = 2**31 - 1
_NOT_NULL = frozenset({"name", "base_query", "cardinality_threshold"})


def _compiling(pattern: str) -> str:
    fault = pattern_fault(pattern)
    if fault is not None:
        raise ValueError(f"The pattern is no regular expression: {fault}")
    return pattern


Count = Annotated[int, Field(ge=1, le=MOST)]
Pattern = Annotated[PlainText, Field(min_length=1, max_length=500), AfterValidator(_compiling)]
FieldName = Annotated[PlainText, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Moment = Annotated[datetime, AfterValidator(as_utc)]


class EventGroupCondition(BaseModel):
    """A pattern that is searched in a field's value."""

    model_config = ConfigDict(from_attributes=True)

    field: FieldName
    pattern: Pattern


class EventGroupRule(BaseModel):
    """Events that become one."""

    model_config = ConfigDict(from_attributes=True)

    name: PlainText = Field(min_length=1, max_length=500)
    condition_logic: Literal["all", "any"] = "all"
    conditions: list[EventGroupCondition] = Field(min_length=1, max_length=20)

    def rule(self) -> GroupRule:
        """What the service takes."""
        conditions = tuple(GroupCondition(condition.field, condition.pattern) for condition in self.conditions)
        return GroupRule(self.name, conditions, self.condition_logic)


class ScanConfigCreate(BaseModel):
    """A scan config to make."""

    data_source_id: UUID
    event_type_id: UUID | None = None
    name: PlainText = Field(min_length=1, max_length=255)
    base_query: PlainText = Field(min_length=1)
    event_type_column: PlainText | None = None
    time_column: PlainText | None = None
    event_name_format: PlainText | None = None
    json_value_paths: list[PlainText] = []
    event_group_rules: list[EventGroupRule] = []
    metric_breakdown_columns: list[PlainText] = []
    metric_breakdown_values_limit: Count | None = None
    distribution_drift_fields: list[PlainText] = []
    cardinality_threshold: Count = DEFAULT_CARDINALITY_THRESHOLD
    interval: Interval | None = None
    replay_chunk_interval: Interval | None = None
    scan_lookback_hours: Count | None = None
    scan_row_limit: Count | None = None
    metrics_row_limit: Count | None = None
    app_version_column: PlainText | None = Field(None, min_length=1, max_length=255)
    app_version_keep_releases: Count | None = None

    def draft(self) -> ConfigDraft:
        """What the service takes, without the data source."""
        names = set(type(self).model_fields) - {"data_source_id"}
        return ConfigDraft(**_service_values({name: getattr(self, name) for name in names}))


class ScanConfigUpdate(BaseModel):
    """What to change; only the keys that are present count."""

    event_type_id: UUID | None = None
    name: PlainText | None = Field(None, min_length=1, max_length=255)
    base_query: PlainText | None = Field(None, min_length=1)
    event_type_column: PlainText | None = None
    time_column: PlainText | None = None
    event_name_format: PlainText | None = None
    json_value_paths: list[PlainText] | None = None
    event_group_rules: list[EventGroupRule] | None = None
    metric_breakdown_columns: list[PlainText] | None = None
    metric_breakdown_values_limit: Count | None = None
    distribution_drift_fields: list[PlainText] | None = None
    cardinality_threshold: Count | None = None
    interval: Interval | None = None
    replay_chunk_interval: Interval | None = None
    scan_lookback_hours: Count | None = None
    scan_row_limit: Count | None = None
    metrics_row_limit: Count | None = None
    app_version_column: PlainText | None = Field(None, max_length=255)
    app_version_keep_releases: Count | None = None

    def changes(self) -> dict[str, Any]:
        """What the service takes: a null empties what can be empty and leaves the rest alone."""
        present = {name: getattr(self, name) for name in self.model_fields_set}
        return _service_values({name: value for name, value in present.items() if value is not None or name not in _NOT_NULL})


def _service_values(values: dict[str, Any]) -> dict[str, Any]:
    for name in ("json_value_paths", "metric_breakdown_columns", "distribution_drift_fields"):
        if name in values:
            values[name] = tuple(values[name] or ())
    if "event_group_rules" in values:
        values["event_group_rules"] = tuple(rule.rule() for rule in values["event_group_rules"] or ())
    if values.get("event_type_id") is not None:
        values["event_type_id"] = str(values["event_type_id"])
    return values


class ScanConfigResponse(BaseModel):
    """A scan config."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    data_source_id: str
    project_id: str
    event_type_id: str | None
    name: str
    base_query: str
    event_type_column: str | None
    time_column: str | None
    event_name_format: str | None
    json_value_paths: list[str]
    event_group_rules: list[EventGroupRule]
    metric_breakdown_columns: list[str]
    metric_breakdown_values_limit: int | None
    distribution_drift_fields: list[str]
    cardinality_threshold: int
    interval: Interval | None
    replay_chunk_interval: Interval | None
    scan_lookback_hours: int | None
    scan_row_limit: int | None
    metrics_row_limit: int | None
    app_version_column: str | None
    app_version_keep_releases: int | None
    created_at: datetime
    updated_at: datetime


class ScanConfigPreviewRequest(BaseModel):
    """What to look at."""

    data_source_id: UUID
    base_query: PlainText = Field(min_length=1)
    limit: int = Field(10, ge=1, le=50)
    json_value_paths: list[PlainText] = []
    time_column: PlainText | None = Field(None, min_length=1, max_length=255)
    scan_lookback_hours: Count | None = None
    include_json_paths: bool = False

    def wanted(self) -> PreviewRequest:
        """What the service takes."""
        return PreviewRequest(
            data_source_id=str(self.data_source_id),
            base_query=self.base_query,
            limit=self.limit,
            json_value_paths=self.json_value_paths,
            time_column=self.time_column,
            scan_lookback_hours=self.scan_lookback_hours,
            include_json_paths=self.include_json_paths,
        )


class ScanPreviewColumn(BaseModel):
    """A column of the query."""

    name: str
    type_name: str
    is_nullable: bool


class ScanPreviewJsonPath(BaseModel):
    """A path inside a JSON column."""

    full_path: str
    path: str
    sample_values: list[str]


class ScanPreviewJsonColumn(BaseModel):
    """A JSON column with its paths."""

    column: str
    paths: list[ScanPreviewJsonPath]


class ScanConfigPreviewResult(BaseModel):
    """What a preview found."""

    columns: list[ScanPreviewColumn]
    rows: list[dict[str, Any]]
    json_columns: list[ScanPreviewJsonColumn]


class ScanPreviewJobResponse(BaseModel):
    """A preview; the result is there once it is completed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: ScanConfigPreviewResult | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime


class ScanDryRunJobResponse(BaseModel):
    """A dry run; the result is there once it is completed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: dict[str, Any] | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime


class ScanMetricsReplayRequest(BaseModel):
    """The range to count again; a time without a zone is UTC."""

    time_from: Moment
    time_to: Moment

    @model_validator(mode="after")
    def _must_span_time(self) -> Self:
        if self.time_from >= self.time_to:
            raise ValueError("time_from must be before time_to")
        return self


class ScanJobResponse(BaseModel):
    """One run."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    scan_config_id: str
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: dict[str, Any] | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
