"""What channels declare is what is stored and asked for."""

from __future__ import annotations

from dataclasses import fields

import pytest

from app.alerting.contracts import DestinationFields
from app.alerting.declarations import CLEARABLE, DECLARATIONS, FIELDS, SECRETS
from app.alerting.pages.destination_form import LONGEST_VALUE, written_fields
from app.alerting.vocabulary import DestinationType
from jobs.channels import CHANNELS
from models.alerting import AlertDestination


def test_every_channel_declares_its_fields_and_every_field_belongs_to_one_channel():
    declared = [name for names in FIELDS.values() for name in names]

    assert set(DECLARATIONS) == set(DestinationType) == set(CHANNELS)
    assert sorted(declared) == sorted(one.name for one in fields(DestinationFields))


@pytest.mark.parametrize("name", [name for names in FIELDS.values() for name in names])
def test_a_field_has_a_column_and_a_secret_only_a_sealed_one(name):
    columns = AlertDestination.model_fields

    assert (f"sealed_{name}" in columns, name in columns) == (name in SECRETS, name not in SECRETS)


def test_only_optional_fields_that_are_no_secret_can_be_emptied():
    assert not CLEARABLE & SECRETS
    assert {"webhook_header_name", "jira_issue_type"} <= CLEARABLE and "chat_id" not in CLEARABLE


def test_a_form_gives_only_the_fields_of_its_channel():
    form = {"webhook_url": "x" * 10_000, "bot_token": "1:a", "name": "Ops"}

    assert written_fields(DestinationType.SLACK, form) == DestinationFields(webhook_url="x" * LONGEST_VALUE)
