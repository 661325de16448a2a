"""A rule in a plain sentence, and the words for what keeps it silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from app.alerting.contracts import RuleFilter, RuleSpec
from app.alerting.rules import Gate
from app.alerting.vocabulary import FilterField, FilterOperator
from components.format import duration

Names = Mapping[tuple[FilterField, str], str]
MOST_NAMED: Final = 3
_OPERATORS: Final = {
    FilterOperator.EQ: "is",
    FilterOperator.IN: "is one of",
    FilterOperator.NE: "is not",
    FilterOperator.NOT_IN: "is none of",
}
_FIELDS: Final = {
    FilterField.EVENT: "the event",
    FilterField.EVENT_TYPE: "the event type",
    FilterField.DIRECTION: "the direction",
}
_DEEDS: Final = {
    Gate.RULE_ENABLED: "The rule is switched on",
    Gate.DESTINATION_ENABLED: "The destination is switched on",
    Gate.SCOPE: "The rule is about this kind of thing",
    Gate.DIRECTION: "The rule is about this direction",
    Gate.EXPECTED_COUNT: "Enough was expected",
    Gate.ABSOLUTE_DELTA: "The count is far enough from the expected one",
    Gate.PERCENT_DELTA: "The share is far enough from the expected one",
    Gate.FILTERS: "Every filter holds",
    Gate.NOT_EXPECTED: "Nobody expects it",
    Gate.NOT_MUTED: "The rule is not muted",
    Gate.GROUP: "Nobody has settled it in the inbox",
    Gate.NOT_UNDER_WAY: "No message about it is on its way",
    Gate.NEWER_BUCKET: "The bucket is newer than the last one told",
    Gate.COOLDOWN: "The cooldown is over",
}
GATES: Final = {gate.value: words for gate, words in _DEEDS.items()}
"""What each gate asks for, as a statement that holds when it is open."""


def sentence(spec: RuleSpec, names: Names, destination: str) -> str:
    """What the rule does: "When an event drops by at least 20 %, tell Team; at most once every day about the same thing." """
    told = f"tell {destination}" if destination else "tell nobody yet"
    parts = [f"When {_subjects(spec)}, {told}"]
    if spec.cooldown_minutes > 0:
        parts.append(f"; at most once every {every(spec.cooldown_minutes)} about the same thing")
    conditions = [_condition(one, names) for one in spec.filters]
    only = f" Only where {_listed(conditions, 'and')}." if conditions else ""
    off = "" if spec.enabled else " It is switched off."
    return "".join(parts) + "." + only + off


def every(minutes: int) -> str:
    """A span as a rhythm: "day", "6 h", "90 min"."""
    whole = {1: "minute", 60: "hour", 1440: "day", 10_080: "week"}
    return whole.get(minutes) or duration(minutes * 60)


def _subjects(spec: RuleSpec) -> str:
    series = [
        words
        for is_in, words in (
            (spec.include_project_total, "the project total"),
            (spec.include_event_types, "an event type"),
            (spec.include_events, "an event"),
        )
        if is_in
    ]
    moves = "changes" if spec.notify_on_spike and spec.notify_on_drop else "rises" if spec.notify_on_spike else "drops"
    found = [f"{_listed(series, 'or')} {moves} unusually{_size(spec)}"] if series else []
    if spec.include_schema_drifts and spec.notify_on_spike:
        found.append("a property departs from the plan")
    if spec.include_distribution_drifts and spec.notify_on_spike:
        found.append("the mix of a watched property shifts")
    if spec.include_release_regressions and spec.notify_on_drop:
        found.append("a release sends less than the one before")
    return _listed(found, "or") if found else "nothing is chosen"


def _size(spec: RuleSpec) -> str:
    by = [
        text
        for is_set, text in (
            (spec.min_percent_delta > 0, f"{spec.min_percent_delta:g} %"),
            (spec.min_absolute_delta > 0, f"{spec.min_absolute_delta:,g}"),
        )
        if is_set
    ]
    least = f", by at least {' and '.join(by)}" if by else ""
    if spec.min_expected_count > 0:
        least += f", where at least {spec.min_expected_count:,g} were expected"
    return least


def _condition(one: RuleFilter, names: Names) -> str:
    shown = [
        names.get((one.field, value), "something deleted" if one.field is not FilterField.DIRECTION else value)
        for value in one.values
    ]
    more = len(shown) - MOST_NAMED
    listed = _listed([*shown[:MOST_NAMED], f"{more} more"] if more > 0 else shown, "or")
    return f"{_FIELDS[one.field]} {_OPERATORS[one.operator]} {listed or 'nothing chosen yet'}"


def _listed(parts: Sequence[str], last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def names_of(choices: Mapping[str, Sequence[Sequence[str]]]) -> Names:
    """Names by field and id, from the (id, name) choices of each field."""
    return {(FilterField(about), one[0]): one[1] for about, listed in choices.items() for one in listed}
