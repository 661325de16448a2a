"""From what fired to the stored snapshot that every channel renders from (contract 12.5, 12.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app import ui_paths
from app.alerting.contracts import Candidate, RuleSpec
from app.alerting.templates import (
    DEFAULT_SUBJECT,
    Marked,
    Value,
    default_item,
    default_message,
    escaper,
    literal,
    render,
    shown,
)
from app.alerting.vocabulary import DIRECTION_LABELS, SCOPE_LABELS, DestinationType, MessageFormat

LONGEST_TEXT = {
    DestinationType.SLACK: 39_000,
    DestinationType.TELEGRAM: 4096,
    DestinationType.WEBHOOK: 200_000,
    DestinationType.EMAIL: 200_000,
    DestinationType.JIRA: 32_000,
    DestinationType.LINEAR: 100_000,
    DestinationType.APPRISE: 4000,
}
"""Characters of a message that each channel takes; items beyond are counted instead of shown."""

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Item:
    """A candidate with what is shown beside it."""

    candidate: Candidate
    details_path: str | None = None
    monitoring_path: str | None = None
    sparkline: str = ""
    top_movers: str = ""
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is about, beside its items."""

    base_url: str
    project_name: str
    project_slug: str
    channel: DestinationType
    destination_id: str
    destination_name: str
    rule_id: str
    rule: RuleSpec
    scan_id: str
    scan_name: str
    subject_template: str | None = None


def paths_of(slug: str, candidate: Candidate) -> tuple[str, str]:
    """Where a person reads more about the candidate, and where they watch its series."""
    details = ui_paths.project_overview(slug)
    if candidate.event_id is not None:
        details = ui_paths.project_event(slug, candidate.event_id)
    elif candidate.event_type_id is not None:
        details = ui_paths.project_event_type(slug, candidate.event_type_id)
    series = ""
    if candidate.event_id is not None:
        series = f"event/{candidate.event_id}"
    elif candidate.event_type_id is not None:
        series = f"event_type/{candidate.event_type_id}"
    return details, ui_paths.project_monitoring(slug, series=series)


def link_of(slug: str, items: Sequence[Item]) -> str:
    """Where the message leads: to the one series it is about, or to the inbox when it is about several."""
    watched = {item.monitoring_path for item in items}
    only = next(iter(watched)) if len(watched) == 1 else None
    return only or ui_paths.project_inbox(slug)


def sparkline(counts: Sequence[float]) -> str:
    """Counts as a row of bars, oldest first."""
    top = max(counts, default=0)
    if top <= 0:
        return ""
    return "".join(_BARS[min(len(_BARS) - 1, int(count / top * (len(_BARS) - 1) + 0.5))] for count in counts)


def rendered_item(context: Context, item: Item) -> str:
    """One item as text in the rule's format."""
    message_format = context.rule.message_format
    template = context.rule.items_template or default_item(message_format)
    return render(template, _item_values(context, item, message_format), message_format)


def rendered_message(context: Context, items: Sequence[Item], matched_count: int) -> str:
    """The message as text in the rule's format, with as many items as the channel takes."""
    limit = LONGEST_TEXT[context.channel]
    texts = [rendered_item(context, item) for item in items[:1000]]
    message_format = context.rule.message_format
    while True:
        left_out = len(items) - len(texts)
        rest = [escaper(message_format)(f"… and {left_out} more")] if left_out else []
        text = _message(context, "\n".join([*texts, *rest]), matched_count, len(items))
        if len(text) <= limit or not texts:
            return text
        kept = int(len(texts) * limit / len(text))
        texts = texts[: min(kept, len(texts) - 1)]


def snapshot_of(context: Context, items: Sequence[Item]) -> dict[str, object]:
    """Everything that any later attempt needs, without a secret."""
    return {
        "message_format": context.rule.message_format.value,
        "rendered_message": rendered_message(context, items, len(items)),
        "subject": subject_of(context, len(items)),
        "link": context.base_url + link_of(context.project_slug, items),
        "project": {"name": context.project_name, "slug": context.project_slug},
        "destination": {"id": context.destination_id, "name": context.destination_name},
        "rule": {"id": context.rule_id, "name": context.rule.name},
        "scan": {"id": context.scan_id, "name": context.scan_name},
        "matched_count": len(items),
        "items": [_item_payload(item) for item in items],
    }


def subject_of(context: Context, matched_count: int) -> str:
    """The one-line title of a mail or ticket."""
    values: dict[str, Value] = {
        "project_name": context.project_name,
        "project_slug": context.project_slug,
        "rule_name": context.rule.name,
        "destination_name": context.destination_name,
        "matched_count": matched_count,
    }
    return shown(render(context.subject_template or DEFAULT_SUBJECT, values, MessageFormat.PLAIN))


def _message(context: Context, items_text: str, matched_count: int, items_count: int) -> str:
    message_format = context.rule.message_format
    values: dict[str, Value] = {
        "project_name": context.project_name,
        "project_slug": context.project_slug,
        "channel": context.channel.value,
        "destination_name": context.destination_name,
        "rule_name": context.rule.name,
        "scan_name": context.scan_name,
        "matched_count": matched_count,
        "items_count": items_count,
        "items_text": Marked(items_text),
    }
    return render(context.rule.message_template or default_message(message_format), values, message_format)


def _item_values(context: Context, item: Item, message_format: MessageFormat) -> dict[str, Value]:
    candidate = item.candidate
    details_url = context.base_url + item.details_path if item.details_path else ""
    monitoring_url = context.base_url + item.monitoring_path if item.monitoring_path else ""
    drift = ", ".join(part for part in (candidate.drift_field, candidate.drift_type, candidate.sample_value) if part)

    def line(label: str, value: str) -> Marked:
        """An indented line, or nothing; its value is escaped here, because the line break must survive."""
        if not value:
            return Marked("")
        return Marked("\n  " + literal(f"{label}: ", message_format) + escaper(message_format)(shown(value)))

    return {
        "scope_name": candidate.scope_name,
        "scope_type": candidate.scope_type.value,
        "scope_label": SCOPE_LABELS[candidate.scope_type],
        "direction": candidate.direction.value,
        "direction_label": DIRECTION_LABELS[candidate.direction],
        "actual_count": candidate.actual,
        "expected_count": candidate.expected,
        "absolute_delta": candidate.absolute_delta,
        "percent_delta": candidate.percent_delta,
        "bucket": candidate.bucket,
        "details_url": details_url,
        "monitoring_url": monitoring_url,
        "details_line": line("Details", details_url),
        "monitoring_line": line("Monitoring", monitoring_url),
        "drift_field": candidate.drift_field,
        "drift_type": candidate.drift_type,
        "sample_value": candidate.sample_value,
        "drift_line": line("Drift", drift),
        "sparkline": item.sparkline,
        "top_movers": item.top_movers,
        "sparkline_line": line("Trend", item.sparkline),
        "top_movers_line": line("Top movers", item.top_movers),
    }


def _item_payload(item: Item) -> dict[str, object]:
    candidate = item.candidate
    return {
        "scope_type": candidate.scope_type.value,
        "scope_ref": candidate.scope_ref,
        "scope_name": candidate.scope_name,
        "event_type_id": candidate.event_type_id,
        "event_id": candidate.event_id,
        "bucket": _iso(candidate.bucket),
        "direction": candidate.direction.value,
        "actual_count": round(candidate.actual),
        "expected_count": round(candidate.expected),
        "absolute_delta": round(candidate.absolute_delta),
        "percent_delta": candidate.percent_delta,
        "details_path": item.details_path,
        "monitoring_path": item.monitoring_path,
        "drift_field": candidate.drift_field,
        "drift_type": candidate.drift_type.value if candidate.drift_type else None,
        "sample_value": candidate.sample_value,
        "correlation_group_id": item.group_id,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
