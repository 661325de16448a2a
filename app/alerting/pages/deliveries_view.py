"""What the pages of deliveries show: the history, and one delivery with its message as it was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.delivery_contracts import DeliveryItemView, DeliveryView
from app.alerting.pages.words import channel_title, delivery_state, kind_of
from app.alerting.vocabulary import DIRECTION_LABELS, SCOPE_LABELS, DeliveryStatus
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from components.format import ago, deviation, full_number, iso_utc, local_time

PAGE_SIZE = 50
MOST_ITEMS = 200
_FAILURES = {"dns": "name not found", "tls": "TLS", "status": "refused by its status"}
"""Kinds of failure that do not speak for themselves."""
_FORMATS = {
    "slack_mrkdwn": "marked up for Slack",
    "telegram_html": "marked up for Telegram as HTML",
    "telegram_markdownv2": "marked up for Telegram as MarkdownV2",
}


@dataclass(frozen=True)
class DeliveryRow:
    """A delivery as a line."""

    href: str
    made: str
    made_iso: str
    rule: str
    kind: str
    destination: str
    channel: str
    state: str
    note: str
    attempts: str
    scopes: str


@dataclass(frozen=True)
class DeliveriesView:
    """A page of the history; `destinations` are the choices of the filter."""

    rows: list[DeliveryRow] = field(default_factory=list)
    total: int = 0
    destinations: list[list[str]] = field(default_factory=list)
    has_destinations: bool = False


@dataclass(frozen=True)
class ItemRow:
    """One scope in a delivery; the links are empty when it was stored without."""

    name: str
    kind: str
    direction: str
    when: str
    iso: str
    size: str
    dropped: str
    details_href: str
    monitoring_href: str
    drift: str


@dataclass(frozen=True)
class DeliveryDetail:
    """One delivery. `message` is text and shown as such, whatever markup it holds."""

    id: str = ""
    title: str = ""
    kind: str = ""
    state: str = ""
    facts: list[list[str]] = field(default_factory=list)
    destination_href: str = ""
    rule_href: str = ""
    error: str = ""
    drill_href: str = ""
    subject: str = ""
    message: str = ""
    message_format: str = ""
    ticket: str = ""
    ticket_href: str = ""
    scopes: list[ItemRow] = field(default_factory=list)
    scopes_note: str = ""
    is_live: bool = False
    may_retry: bool = False
    may_redeliver: bool = False


def deliveries_view(
    session: Session, actor: Actor, slug: str, *, state: str, destination_id: str, page: int, zone: ZoneInfo
) -> DeliveriesView:
    """A page of the project's deliveries, newest first; `state` is one of STATES or empty. Errors: NotFound."""
    now, known = SYSTEM_CLOCK.now(), alerting.list_destinations(session, actor, slug)
    wanted = alerting.DeliveryFilter(
        status="failed" if state in ("dead", "dropped") else state or None,
        is_given_up={"dead": True, "failed": False}.get(state),
        is_kept_back={"dead": False, "dropped": True}.get(state),
        with_drills=True,
        destination_id=destination_id or None,
    )
    found = alerting.list_deliveries(session, actor, slug, wanted, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    choices = [[view.id, view.name] for view in known]
    if destination_id and destination_id not in {view.id for view in known}:
        choices.append([destination_id, next((one.destination_name for one in found.items), "A deleted destination")])
    return DeliveriesView(
        rows=[_row(one, slug, zone, now) for one in found.items],
        total=found.total,
        destinations=[["", "All destinations"], *choices],
        has_destinations=bool(known),
    )


def delivery_detail(session: Session, actor: Actor, slug: str, delivery_id: str, zone: ZoneInfo) -> DeliveryDetail:
    """One delivery with its message. Errors: NotFound."""
    now, view = SYSTEM_CLOCK.now(), alerting.get_delivery(session, actor, slug, delivery_id)
    snapshot, state = view.payload_snapshot or {}, delivery_state(view)
    destinations = alerting.list_destinations(session, actor, slug)
    known = {one.id for one in destinations} | {rule.id for one in destinations for rule in one.rules}
    is_drill = view.kind == "drill"
    may_edit = actor.role in (UserRole.EDITOR, UserRole.OWNER) and not is_drill
    ticket, ticket_href = _ticket(snapshot)
    items = view.items[:MOST_ITEMS]
    left_out = len(view.items) - len(items)
    return DeliveryDetail(
        id=view.id,
        title=f"{view.rule_name} to {view.destination_name}",
        kind=kind_of(view.kind, view.rule_name),
        state=state,
        facts=_facts(view, state, zone, now),
        destination_href=ui_paths.project_destination(slug, view.destination_id) if view.destination_id in known else "",
        rule_href=ui_paths.project_rule(slug, view.rule_id) if view.rule_id in known else "",
        error=view.error_message or "",
        drill_href=ui_paths.project_fire_drill(slug) if is_drill else "",
        subject=_text(snapshot, "subject"),
        message=_text(snapshot, "rendered_message"),
        message_format=_FORMATS.get(_text(snapshot, "message_format"), ""),
        ticket=ticket,
        ticket_href=ticket_href,
        scopes=[_item(one, zone, now) for one in items],
        scopes_note=f"The first {MOST_ITEMS}; {full_number(left_out)} more are not shown." if left_out else "",
        is_live=view.status is DeliveryStatus.PENDING and not (view.held_until and view.held_until > now),
        may_retry=may_edit and view.status is DeliveryStatus.FAILED,
        may_redeliver=may_edit and view.status is DeliveryStatus.SENT and view.channel not in alerting.MAKES_TICKETS,
    )


def _row(view: DeliveryView, slug: str, zone: ZoneInfo, now: datetime) -> DeliveryRow:
    state = delivery_state(view)
    return DeliveryRow(
        href=ui_paths.project_delivery(slug, view.id),
        made=local_time(view.created_at, zone, now=now),
        made_iso=iso_utc(view.created_at),
        rule=view.rule_name,
        kind=kind_of(view.kind, view.rule_name),
        destination=view.destination_name,
        channel=channel_title(view.channel),
        state=state,
        note=_note(view, state, now),
        attempts=str(view.attempt_count),
        scopes=full_number(view.matched_count),
    )


def _note(view: DeliveryView, state: str, now: datetime) -> str:
    error = view.error_message or ""
    match state:
        case "sent":
            return "" if view.sent_at is None else ago(view.sent_at, now)
        case "pending":
            return (
                "under way"
                if view.held_until is None or view.held_until <= now
                else f"held back, leaves {ago(view.held_until, now)}"
            )
        case "failed":
            return f"{error}; next try {ago(view.next_attempt_at, now)}"
        case _:
            return error


def _facts(view: DeliveryView, state: str, zone: ZoneInfo, now: datetime) -> list[list[str]]:
    def at(moment: datetime | None) -> str:
        return "" if moment is None else f"{local_time(moment, zone, now=now, seconds=True)} ({ago(moment, now)})"

    next_try = {
        "dead": "none: it is sent again only when somebody asks",
        "dropped": "none: there was nothing left to tell",
        "sent": "none: it arrived",
    }
    facts = [
        ["Channel", channel_title(view.channel)],
        ["Rule", view.rule_name],
        ["Scan", view.scan_name],
        ["Made", at(view.created_at)],
        ["Attempts", str(view.attempt_count)],
        ["Sent", at(view.sent_at)],
        ["Next try", next_try.get(state) or at(view.next_attempt_at) or "at once"],
        ["Kind of failure", _FAILURES.get(view.error_kind or "", (view.error_kind or "").replace("_", " "))],
        ["Id", view.id],
    ]
    return [fact for fact in facts if fact[1]]


def _item(view: DeliveryItemView, zone: ZoneInfo, now: datetime) -> ItemRow:
    drift = " · ".join(part for part in (view.drift_field, view.drift_type, view.sample_value) if part)
    return ItemRow(
        name=view.scope_name,
        kind=SCOPE_LABELS[view.scope_type],
        direction=DIRECTION_LABELS[view.direction],
        when=local_time(view.bucket, zone, now=now),
        iso=iso_utc(view.bucket),
        dropped=f"left out: {view.dropped_because}" if view.dropped_because else "",
        size=drift or deviation(view.actual_count, view.expected_count),
        details_href=_inside(view.details_path),
        monitoring_href=_inside(view.monitoring_path),
        drift=drift,
    )


def _ticket(snapshot: dict[str, Any]) -> tuple[str, str]:
    """The ticket's key, and its address when that is an address of the web."""
    ticket = snapshot.get("ticket")
    if not isinstance(ticket, dict):
        return "", ""
    key, url = str(ticket.get("key") or ""), str(ticket.get("url") or "")
    return key, url if url.startswith(("https://", "http://")) else ""


def _text(snapshot: dict[str, Any], name: str) -> str:
    value = snapshot.get(name)
    return value if isinstance(value, str) else ""


def _inside(path: str | None) -> str:
    """The path when it leads to a page of this instance."""
    return path if path is not None and path.startswith("/p/") else ""
