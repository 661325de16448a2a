"""Activity: what happened in the project lately, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.page_states import LoadedState, page_body
from app.projects import activity
from app.projects.contracts import ActivityItem, ActivitySeverity, ActivityType
from app.ui import page
from components import badge, empty_state, link_button, page_header, section, segmented, text_link, time_text, toolbar
from components.format import ago, day_text, iso_utc
from components.shell import Crumb

MOST: Final = 100
KINDS: Final = {"": "All", "anomaly": "Anomalies", "scan": "Scans", "alert": "Alerts", "event": "Plan"}
_WORDS: Final = {
    ActivityType.ANOMALY: "anomaly",
    ActivityType.SCAN: "scan",
    ActivityType.ALERT: "alert",
    ActivityType.EVENT: "plan",
}
_TONES: Final = {ActivitySeverity.HIGH: "bad", ActivitySeverity.MEDIUM: "warn", ActivitySeverity.LOW: "neutral"}


@dataclass(frozen=True)
class ActivityRow:
    """One thing that happened."""

    kind: str
    tone: str
    title: str
    detail: str
    when: str
    iso: str
    href: str


@dataclass(frozen=True)
class ActivityDay:
    """A day of the feed."""

    day: str
    rows: list[ActivityRow]


def activity_view(session: Session, actor: Actor, slug: str, kind: str, zone: ZoneInfo) -> list[ActivityDay]:
    """The newest entries by day, of one kind when it is named. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    found = activity.project_activity(session, actor, slug, limit=MOST, kind=ActivityType(kind) if kind else None)
    days = groupby(found, key=lambda item: day_text(item.occurred_at, zone, now))
    return [ActivityDay(day, [_row(item, now) for item in items]) for day, items in days]


def _row(item: ActivityItem, now: datetime) -> ActivityRow:
    return ActivityRow(
        kind=_WORDS[item.type],
        tone=_TONES[item.severity],
        title=item.title,
        detail=item.detail,
        when=ago(item.occurred_at, now),
        iso=iso_utc(item.occurred_at),
        href=item.target_path or "",
    )


class ActivityState(LoadedState):
    """The feed of the open project; the kind lives in the address."""

    days: list[ActivityDay] = []
    kind: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(self._slug()):
            self.days = []
            yield
        kind = self.router.url.query_parameters.get("kind", "")
        self.kind = kind if kind in KINDS else ""
        with self._loading():
            await self._enter()
            self.days = await self._read(activity_view, self._slug(), self.kind, self._zone())

    @rx.event
    def choose_kind(self, kind: str) -> EventSpec:
        """Only one kind, or all."""
        return rx.redirect(ui_paths.project_activity(self._slug(), kind), replace=True)


@page(route="/p/[slug]/activity", title="Activity · Plumbline", on_load=ActivityState.load)
def activity_page() -> rx.Component:
    """The page."""
    state: Any = ActivityState
    return project_frame(
        page_header("Activity", note="Anomalies, scans, alerts and changes of the plan, newest first."),
        page_body(
            state,
            toolbar(segmented(list(KINDS.items()), state.kind, state.choose_kind, label="Kind")),
            rx.cond(state.days.length() > 0, rx.foreach(state.days, _day), _empty(state)),
            on_retry=state.load,
        ),
        active="activity",
        crumbs=[Crumb("Activity")],
    )


def _day(day: Any) -> rx.Component:
    return section(day.day, rx.el.ul(rx.foreach(day.rows, _entry), class_name="activity-list"))


def _entry(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(badge(row.kind, row.tone), class_name="activity-kind"),
        rx.el.span(
            rx.cond(row.href != "", text_link(row.title, href=row.href), rx.el.span(row.title)),
            rx.el.span(row.detail, class_name="cell-sub"),
            class_name="activity-text",
        ),
        time_text(row.when, row.iso),
    )


def _empty(state: Any) -> rx.Component:
    return rx.cond(
        state.kind == "",
        empty_state(
            "Nothing happened yet",
            "Runs of scans, anomalies, alerts and changes of the plan are listed here.",
            link_button("Open scans", href=ui_paths.project_scans(slug_var())),
        ),
        empty_state(
            "Nothing of this kind yet",
            "Other things happened in this project.",
            link_button("Show all", href=ui_paths.project_activity(slug_var())),
        ),
    )
