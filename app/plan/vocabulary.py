"""The closed sets of words of the plan (contract section 0)."""

from __future__ import annotations

from enum import StrEnum


class FieldType(StrEnum):
    """What values a field of an event type takes."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"
    ENUM = "enum"
    URL = "url"


class MetaFieldType(StrEnum):
    """What values a meta field takes."""

    STRING = "string"
    URL = "url"
    BOOLEAN = "boolean"
    ENUM = "enum"
    DATE = "date"


class Sensitivity(StrEnum):
    """Why a value needs care."""

    NONE = "none"
    PII = "pii"
    PHI = "phi"
    FINANCIAL = "financial"
    SECRET = "secret"  # noqa: S105 - a sort of data, not a password


class VariableType(StrEnum):
    """What a variable stands for."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "json"
    STRING_ARRAY = "string_array"
    NUMBER_ARRAY = "number_array"


class ValueKind(StrEnum):
    """Whether the values of a variable's context are all of them (`low`) or samples (`high`)."""

    LOW = "low"
    HIGH = "high"


class AnnotationScope(StrEnum):
    """What the chart that an annotation belongs to is about."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"


class MoveDirection(StrEnum):
    """Which neighbour an event changes places with."""

    UP = "up"
    DOWN = "down"


class DriftStatus(StrEnum):
    """What people decided about a drift."""

    OPEN = "open"
    ACCEPTED = "accepted"
    SNOOZED = "snoozed"
    FALSE_POSITIVE = "false_positive"


class DriftAction(StrEnum):
    """What people can do with a drift."""

    ACCEPT = "accept"
    SNOOZE = "snooze"
    FALSE_POSITIVE = "false_positive"
    REOPEN = "reopen"
