"""Templates of messages: `${variable}` in text that people write. Values are escaped for the format, the text is not."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from app.alerting.vocabulary import MessageFormat

Value = str | float | datetime | None
MESSAGE_VARIABLES = frozenset(
    {
        "project_name", "project_slug", "channel", "destination_name", "rule_name", "scan_name", "matched_count", "items_count",
        "items_text",
    }
)  # fmt: skip
ITEM_VARIABLES = frozenset(
    {
        "scope_name", "scope_type", "scope_label", "direction", "direction_label", "actual_count", "expected_count",
        "absolute_delta", "percent_delta", "bucket", "details_url", "monitoring_url", "details_line", "monitoring_line",
        "drift_field", "drift_type", "sample_value", "drift_line", "sparkline", "top_movers", "sparkline_line", "top_movers_line",
    }
)  # fmt: skip
SUBJECT_VARIABLES = frozenset({"project_name", "project_slug", "rule_name", "destination_name", "matched_count"})
DEFAULT_SUBJECT = "[${project_name}] ${rule_name} — ${matched_count} alert(s)"

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_MARKDOWNV2 = re.compile(r"([_*\[\]()~`>#+\-=|{}.!\\])")
_LINE_BREAKS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


class Marked(str):
    """Text that is marked up already and is taken as it is."""

    __slots__ = ()


def unknown_variables(template: str, known: Collection[str]) -> list[str]:
    """Names in the template that do not exist, in the order of their first use."""
    return list(dict.fromkeys(name for name in _VARIABLE.findall(template) if name not in known))


def escaper(message_format: MessageFormat) -> Callable[[str], str]:
    """How a value becomes text of the format that means nothing but itself."""
    match message_format:
        case MessageFormat.TELEGRAM_HTML:
            return html.escape
        case MessageFormat.TELEGRAM_MARKDOWNV2:
            return lambda text: _MARKDOWNV2.sub(r"\\\1", text)
        case MessageFormat.SLACK_MRKDWN:
            return lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        case MessageFormat.PLAIN:
            return str


def render(template: str, values: Mapping[str, Value], message_format: MessageFormat) -> str:
    """The template with its variables filled in; unknown ones stay as they are."""
    escape = escaper(message_format)

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            return found[0]
        value = values[name]
        return str(value) if isinstance(value, Marked) else escape(shown(value))

    return _VARIABLE.sub(fill, template)


def shown(value: Value) -> str:
    """A value as text without line breaks: whole numbers without decimals, others with one; instants in UTC."""
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        case int() | float():
            return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
        case _:
            return _LINE_BREAKS.sub(" ", value).replace("\n", " ")


def literal(text: str, message_format: MessageFormat) -> str:
    """Fixed text of ours in the format; variables in it stay variables."""
    escape = escaper(message_format)
    parts = _VARIABLE.split(text)
    return "".join(escape(part) if index % 2 == 0 else f"${{{part}}}" for index, part in enumerate(parts))


_MESSAGE = """Plumbline: ${matched_count} alert(s) in ${project_name}
Sent to ${destination_name} by ${channel}
Rule: ${rule_name}
Scan: ${scan_name}

${items_text}"""
_ITEM = (
    "- ${scope_label} ${scope_name}: ${direction_label}, actual=${actual_count}, expected=${expected_count}, "
    "delta=${absolute_delta} (${percent_delta}%)${drift_line}${details_line}${monitoring_line}${top_movers_line}${sparkline_line}"
)


def default_message(message_format: MessageFormat) -> str:
    """The template of messages whose rule has none."""
    return literal(_MESSAGE, message_format)


def default_item(message_format: MessageFormat) -> str:
    """The template of items whose rule has none."""
    return literal(_ITEM, message_format)
