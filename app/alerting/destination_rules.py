"""What a destination of each channel must look like (contract 12.1). Pure, apart from the resolver handed in."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from app.alerting import apprise_rules
from app.alerting.contracts import DestinationFields
from app.alerting.declarations import FIELDS, SECRETS
from app.alerting.templates import SUBJECT_VARIABLES, unknown_variables
from app.alerting.vocabulary import DestinationType
from app.kernel.errors import InvalidInput
from app.kernel.outbound import Outbound, OutboundFailed, OutboundKind, is_public

SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
MOST_RECIPIENTS = 50
MOST_LABELS = 20
LONGEST_SUBJECT = 500
LONGEST_SECRET = 4096
LOOKUP_SECONDS = 2.0
EXCEPTIONS = "; an operator can name exceptions in PLUMBLINE_OUTBOUND_ALLOW"

_ADDRESSES = {
    DestinationType.WEBHOOK: "target_url",
    DestinationType.JIRA: "jira_base_url",
    DestinationType.APPRISE: "apprise_url",
}
_BOT_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_CHAT_ID = re.compile(r"-?\d{1,32}|@[A-Za-z][A-Za-z0-9_]{0,63}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}")
_PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,31}")
_LINEAR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


def blank_to_none(value: str | None) -> str | None:
    """The text without surrounding blanks; None for nothing."""
    trimmed = (value or "").strip()
    return trimmed or None


def checked(kind: DestinationType, fields: DestinationFields, outbound: Outbound) -> DestinationFields:
    """The fields of the channel in their stored form. InvalidInput at the first that is missing or malformed."""
    given = DestinationFields(**{name: blank_to_none(getattr(fields, name)) for name in FIELDS[kind]})
    for name in FIELDS[kind]:
        value = getattr(given, name)
        if name in SECRETS and value is not None and len(value) > LONGEST_SECRET:
            raise InvalidInput(f"must have at most {LONGEST_SECRET} characters", field=name)
    match kind:
        case DestinationType.SLACK:
            _check_slack(given)
        case DestinationType.TELEGRAM:
            _require_form(given, "bot_token", _BOT_TOKEN, "must look like 123456:token")
            _require_form(given, "chat_id", _CHAT_ID, "must be a number or @name")
        case DestinationType.WEBHOOK:
            _check_webhook(given, outbound)
        case DestinationType.EMAIL:
            given = _checked_email(given)
        case DestinationType.JIRA:
            given = _checked_jira(given, outbound)
        case DestinationType.LINEAR:
            given = _checked_linear(given)
        case DestinationType.APPRISE:
            apprise_rules.check(_require(given, "apprise_url"), outbound)
    return given


def check_resolved(kind: DestinationType, fields: DestinationFields, outbound: Outbound) -> None:
    """InvalidInput when the host's addresses are not public; a name that does not resolve now may do so later. Waits for DNS."""
    name = _ADDRESSES.get(kind)
    url = blank_to_none(getattr(fields, name)) if name else None
    if url is None:
        return
    try:
        place = _place(url) if kind is not DestinationType.APPRISE else apprise_rules.host_of(url)
        if place is not None:
            outbound.addresses(*place, seconds=LOOKUP_SECONDS)
    except OutboundFailed as failure:
        if failure.kind is OutboundKind.REFUSED_ADDRESS:
            raise InvalidInput(f"must lead to a public address{EXCEPTIONS}", field=name) from None
    except ValueError:
        return


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def _require(fields: DestinationFields, name: str) -> str:
    value: str | None = getattr(fields, name)
    if value is None:
        raise InvalidInput("is required for this kind of destination", field=name)
    return value


def _require_form(fields: DestinationFields, name: str, form: re.Pattern[str], rule: str) -> None:
    if not form.fullmatch(_require(fields, name)):
        raise InvalidInput(rule, field=name)


def _https(value: str, name: str, outbound: Outbound) -> SplitResult:
    """The address in its parts; plain HTTP only to what the allow-list names."""
    try:
        parts = urlsplit(value)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise InvalidInput("must be an https address", field=name) from None
    is_exempt = outbound.is_exempt(host, port or (80 if parts.scheme == "http" else 443))
    if _CONTROL.search(value) or " " in value or not host or parts.scheme not in ("https", "http"):
        raise InvalidInput("must be an https address", field=name)
    if parts.scheme == "http" and not is_exempt:
        raise InvalidInput(f"must be an https address{EXCEPTIONS}", field=name)
    if parts.username or parts.password:
        raise InvalidInput("must not hold a user name or password", field=name)
    if not is_exempt and not _may_be_public(host):
        raise InvalidInput(f"must lead to a public address{EXCEPTIONS}", field=name)
    return parts


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Numbers in other spellings (2130706433, 0x7f.1) mean an address to the system's resolver.
        return not re.fullmatch(r"(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*", host.lower())
    return is_public(host)


def _check_slack(fields: DestinationFields) -> None:
    parts = urlsplit(_require(fields, "webhook_url"))
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme != "https" or host not in SLACK_HOSTS or port not in (None, 443) or _CONTROL.search(fields.webhook_url or ""):
        raise InvalidInput("must be an https address at hooks.slack.com", field="webhook_url")


def _check_webhook(fields: DestinationFields, outbound: Outbound) -> None:
    _https(_require(fields, "target_url"), "target_url", outbound)
    name, value = fields.webhook_header_name, fields.webhook_header_value
    if (name is None) != (value is None):
        missing = "webhook_header_name" if name is None else "webhook_header_value"
        raise InvalidInput("a header needs both a name and a value", field=missing)
    if name is not None and value is not None:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
            raise InvalidInput("must be the name of a header that is not set by the sender", field="webhook_header_name")
        if _CONTROL.search(value) or not value.isascii():
            raise InvalidInput("must be printable ASCII text", field="webhook_header_value")


def checked_address(text: str, name: str) -> str:
    """The mail address in its usual form. InvalidInput at the field `name` for what is none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise InvalidInput(f"{text[:100]!r} is no mail address", field=name) from None


def _checked_email(fields: DestinationFields) -> DestinationFields:
    written = [part.strip() for part in _require(fields, "email_recipients").split(",") if part.strip()]
    unique: dict[str, str] = {}
    for one in written:
        address = checked_address(one, "email_recipients")
        unique.setdefault(address.lower(), address)
    recipients = list(unique.values())
    if not recipients:
        raise InvalidInput("needs at least one address", field="email_recipients")
    if len(recipients) > MOST_RECIPIENTS:
        raise InvalidInput(f"must have at most {MOST_RECIPIENTS} addresses", field="email_recipients")
    sender = fields.email_from_address
    template = fields.email_subject_template
    if template is not None:
        if len(template) > LONGEST_SUBJECT or _CONTROL.search(template) or len(template.splitlines()) > 1:
            raise InvalidInput(f"must be one line of at most {LONGEST_SUBJECT} characters", field="email_subject_template")
        unknown = unknown_variables(template, SUBJECT_VARIABLES)
        if unknown:
            raise InvalidInput(f"Unknown variables: {', '.join(unknown)}", field="email_subject_template")
    return replace(
        fields,
        email_recipients=", ".join(recipients),
        email_from_address=checked_address(sender, "email_from_address") if sender else None,
    )


def _checked_jira(fields: DestinationFields, outbound: Outbound) -> DestinationFields:
    base_url = _require(fields, "jira_base_url").rstrip("/")
    parts = _https(base_url, "jira_base_url", outbound)
    if parts.query or parts.fragment or len(base_url) > LONGEST_SUBJECT:
        raise InvalidInput("must be the address of the site alone", field="jira_base_url")
    email = checked_address(_require(fields, "jira_auth_email"), "jira_auth_email")
    token = _require(fields, "jira_api_token")
    if _CONTROL.search(token):
        raise InvalidInput("must not hold control characters", field="jira_api_token")
    key = _require(fields, "jira_project_key").upper()
    if not _PROJECT_KEY.fullmatch(key):
        raise InvalidInput("must be the key of a project, such as OPS", field="jira_project_key")
    issue_type = fields.jira_issue_type or "Task"
    if len(issue_type) > 64 or _CONTROL.search(issue_type):
        raise InvalidInput("must be one line of at most 64 characters", field="jira_issue_type")
    return replace(fields, jira_base_url=base_url, jira_auth_email=email, jira_project_key=key, jira_issue_type=issue_type)


def _checked_linear(fields: DestinationFields) -> DestinationFields:
    key = _require(fields, "linear_api_key")
    if _CONTROL.search(key) or not key.isascii() or " " in key:
        raise InvalidInput("must be a key without blanks", field="linear_api_key")
    _require_form(fields, "linear_team_id", _LINEAR_ID, "must be an id of at most 64 characters")
    if fields.linear_state_id is not None and not _LINEAR_ID.fullmatch(fields.linear_state_id):
        raise InvalidInput("must be an id of at most 64 characters", field="linear_state_id")
    labels = list(dict.fromkeys(part.strip() for part in (fields.linear_label_ids or "").split(",") if part.strip()))
    if len(labels) > MOST_LABELS:
        raise InvalidInput(f"must have at most {MOST_LABELS} ids", field="linear_label_ids")
    if not all(_LINEAR_ID.fullmatch(label) for label in labels):
        raise InvalidInput("must be ids of at most 64 characters", field="linear_label_ids")
    return replace(fields, linear_label_ids=", ".join(labels) or None)
