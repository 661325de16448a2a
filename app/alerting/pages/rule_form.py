"""The form of a rule: texts, switches and filters, to and from the rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.alerting.contracts import RuleFilter, RuleSpec
from app.alerting.pages.rule_words import every
from app.alerting.vocabulary import FilterField, FilterOperator, MessageFormat
from app.kernel.errors import InvalidInput

SCOPES: Final = (
    ("include_project_total", "Project total", "All events together"),
    ("include_event_types", "Event types", "Each type by itself"),
    ("include_events", "Events", "Each event by itself"),
    ("include_schema_drifts", "Schema drifts", "Properties that depart from the plan"),
    ("include_distribution_drifts", "Distribution drifts", "The mix of a watched property"),
    ("include_release_regressions", "Release regressions", "A release that sends less than the one before"),
)
"""Switches of what a rule is about: name, label, explanation."""
DIRECTIONS: Final = (("notify_on_spike", "Spikes"), ("notify_on_drop", "Drops"))
SWITCHES: Final = ("enabled", "ai_explanation_enabled", *(name for name, _, _ in SCOPES), *(name for name, _ in DIRECTIONS))
NUMBERS: Final = ("min_percent_delta", "min_absolute_delta", "min_expected_count")
MOST_PERCENT: Final = 10_000
"""A hundred times what was expected. The API takes any size; a person who enters more has slipped a digit."""
MOST_OF_A_DROP: Final = 100
MOST_COUNT: Final = 1_000_000_000_000
COOLDOWNS: Final = (60, 180, 360, 720, 1440, 2880, 4320, 10_080)
FIELDS: Final = ((FilterField.EVENT.value, "Event"), (FilterField.EVENT_TYPE.value, "Event type"))
OPERATORS: Final = ((FilterOperator.IN.value, "is one of"), (FilterOperator.NOT_IN.value, "is none of"))
FORMAT_WORDS: Final = {
    MessageFormat.PLAIN: "Plain text",
    MessageFormat.SLACK_MRKDWN: "Slack markup",
    MessageFormat.TELEGRAM_HTML: "Telegram HTML",
    MessageFormat.TELEGRAM_MARKDOWNV2: "Telegram MarkdownV2",
}


@dataclass(frozen=True)
class FilterDraft:
    """A filter as the form holds it: `choices` are the values that can still be added, `chosen` (value, text) those that are in."""

    about: str
    operator: str
    chosen: list[list[str]] = field(default_factory=list)
    choices: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class RuleDraft:
    """Everything the form holds."""

    texts: dict[str, str] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)
    filters: list[FilterDraft] = field(default_factory=list)


Choices = Mapping[str, Sequence[Sequence[str]]]
"""What filters can name, as (id, name) by field."""


def draft_of(spec: RuleSpec, destination_id: str, choices: Choices) -> RuleDraft:
    """The rule as a form. Filters on the direction come from the API only and are left as they are (`spec_of`)."""
    texts = {name: f"{getattr(spec, name):.15g}" for name in NUMBERS}
    texts |= {
        "name": spec.name,
        "destination_id": destination_id,
        "cooldown_minutes": str(spec.cooldown_minutes),
        "message_format": spec.message_format.value,
        "message_template": spec.message_template or "",
        "items_template": spec.items_template or "",
    }
    switches = {name: bool(getattr(spec, name)) for name in SWITCHES}
    shown = [one for one in spec.filters if one.field is not FilterField.DIRECTION]
    return RuleDraft(
        texts, switches, [filter_draft(one.field.value, _list_operator(one.operator), one.values, choices) for one in shown]
    )


def filter_draft(field_name: str, operator: str, values: Sequence[str], choices: Choices) -> FilterDraft:
    """A filter row with what it holds and what can still be added."""
    known = {one[0]: one[1] for one in choices.get(field_name, ())}
    chosen = [[value, known.get(value, "something deleted")] for value in values]
    left = [[value, name] for value, name in known.items() if value not in values]
    return FilterDraft(field_name, operator, chosen, [["", "Add …"], *left])


def changed_filter(
    one: FilterDraft, choices: Choices, *, about: str = "", operator: str = "", values: Sequence[str] | None = None
) -> FilterDraft:
    """The filter row with another field, operator or other values; what is not given stays."""
    kept = [value for value, _ in one.chosen] if values is None else values
    return filter_draft(about or one.about, operator or one.operator, kept, choices)


def values_without(one: FilterDraft, value: str) -> tuple[str, ...]:
    """The row's values, this one left out."""
    return tuple(other for other, _ in one.chosen if other != value)


def spec_of(draft: RuleDraft, stored: RuleSpec | None = None) -> RuleSpec:
    """The rule that the form describes, with what only the API sets taken from the stored one.

    Errors: InvalidInput for a number that is none or that nothing can reach, or for a format or filter nobody offered.
    """
    texts = draft.texts
    numbers = {name: _number(texts, name) for name in NUMBERS}
    _check_sizes(numbers, has_drops=bool(draft.switches.get("notify_on_drop")))
    try:
        message_format = MessageFormat(texts.get("message_format", "plain"))
        filters = tuple(
            RuleFilter(FilterField(one.about), FilterOperator(one.operator), tuple(value for value, _ in one.chosen))
            for one in draft.filters
            if one.chosen
        )
    except ValueError:
        raise InvalidInput("Choose one of the values offered") from None
    kept = tuple(one for one in stored.filters if one.field is FilterField.DIRECTION) if stored else ()
    changes: dict[str, Any] = {
        "name": texts.get("name", "").strip(),
        "cooldown_minutes": int(_number(texts, "cooldown_minutes")),
        "message_format": message_format,
        "message_template": texts.get("message_template") or None,
        "items_template": texts.get("items_template") or None,
        "filters": (*filters, *kept),
        **numbers,
        **{name: bool(draft.switches.get(name)) for name in SWITCHES},
    }
    return replace(stored or RuleSpec(name=""), **changes)


def cooldown_choices(current: str) -> list[list[str]]:
    """The spans on offer, with the one that is set now."""
    minutes = sorted({*COOLDOWNS, *([int(current)] if current.isdigit() and int(current) > 0 else [])})
    return [[str(one), f"Every {every(one)}"] for one in minutes]


def changes_of(spec: RuleSpec) -> dict[str, object]:
    """The whole rule as an edit of a stored one."""
    return {name: getattr(spec, name) for name in RuleSpec.__dataclass_fields__}


def _number(texts: Mapping[str, str], name: str) -> float:
    text = texts.get(name, "").strip().replace(",", "")
    try:
        value = float(text or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise InvalidInput("Enter a number of at least 0", field=name)
    return value


def _check_sizes(numbers: Mapping[str, float], *, has_drops: bool) -> None:
    percent = numbers["min_percent_delta"]
    if percent > MOST_PERCENT:
        raise InvalidInput(f"Enter at most {MOST_PERCENT:,} percent", field="min_percent_delta")
    if has_drops and percent > MOST_OF_A_DROP:
        message = f"Nothing drops by more than {MOST_OF_A_DROP} percent: enter less, or switch drops off"
        raise InvalidInput(message, field="min_percent_delta")
    for name in ("min_absolute_delta", "min_expected_count"):
        if numbers[name] > MOST_COUNT:
            raise InvalidInput(f"Enter at most {MOST_COUNT:,}", field=name)


def _list_operator(operator: FilterOperator) -> str:
    positive = operator in (FilterOperator.EQ, FilterOperator.IN)
    return (FilterOperator.IN if positive else FilterOperator.NOT_IN).value
