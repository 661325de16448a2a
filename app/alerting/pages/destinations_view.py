"""What the pages of destinations show: the list, and one destination with its form, its rules and its last test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.contracts import DestinationView, RuleView
from app.alerting.declarations import DECLARATIONS
from app.alerting.delivery_contracts import DeliveryView, TrialResult
from app.alerting.pages.words import channel_title, delivery_state
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from components.format import ago, iso_utc, local_time

_FLAGS = {
    "apprise_url": "apprise_url_set",
    "webhook_url": "webhook_set",
    "bot_token": "bot_token_set",
    "target_url": "target_url_set",
    "webhook_header_value": "webhook_header_value_set",
    "jira_api_token": "jira_api_token_set",
    "linear_api_key": "linear_api_key_set",
}


@dataclass(frozen=True)
class DestinationRow:
    """One destination as the list shows it; `delivery_state` is empty when nothing was ever sent there."""

    id: str
    href: str
    name: str
    channel: str
    is_enabled: bool
    test_status: str
    test_message: str
    tested: str
    tested_iso: str
    delivery_state: str
    delivery_href: str
    delivered: str
    delivered_iso: str
    delivery_note: str
    rules: str


@dataclass(frozen=True)
class RuleLine:
    """A rule that uses the destination."""

    name: str
    state: str
    href: str


@dataclass(frozen=True)
class TestView:
    """How a test message fared."""

    status: str = ""
    message: str = ""
    when: str = ""
    iso: str = ""


@dataclass(frozen=True)
class DestinationDetail:
    """A destination as its page shows it.

    `filled` is what the form shows and holds no secret; `stored` tells which secrets there are.
    """

    id: str = ""
    name: str = ""
    kind: str = "slack"
    channel: str = ""
    is_enabled: bool = True
    filled: dict[str, str] = field(default_factory=dict)
    stored: dict[str, bool] = field(default_factory=dict)
    facts: list[list[str]] = field(default_factory=list)
    rules: list[RuleLine] = field(default_factory=list)
    test: TestView = TestView()
    deliveries_href: str = ""


def destination_rows(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> list[DestinationRow]:
    """The project's destinations, newest first. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    newest = alerting.newest_deliveries(session, actor, slug)
    found = alerting.list_destinations(session, actor, slug)
    return [_row(view, newest.get(view.id), slug, zone, now) for view in found]


def destination_detail(session: Session, actor: Actor, slug: str, destination_id: str, zone: ZoneInfo) -> DestinationDetail:
    """One destination. Errors: NotFound."""
    now, view = SYSTEM_CLOCK.now(), alerting.get_destination(session, actor, slug, destination_id)
    declared = DECLARATIONS[view.type].fields
    values = {one.name: str(getattr(view, one.name) or "") for one in declared if not one.is_secret}
    stored = {one.name: bool(getattr(view, _FLAGS[one.name])) for one in declared if one.is_secret}
    shown = {**values, **{name: "stored" if is_set else "" for name, is_set in stored.items()}}
    return DestinationDetail(
        id=view.id,
        name=view.name,
        kind=view.type.value,
        channel=channel_title(view.type),
        is_enabled=view.enabled,
        filled={"name": view.name, **values},
        stored=stored,
        facts=[[one.label, shown[one.name] or "–"] for one in declared],
        rules=[_rule_line(rule, slug, now) for rule in view.rules],
        test=stored_test(view, zone, now),
        deliveries_href=ui_paths.project_deliveries(slug, destination=view.id),
    )


def empty_detail() -> DestinationDetail:
    """The page of a destination that is still to be made."""
    return DestinationDetail(name="New destination")


def stored_test(view: DestinationView, zone: ZoneInfo, now: datetime) -> TestView:
    """The last test of the destination as it is stored."""
    if view.last_test_at is None:
        return TestView()
    when = local_time(view.last_test_at, zone, now=now)
    return TestView(view.last_test_status or "", view.last_test_message or "", when, iso_utc(view.last_test_at))


def shown_test(result: TrialResult, zone: ZoneInfo) -> TestView:
    """The test that has just ended."""
    when = local_time(result.tested_at, zone, now=result.tested_at, seconds=True)
    return TestView("success" if result.is_sent else "failed", result.message, when, iso_utc(result.tested_at))


def consequences_of(view: DestinationDetail) -> list[str]:
    """What goes away with the destination."""
    lost = [f"Rule “{rule.name}”, with what it remembers" for rule in view.rules]
    return lost or ["No rule uses it."]


def _row(view: DestinationView, delivery: DeliveryView | None, slug: str, zone: ZoneInfo, now: datetime) -> DestinationRow:
    count = len(view.rules)
    told_at = None if delivery is None else delivery.sent_at or delivery.updated_at
    return DestinationRow(
        id=view.id,
        href=ui_paths.project_destination(slug, view.id),
        name=view.name,
        channel=channel_title(view.type),
        is_enabled=view.enabled,
        test_status=view.last_test_status or "",
        test_message=view.last_test_message or "",
        tested="" if view.last_test_at is None else ago(view.last_test_at, now),
        tested_iso=iso_utc(view.last_test_at),
        delivery_state="" if delivery is None else delivery_state(delivery),
        delivery_href="" if delivery is None else ui_paths.project_delivery(slug, delivery.id),
        delivered="" if told_at is None else local_time(told_at, zone, now=now),
        delivered_iso=iso_utc(told_at),
        delivery_note="" if delivery is None else delivery.error_message or "",
        rules="no rule" if count == 0 else f"{count} rule{'' if count == 1 else 's'}",
    )


def _rule_line(rule: RuleView, slug: str, now: datetime) -> RuleLine:
    is_muted = rule.muted_until is not None and rule.muted_until > now
    state = "off" if not rule.spec.enabled else "muted" if is_muted else "on"
    return RuleLine(rule.spec.name, state, ui_paths.project_rule(slug, rule.id))
