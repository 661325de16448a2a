"""Distribution: how the shares of the values of watched fields move, and which values moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection.pages.distribution_view import ALL, DistributionView, distribution_view
from app.detection.pages.pair_bars import pair_bars
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    link_button,
    page_header,
    row_link,
    section,
    segmented,
    select_input,
    toolbar,
)
from components.shell import Crumb

RANGES = {"3": "3 days", "14": "2 weeks", "60": "60 days"}
BANDS = (
    ("stable", "Stable, below 0.10"),
    ("minor", "Minor, below 0.25"),
    ("significant", "Significant, from 0.25 on"),
)


class DistributionState(LoadedState):
    """The scope, field and bucket in the address."""

    view: DistributionView = DistributionView()
    days: str = "14"
    scope: str = ALL

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = DistributionView()
            yield
        query = self.router.url.query_parameters
        self.days = query.get("days", "14") if query.get("days", "14") in RANGES else "14"
        self.scope = query.get("scope", ALL)[:64]
        opened, at = query.get("field", "")[:400], query.get("at", "")[:40]
        with self._loading():
            await self._enter()
            self.view = await self._read(distribution_view, slug, self.scope, opened, at, int(self.days), self._zone())

    @rx.event
    def choose_scope(self, scope: str) -> EventSpec:
        """All events or one event type."""
        return self._go(scope=scope, days=self.days)

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another span."""
        return self._go(scope=self.scope, days=days)

    def _go(self, *, scope: str, days: str) -> EventSpec:
        chosen = "" if scope == ALL else scope
        return rx.redirect(ui_paths.project_distribution(self._slug(), scope=chosen, days=days), replace=True)


@page(route="/p/[slug]/distribution", title="Distribution · Plumbline", on_load=DistributionState.load)
def distribution_page() -> rx.Component:
    """The page."""
    state: Any = DistributionState
    view = state.view
    return project_frame(
        page_header(
            "Distribution",
            note="How far the shares of a field's values are from those of the buckets before, as the population stability index.",
        ),
        page_body(
            state,
            rx.cond(
                view.watched == "",
                empty_state(
                    "No field is watched",
                    "Name fields in a scan whose values should keep their shares, such as a country, a currency or a platform.",
                    link_button("Open scans", href=ui_paths.project_scans(slug_var()), kind="primary"),
                ),
                _content(state),
            ),
            on_retry=state.load,
            what="event type",
        ),
        active="distribution",
        crumbs=[Crumb("Distribution")],
    )


def _content(state: Any) -> rx.Component:
    view = state.view
    return rx.fragment(
        toolbar(
            select_input(view.scopes, field_id="scope", label="Events", value=view.scope, on_change=state.choose_scope),
            segmented(list(RANGES.items()), state.days, state.choose_days, label="Span"),
        ),
        rx.cond(
            view.fields.length() > 0,
            rx.fragment(
                rx.el.ul(
                    *[
                        rx.el.li(rx.el.span(class_name=f"psi-key psi-key-{band}", aria_hidden="true"), words)
                        for band, words in BANDS
                    ],
                    class_name="psi-legend",
                ),
                rx.el.div(rx.foreach(view.fields, _field)),
                _bucket(view),
            ),
            empty_state(
                "Nothing can be compared in this span",
                rx.fragment("Watching ", view.watched, ". A bucket is compared once enough buckets before it have been counted."),
            ),
        ),
    )


def _field(row: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.link(
                row.field,
                href=row.href,
                class_name="link strong",
                underline="none",
                aria_current=rx.cond(row.is_open, "true", "false"),
            ),
            badge(row.band, row.tone),
            rx.el.span("index ", rx.el.span(row.psi, class_name="num"), " now", class_name="muted"),
            rx.el.span(row.counts, ", ", row.scan, class_name="push"),
            class_name="psi-head",
        ),
        rx.el.svg(
            rx.el.svg.path(d=row.minor_line, class_name="psi-limit"),
            rx.el.svg.path(d=row.significant_line, class_name="psi-limit"),
            rx.el.svg.path(d=row.stable, class_name="psi-stable"),
            rx.el.svg.path(d=row.minor, class_name="psi-minor"),
            rx.el.svg.path(d=row.significant, class_name="psi-significant"),
            view_box="0 0 1000 64",
            role="img",
            aria_label=row.summary,
            class_name="psi",
            custom_attrs={"preserveAspectRatio": "none"},
        ),
        rx.el.div(rx.el.span(row.first), rx.el.span(row.last), class_name="psi-axis"),
        class_name="psi-field",
    )


def _bucket(view: Any) -> rx.Component:
    shares = data_table(
        [
            Column("Value", lambda row: row.value),
            Column(
                "Before, now",
                lambda row: pair_bars(row.before, row.before_width, row.after, row.after_width, words=("before", "now")),
                width="230px",
            ),
            Column("Adds", lambda row: row.weight, numeric=True, width="80px"),
        ],
        view.shares,
        caption="Values that moved most",
        empty=empty_state("No value moved"),
    )
    buckets = data_table(
        [
            Column("Bucket", lambda row: row_link(row.when, row.href)),
            Column("Band", lambda row: badge(row.band, row.tone), width="110px"),
            Column("Index", lambda row: row.psi, numeric=True, width="72px"),
            Column("Top mover", lambda row: row.top, secondary=True),
        ],
        view.buckets,
        caption="Buckets that moved most",
        empty=empty_state("No bucket was compared"),
    )
    return rx.el.div(
        section(
            rx.fragment(view.opened, ", ", view.bucket),
            shares,
            note=rx.fragment("index ", view.bucket_psi, ", ", view.totals),
            actions=[badge(view.bucket_band, view.bucket_tone)],
        ),
        section(rx.fragment("Where ", view.opened, " moved most"), buckets),
        class_name="columns",
    )
