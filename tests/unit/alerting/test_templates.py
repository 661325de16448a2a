"""Templates that people write and values that senders of events write: neither gets further than it should."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from app.alerting import messages
from app.alerting.contracts import Candidate, RuleSpec
from app.alerting.templates import ITEM_VARIABLES, MESSAGE_VARIABLES, render, shown, unknown_variables
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType, MessageFormat

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
HOSTILE = '<b onclick="x">*_[a](http://evil.example)`</b> & <!channel>\r\n# Heading ${rule_name}'


def context(message_format: MessageFormat = MessageFormat.PLAIN, channel: DestinationType = DestinationType.WEBHOOK, **rule):
    return messages.Context(
        base_url="https://plumbline.example",
        project_name="Shop",
        project_slug="shop",
        channel=channel,
        destination_id="d",
        destination_name="Ops",
        rule_id="r",
        rule=RuleSpec(name="Drops", message_format=message_format, **rule),
        scan_id="s",
        scan_name="Hourly",
    )


def item(name: str = "paid") -> messages.Item:
    one = Candidate(AlertScope.EVENT, "e", name, NOW, AlertDirection.DROP, 10, 100, event_id="e")
    return messages.Item(one, *messages.paths_of("shop", one))


def about(scope: AlertScope, ref: str = "x", **more: str) -> messages.Item:
    one = Candidate(scope, ref, "paid", NOW, AlertDirection.DROP, 10, 100, **more)
    return messages.Item(one, *messages.paths_of("shop", one))


@pytest.mark.parametrize(
    "template",
    ["${rule_name.__class__}", "${__import__('os')}", "{rule_name}", "{{ 7*7 }}", "%(rule_name)s", "{% for a in b %}", "${"],
)  # fmt: skip
def test_a_template_is_text_and_is_never_evaluated(template):
    assert render(template, {"rule_name": "Drops"}, MessageFormat.PLAIN) == template


def test_names_that_do_not_exist_are_listed_once_in_their_order():
    template = "${b} ${rule_name} ${a} ${b} ${settings.secret_key} ${}"

    assert unknown_variables(template, MESSAGE_VARIABLES) == ["b", "a", "settings.secret_key", ""]


def test_a_value_that_looks_like_a_variable_is_not_filled_in_again():
    values = {"rule_name": "${scan_name}", "scan_name": "${rule_name}"}

    assert render("${rule_name} ${scan_name}", values, MessageFormat.PLAIN) == "${scan_name} ${rule_name}"


def test_an_event_name_that_looks_like_a_variable_stays_as_it_is_in_the_whole_message():
    assert "${rule_name}" in messages.rendered_message(context(), [item("${rule_name}")], 1)


@pytest.mark.parametrize("template", ["${" * 50_000, "${a" * 50_000, "$" * 100_000 + "{"])
def test_a_long_malformed_template_is_rendered_at_once(template):
    started = time.process_time()

    assert render(template, {}, MessageFormat.PLAIN) == template
    assert time.process_time() - started < 10


def test_html_for_telegram_holds_no_markup_of_a_value():
    text = messages.rendered_message(context(MessageFormat.TELEGRAM_HTML, DestinationType.TELEGRAM), [item(HOSTILE)], 1)

    assert "<b" not in text and "&lt;b onclick=&quot;x&quot;&gt;" in text and "&amp; &lt;!channel&gt;" in text


def test_markdown_for_telegram_escapes_every_reserved_character_of_values_and_of_our_own_text():
    text = messages.rendered_message(context(MessageFormat.TELEGRAM_MARKDOWNV2, DestinationType.TELEGRAM), [item(HOSTILE)], 1)

    bare = text.replace("\\\\", "")
    for place, character in enumerate(bare):
        if character in "_*[]()~`>#+-=|{}.!":
            assert bare[place - 1] == "\\", bare[max(0, place - 20) : place + 5]


def test_slack_gets_no_mention_or_link_from_a_value():
    text = messages.rendered_message(context(MessageFormat.SLACK_MRKDWN, DestinationType.SLACK), [item(HOSTILE)], 1)

    assert "<!channel>" not in text and "&lt;!channel&gt;" in text and "<" not in text


def test_markup_that_the_template_s_author_wrote_stays():
    rule = {"message_template": "<b>${rule_name}</b>\n${items_text}", "items_template": "<i>${scope_name}</i>"}
    made = context(MessageFormat.TELEGRAM_HTML, DestinationType.TELEGRAM, **rule)

    assert messages.rendered_message(made, [item("a<b")], 1) == "<b>Drops</b>\n<i>a&lt;b</i>"


def test_a_value_cannot_start_a_line_of_its_own():
    assert "\n" not in shown(HOSTILE) and "\r" not in shown("a\u2028b\x85c\r\nd")
    assert messages.rendered_message(context(), [item("a\n- Event b")], 1).count("\n- ") == 1


def test_a_subject_is_one_line_whatever_the_project_is_called():
    named = messages.Context(
        **{name: getattr(context(), name) for name in messages.Context.__slots__} | {"project_name": "Shop\r\nBcc: x@evil.example"}
    )

    assert "\n" not in messages.subject_of(named, 1) and "\r" not in messages.subject_of(named, 1)


@pytest.mark.parametrize("channel", DestinationType)
def test_a_message_about_ten_thousand_scopes_fits_the_channel_and_tells_how_many_are_left_out(channel):
    text = messages.rendered_message(context(channel=channel), [item("x" * 200)] * 10_000, 10_000)

    assert len(text) <= messages.LONGEST_TEXT[channel] and "more" in text.splitlines()[-1]


def test_every_variable_of_an_item_has_a_value():
    template = "|".join(f"${{{name}}}" for name in sorted(ITEM_VARIABLES))

    assert "${" not in messages.rendered_item(context(items_template=template), item())


def test_numbers_are_shown_without_decimals_when_whole_and_with_one_otherwise():
    assert [shown(value) for value in (3.0, 3.25, 0, None, NOW)] == ["3", "3.2", "0", "", "2026-11-25 09:00 UTC"]


@pytest.mark.parametrize(
    ("item_", "details", "monitoring"),
    [
        (about(AlertScope.PROJECT_TOTAL), "/p/shop", "/p/shop/monitoring"),
        (about(AlertScope.EVENT_TYPE, event_type_id="t"), "/p/shop/event-types/t", "/p/shop/monitoring?series=event_type%2Ft"),
        (about(AlertScope.EVENT, event_type_id="t", event_id="e"), "/p/shop/events/e", "/p/shop/monitoring?series=event%2Fe"),
        (about(AlertScope.SCHEMA, event_type_id="t"), "/p/shop/event-types/t", "/p/shop/monitoring?series=event_type%2Ft"),
    ],
    ids=lambda value: value.candidate.scope_type.value if isinstance(value, messages.Item) else "",
)
def test_an_item_leads_to_its_thing_and_to_its_series(item_, details, monitoring):
    text = messages.rendered_item(context(), item_)

    assert (item_.details_path, item_.monitoring_path) == (details, monitoring)
    assert f"Details: https://plumbline.example{details}\n" in f"{text}\n"
    assert f"Monitoring: https://plumbline.example{monitoring}\n" in f"{text}\n"


def test_a_message_about_one_series_leads_to_it_and_one_about_several_to_the_inbox():
    total, paid = about(AlertScope.PROJECT_TOTAL), about(AlertScope.EVENT, event_id="e")

    assert messages.snapshot_of(context(), [paid, paid])["link"] == "https://plumbline.example/p/shop/monitoring?series=event%2Fe"
    assert messages.snapshot_of(context(), [total, paid])["link"] == "https://plumbline.example/p/shop/inbox"
    assert messages.snapshot_of(context(), [])["link"] == "https://plumbline.example/p/shop/inbox"
