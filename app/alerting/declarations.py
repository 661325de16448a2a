"""What each channel needs to reach somebody: stored fields, secrets, and the form that people fill in follow from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.alerting.vocabulary import DestinationType


@dataclass(frozen=True, slots=True)
class ChannelField:
    """One thing to know about a destination. A secret is written, kept encrypted and never shown."""

    name: str
    label: str
    note: str = ""
    example: str = ""
    is_secret: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Declaration:
    """A channel as people see it."""

    kind: DestinationType
    title: str
    purpose: str
    fields: tuple[ChannelField, ...]


SLACK = Declaration(
    DestinationType.SLACK,
    "Slack",
    "Posts to one channel through an incoming webhook.",
    (
        ChannelField(
            "webhook_url",
            "Webhook address",
            "From the Slack app's page “Incoming Webhooks”.",
            "https://hooks.slack.com/services/…",
            is_secret=True,
        ),
    ),
)
TELEGRAM = Declaration(
    DestinationType.TELEGRAM,
    "Telegram",
    "Writes to a chat, group or channel as a bot.",
    (
        ChannelField("bot_token", "Bot token", "BotFather shows it when the bot is made.", "123456:ABC…", is_secret=True),
        ChannelField("chat_id", "Chat", "A number, negative for groups, or the @name of a public channel.", "-1001234567890"),
    ),
)
WEBHOOK = Declaration(
    DestinationType.WEBHOOK,
    "Webhook",
    "Posts JSON to an address of yours, signed as Standard Webhooks describes.",
    (
        ChannelField(
            "target_url",
            "Address",
            "An https address on the public internet. Redirects are not followed.",
            "https://example.com/alerts",
            is_secret=True,
        ),
        ChannelField("webhook_header_name", "Extra header", "Sent with every message.", "X-Api-Key", is_required=False),
        ChannelField("webhook_header_value", "Value of the header", is_secret=True, is_required=False),
    ),
)
EMAIL = Declaration(
    DestinationType.EMAIL,
    "Email",
    "Sends a mail through this instance's mail server.",
    (
        ChannelField(
            "email_recipients", "Recipients", "Addresses parted by commas, 50 at most.", "ops@example.com, on-call@example.com"
        ),
        ChannelField("email_from_address", "Sender", "The instance's own sender when empty.", is_required=False),
        ChannelField(
            "email_subject_template",
            "Subject",
            "May hold ${project_name}, ${project_slug}, ${rule_name}, ${destination_name} and ${matched_count}.",
            "[${project_name}] ${rule_name}",
            is_required=False,
        ),
    ),
)
JIRA = Declaration(
    DestinationType.JIRA,
    "Jira",
    "Creates an issue in Jira Cloud.",
    (
        ChannelField("jira_base_url", "Site", "The address of the site alone.", "https://example.atlassian.net"),
        ChannelField("jira_auth_email", "Account", "The mail address that the token belongs to."),
        ChannelField("jira_api_token", "API token", "From the account's page “Security”.", is_secret=True),
        ChannelField("jira_project_key", "Project key", example="OPS"),
        ChannelField("jira_issue_type", "Issue type", "Task when empty.", "Task", is_required=False),
    ),
)
LINEAR = Declaration(
    DestinationType.LINEAR,
    "Linear",
    "Creates an issue in a team of Linear.",
    (
        ChannelField("linear_api_key", "API key", "A personal key from “Security & access”.", "lin_api_…", is_secret=True),
        ChannelField("linear_team_id", "Team id"),
        ChannelField("linear_state_id", "State id", "The team's default when empty.", is_required=False),
        ChannelField("linear_label_ids", "Label ids", "Parted by commas, 20 at most.", is_required=False),
    ),
)

APPRISE = Declaration(
    DestinationType.APPRISE,
    "Apprise",
    "Writes to a service that Apprise knows: ntfy, Gotify, Discord, Mattermost, Rocket.Chat, Pushover, PagerDuty and others.",
    (
        ChannelField(
            "apprise_url",
            "Address",
            "As Apprise writes it, with the token in it. Redirects are not followed.",
            "ntfys://ntfy.example.com/alerts",
            is_secret=True,
        ),
    ),
)

DECLARATIONS: Final = {one.kind: one for one in (SLACK, TELEGRAM, WEBHOOK, EMAIL, JIRA, LINEAR, APPRISE)}


FIELDS: Final = {kind: tuple(field.name for field in one.fields) for kind, one in DECLARATIONS.items()}
"""The fields of each channel; all others are ignored."""

SECRETS: Final = frozenset(field.name for one in DECLARATIONS.values() for field in one.fields if field.is_secret)
"""Fields that rest encrypted and are never shown."""

CLEARABLE: Final = frozenset(
    field.name for one in DECLARATIONS.values() for field in one.fields if not (field.is_required or field.is_secret)
)
"""Fields that an empty value empties; an empty value of any other keeps what is stored."""
