"""The forms of who else is told, and of where a member is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.alerting.escalation import Escalation
from app.alerting.pages.contact import contact_of_form
from app.alerting.pages.rule_routing import routing_of_form, said
from app.alerting.service import Contact, Routing

NAMES = {"a": "Lead", "b": "On call"}


@pytest.mark.parametrize(
    ("form", "routing", "words"),
    [
        ({}, Routing(), "Everything goes to the destination. Nobody else is told when nobody answers."),
        ({"owners": "yes", "after": "30", "steps": "2"}, Routing(True), "Owners are told about what they own"),
        (
            {"first": "a", "second": "b", "after": "90", "steps": "2", "quiet": "yes"},
            Routing(False, Escalation(timedelta(minutes=90), 2, ("a", "b"), ignores_quiet_hours=True)),
            "for 1\u00a0h 30\u00a0min, Lead and On call are told, at most 2 times, also in quiet hours.",
        ),
        (
            {"first": "a", "second": "a", "after": "5", "steps": "1"},
            Routing(False, Escalation(timedelta(minutes=5), 1, ("a",))),
            "for 5\u00a0min, Lead is told, once.",
        ),
    ],
)
def test_a_form_becomes_a_routing_and_a_sentence(form, routing, words):
    assert routing_of_form(form) == routing
    assert words in said(routing, NAMES)


@pytest.mark.parametrize("text", ["", "x", "-5", "9" * 30])
def test_a_wait_that_is_no_number_is_left_to_the_service_to_refuse(text):
    assert routing_of_form({"first": "a", "after": text, "steps": "1"}).escalation.after == timedelta(0)


def test_an_address_counts_only_where_mail_is_chosen():
    assert contact_of_form({"place": "", "email": "a@b.co"}) == Contact()
    assert contact_of_form({"place": "d", "email": "a@b.co"}) == Contact(destination_id="d")
    assert contact_of_form({"place": "mail", "email": " a@b.co "}) == Contact(email="a@b.co")
