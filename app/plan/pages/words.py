"""The closed sets of the plan as choices that people read, and small conversions between forms and drafts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.kernel.errors import InvalidInput
from app.plan.tokens import split_tokens
from app.presentation import STATUS_WORDS
from components.inline_edit import ValuePart

STATUS_CHOICES = list(STATUS_WORDS.items())
FIELD_TYPES = [
    ("string", "Text"),
    ("number", "Number"),
    ("boolean", "Yes or no"),
    ("enum", "One of a list"),
    ("url", "URL"),
    ("json", "JSON"),
]
META_TYPES = [("string", "Text"), ("url", "URL"), ("boolean", "Yes or no"), ("enum", "One of a list"), ("date", "Date")]
VARIABLE_TYPES = [
    ("string", "Text"),
    ("number", "Number"),
    ("boolean", "Yes or no"),
    ("date", "Date"),
    ("datetime", "Date and time"),
    ("json", "JSON"),
    ("string_array", "List of texts"),
    ("number_array", "List of numbers"),
]
SENSITIVITIES = [
    ("none", "Not sensitive"),
    ("pii", "Personal (PII)"),
    ("phi", "Health (PHI)"),
    ("financial", "Financial"),
    ("secret", "Secret"),
]
BRANCH_STATUSES = {
    "draft": "Draft",
    "ready_for_review": "Ready for review",
    "changes_requested": "Changes requested",
    "approved": "Approved",
    "merged": "Merged",
    "closed": "Closed",
}
BRANCH_TONES = {"ready_for_review": "warn", "changes_requested": "bad", "approved": "ok", "merged": "accent"}
FIELD_TYPE_WORDS, SENSITIVITY_WORDS = dict(FIELD_TYPES), dict(SENSITIVITIES)
META_TYPE_WORDS, VARIABLE_TYPE_WORDS = dict(META_TYPES), dict(VARIABLE_TYPES)
Form = Mapping[str, Any]


def text_of(form: Form, name: str) -> str:
    """A trimmed text of a form."""
    return str(form.get(name) or "").strip()


def lines_of(form: Form, name: str) -> list[str]:
    """The lines of a text that hold something, each once."""
    return list(dict.fromkeys(line.strip() for line in str(form.get(name) or "").splitlines() if line.strip()))


def tags_of(form: Form, name: str = "tags") -> list[str]:
    """Tags parted by commas."""
    return [tag.strip() for tag in str(form.get(name) or "").split(",") if tag.strip()]


def is_ticked(form: Form, name: str) -> bool:
    """Whether a box of a form is ticked."""
    return str(form.get(name, "")).lower() in ("on", "true", "1")


def number_of(form: Form, name: str) -> float | None:
    """A number of a form, None when blank. InvalidInput at the field when it is none."""
    text = text_of(form, name)
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("This must be a number", field=name) from None


def share_of(form: Form, name: str) -> float | None:
    """A percentage of a form as a share of 1, None when blank. InvalidInput at the field when it is none or outside 0 to 100."""
    value = number_of(form, name)
    if value is None:
        return None
    if not 0 <= value <= 100:
        raise InvalidInput("This must be between 0 and 100", field=name)
    return value / 100


def day_of(form: Form, name: str, zone: ZoneInfo) -> datetime | None:
    """The start of a day of the viewer's calendar as an instant, None when blank. InvalidInput at the field."""
    text = text_of(form, name)
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except ValueError:
        raise InvalidInput("This must be a date", field=name) from None


def plain(value: float | None, *, scale: float = 1) -> str:
    """A number as a form shows it; empty for None."""
    return "" if value is None else f"{value * scale:.10g}"


def parts_of(value: str) -> list[ValuePart]:
    """A value with its variables told apart."""
    return [ValuePart(text, is_variable) for text, is_variable in split_tokens(value)]


def plural(count: int, noun: str, many: str = "") -> str:
    """ "1 event", "3 events"."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
