"""The words of alerting, as they stand on the wire (contract section 0)."""

from __future__ import annotations

from enum import StrEnum


class DestinationType(StrEnum):
    """Channels a message can go through. Apprise is there when its package is installed."""

    SLACK = "slack"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"
    EMAIL = "email"
    JIRA = "jira"
    LINEAR = "linear"
    APPRISE = "apprise"


class MessageFormat(StrEnum):
    """How the text of a message is marked up."""

    PLAIN = "plain"
    SLACK_MRKDWN = "slack_mrkdwn"
    TELEGRAM_HTML = "telegram_html"
    TELEGRAM_MARKDOWNV2 = "telegram_markdownv2"


class FilterField(StrEnum):
    """What a filter looks at."""

    EVENT_TYPE = "event_type"
    EVENT = "event"
    DIRECTION = "direction"


class FilterOperator(StrEnum):
    """How a filter compares."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"


class AlertScope(StrEnum):
    """What an alert can be about."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"
    SCHEMA = "schema"
    DISTRIBUTION = "distribution"
    RELEASE_REGRESSION = "release_regression"


class AlertDirection(StrEnum):
    """More or less than expected."""

    SPIKE = "spike"
    DROP = "drop"


class AlertDriftType(StrEnum):
    """What kind of drift an item is about."""

    NEW_FIELD = "new_field"
    MISSING_FIELD = "missing_field"
    TYPE_CHANGED = "type_changed"
    ENUM_VIOLATION = "enum_violation"
    REQUIRED_NULL_VIOLATION = "required_null_violation"
    REGEX_VIOLATION = "regex_violation"
    RANGE_VIOLATION = "range_violation"
    DISTRIBUTION_SHIFT = "distribution_shift"
    MISSING = "missing"
    VOLUME_DROP = "volume_drop"


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class MonitorStatus(StrEnum):
    """How a rule is doing."""

    FIRING = "firing"
    WARNING = "warning"
    HEALTHY = "healthy"


class GroupStatus(StrEnum):
    """What people decided about a correlation group."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MUTED = "muted"
    FALSE_POSITIVE = "false_positive"


class GroupAction(StrEnum):
    """What people can do with a correlation group."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    MUTE = "mute"
    REOPEN = "reopen"
    FALSE_POSITIVE = "false_positive"


SCOPE_LABELS = {
    AlertScope.PROJECT_TOTAL: "Project total",
    AlertScope.EVENT_TYPE: "Event type",
    AlertScope.EVENT: "Event",
    AlertScope.SCHEMA: "Schema drift",
    AlertScope.DISTRIBUTION: "Distribution drift",
    AlertScope.RELEASE_REGRESSION: "Release regression",
}
DIRECTION_LABELS = {AlertDirection.SPIKE: "up", AlertDirection.DROP: "down"}
SERIES_SCOPES = frozenset({AlertScope.PROJECT_TOTAL, AlertScope.EVENT_TYPE, AlertScope.EVENT})
FORMATS = {
    DestinationType.SLACK: (MessageFormat.PLAIN, MessageFormat.SLACK_MRKDWN),
    DestinationType.TELEGRAM: (MessageFormat.PLAIN, MessageFormat.TELEGRAM_HTML, MessageFormat.TELEGRAM_MARKDOWNV2),
}
"""Formats of the channels that have a choice; all others send plain text."""
