"""Alerts of the inbox that are about no series: schema drifts, moved distributions and release regressions that were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from app.alerting.service.told import told_scopes
from app.alerting.vocabulary import SCOPE_LABELS, SERIES_SCOPES, AlertScope, GroupStatus
from app.detection.pages.inbox_rows import GROUP_ACTIONS, STATUS_WORDS
from app.identity.contracts import Actor
from components import Column, badge, button, data_table, section, time_text
from components.format import full_number, iso_utc, local_time

MOST_OTHERS = 30


@dataclass(frozen=True)
class OtherAlert:
    """A correlation group that is about no series."""

    group: str
    delivery_id: str
    kind: str
    names: str
    status: str
    status_words: str
    tone: str
    note: str
    count: str
    when: str
    iso: str


def other_alerts(
    session: Session, actor: Actor, slug: str, zone: ZoneInfo, now: datetime, *, assignee_id: str | None = None
) -> list[OtherAlert]:
    """The newest groups of the last 30 days that no incident stands for, latest delivery first; a member's own if one is named.

    Errors: NotFound.
    """
    found: dict[str, OtherAlert] = {}
    for (_, scope_type, _, _), told in told_scopes(session, actor, slug, now=now).items():
        scope, group = AlertScope(scope_type), told.group
        if assignee_id is not None and group.assignee_id != assignee_id:
            continue
        if scope in SERIES_SCOPES or group.correlation_group_id in found:
            continue
        deliveries = "delivery" if group.delivery_count == 1 else "deliveries"
        found[group.correlation_group_id] = OtherAlert(
            group=group.correlation_group_id,
            delivery_id=told.delivery_id,
            kind=SCOPE_LABELS[scope],
            names=", ".join(group.scope_names[:3]),
            status=group.status.value,
            status_words=STATUS_WORDS[group.status],
            tone="warn" if group.status is GroupStatus.OPEN else "neutral",
            note=group.note or "",
            count=f"{full_number(group.delivery_count)} {deliveries} to {', '.join(group.destination_names[:2])}",
            when=local_time(group.latest_delivery_at, zone, now=now),
            iso=iso_utc(group.latest_delivery_at),
        )
    return sorted(found.values(), key=lambda one: one.iso, reverse=True)[:MOST_OTHERS]


def other_alerts_section(state: Any) -> rx.Component:
    """The alerts as a table; nothing when there are none."""
    may_write = state.user_role != "viewer"
    table = data_table(
        [
            Column("About", lambda row: rx.el.span(row.names, rx.el.span(row.kind, class_name="cell-sub"))),
            Column("Status", lambda row: badge(row.status_words, row.tone), width="130px"),
            Column("Note", lambda row: row.note, secondary=True),
            Column(
                "Told",
                lambda row: rx.el.span(time_text(row.when, row.iso), rx.el.span(row.count, class_name="cell-sub")),
                secondary=True,
            ),
            Column("", lambda row: _actions(state, row, may_write)),
        ],
        state.view.others,
        caption="Alerts about no series",
        empty=rx.fragment(),
    )
    return rx.cond(state.view.others.length() > 0, section("Other alerts", table, note="drifts and releases"), rx.fragment())


def _actions(state: Any, row: Any, may_write: Any) -> rx.Component:
    return rx.el.span(
        *[
            rx.cond(
                may_write & (row.status != status),
                button(
                    words,
                    kind="quiet",
                    small=True,
                    aria_label=f"{words}: {row.names}",
                    on_click=state.act_on_alert(row.group, action),
                ),
                rx.fragment(),
            )
            for action, status, words in GROUP_ACTIONS
        ],
        button(
            "Message",
            kind="quiet",
            small=True,
            aria_label=f"Message as it was sent about {row.names}",
            on_click=state.show_message(row.delivery_id),
        ),
        class_name="row-actions",
    )
