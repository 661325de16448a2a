"""Bodies about destinations. No answer ever holds a secret."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator

from app.alerting.contracts import DestinationFields, DestinationView
from app.alerting.delivery_contracts import TrialResult
from app.alerting.shapes.rules import AlertRuleResponse, rule_response
from app.alerting.vocabulary import DestinationType
from app.kernel.text import PlainText

Kind = Annotated[DestinationType, BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)]


class _Channel(BaseModel):
    webhook_url: PlainText | None = None
    bot_token: PlainText | None = None
    chat_id: PlainText | None = None
    target_url: PlainText | None = None
    webhook_header_name: PlainText | None = None
    webhook_header_value: PlainText | None = None
    email_recipients: PlainText | None = None
    email_from_address: PlainText | None = None
    email_subject_template: PlainText | None = None
    jira_base_url: PlainText | None = None
    jira_auth_email: PlainText | None = None
    jira_api_token: PlainText | None = None
    jira_project_key: PlainText | None = None
    jira_issue_type: PlainText | None = None
    linear_api_key: PlainText | None = None
    linear_team_id: PlainText | None = None
    linear_state_id: PlainText | None = None
    linear_label_ids: PlainText | None = None
    apprise_url: PlainText | None = None

    def channel_fields(self) -> DestinationFields:
        """The fields of all channels as the service takes them."""
        return DestinationFields(**{one.name: getattr(self, one.name) for one in fields(DestinationFields)})


class AlertDestinationCreate(_Channel):
    """A destination to add."""

    type: Kind
    name: PlainText
    enabled: bool = True


class AlertDestinationUpdate(_Channel):
    """What to change of a destination."""

    name: PlainText | None = None
    enabled: bool | None = None

    def changes(self) -> dict[str, object]:
        """The keys that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class AlertDestinationTest(_Channel):
    """A destination to try before it is stored; with `destination_id` blank secrets come from the stored one."""

    type: Kind
    name: PlainText = ""
    destination_id: UUID | None = None


class AlertDestinationTestResponse(BaseModel):
    """How a test message fared. `kind` is null when it arrived."""

    success: bool
    message: str
    kind: str | None
    retry_after_seconds: float | None
    tested_at: datetime


class AlertDestinationResponse(BaseModel):
    """A destination with its rules; secrets only as whether they are set."""

    id: str
    project_id: str
    type: DestinationType
    name: str
    enabled: bool
    webhook_set: bool
    bot_token_set: bool
    chat_id: str | None
    target_url_set: bool
    webhook_header_name: str | None
    email_recipients: str | None
    email_from_address: str | None
    email_subject_template: str | None
    jira_base_url: str | None
    jira_auth_email: str | None
    jira_api_token_set: bool
    jira_project_key: str | None
    jira_issue_type: str | None
    linear_api_key_set: bool
    linear_team_id: str | None
    linear_state_id: str | None
    linear_label_ids: str | None
    rules: list[AlertRuleResponse]
    created_at: datetime
    updated_at: datetime


def destination_response(view: DestinationView) -> AlertDestinationResponse:
    """The wire form of a destination."""
    plain = {name: getattr(view, name) for name in AlertDestinationResponse.model_fields if name != "rules"}
    return AlertDestinationResponse(**plain, rules=[rule_response(rule) for rule in view.rules])


def trial_response(result: TrialResult) -> AlertDestinationTestResponse:
    """The wire form of a test's result."""
    return AlertDestinationTestResponse(
        success=result.is_sent,
        message=result.message,
        kind=result.kind,
        retry_after_seconds=result.retry_after_seconds,
        tested_at=result.tested_at,
    )
