"""One delivery: how far it is, what it said, and ways to send it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.pages.deliveries_view import DeliveryDetail, delivery_detail
from app.alerting.pages.words import kind_badge, state_badge
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError
from app.page_states import LoadedState, follow_view, page_body
from app.presentation import Phase
from app.ui import page
from components import (
    Column,
    button,
    code_block,
    data_table,
    empty_state,
    link_button,
    notice,
    page_header,
    row_link,
    section,
    text_link,
    time_text,
    toast_done,
    toast_failed,
)
from components.shell import Crumb

POLL_SECONDS = 1.0
_WRAPPED = {"& pre": {"white_space": "pre-wrap", "overflow_wrap": "anywhere", "padding_right": "96px"}}


class DeliveryState(LoadedState):
    """The delivery that the address names; it is read again each second while it is under way."""

    view: DeliveryDetail = DeliveryDetail()

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address, and watch while the delivery is under way."""
        slug, delivery_id = self._slug(), self._delivery_id()
        if self._begin(f"{slug}/{delivery_id}"):
            self.view = DeliveryDetail()
            yield None
        with self._loading():
            await self._enter()
            self.view = await self._read(delivery_detail, slug, delivery_id, self._zone())
        if self.phase == Phase.READY and self.view.is_live:
            yield DeliveryState.watch

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the delivery until it has ended or the page is left."""
        async with self:
            slug, delivery_id, zone = self._slug(), self._delivery_id(), self._zone()
        await follow_view(self, POLL_SECONDS, lambda: self._read(delivery_detail, slug, delivery_id, zone))

    @rx.event
    async def retry(self) -> Any:
        """Send a message that failed again."""
        try:
            await self._call(alerting.retry_delivery, self._slug(), self._delivery_id())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return await self._under_way("It is sent again")

    @rx.event
    async def redeliver(self) -> Any:
        """Send a message that arrived once more."""
        try:
            await self._call(alerting.redeliver, self._slug(), self._delivery_id())
        except AppError as refusal:
            return toast_failed(refusal.message)
        return await self._under_way("It is sent once more, under the same id")

    async def _under_way(self, told: str) -> list[Any]:
        self.view = await self._read(delivery_detail, self._slug(), self._delivery_id(), self._zone())
        return [toast_done(told), DeliveryState.watch]

    def _delivery_id(self) -> str:
        return self._route_value("delivery_id")


@page(route="/p/[slug]/deliveries/[delivery_id]", title="Delivery · Plumbline", on_load=DeliveryState.load)
def delivery_page() -> rx.Component:
    """The page."""
    state: Any = DeliveryState
    view = state.view
    to_destination = link_button("Destination", href=view.destination_href)
    return project_frame(
        page_body(
            state,
            page_header(
                view.title,
                rx.cond(view.drill_href != "", link_button("Fire drill", href=view.drill_href), rx.fragment()),
                rx.cond(view.rule_href != "", link_button("Rule", href=view.rule_href), rx.fragment()),
                rx.cond(view.destination_href != "", to_destination, rx.fragment()),
                rx.cond(
                    view.may_retry,
                    button(rx.cond(view.state == "dropped", "Send anyway", "Retry"), kind="primary", on_click=state.retry),
                    rx.fragment(),
                ),
                rx.cond(view.may_redeliver, button("Redeliver", on_click=state.redeliver), rx.fragment()),
                beside=rx.fragment(
                    rx.el.span(state_badge(view.state), role="status", aria_label="State"), " ", kind_badge(view.kind)
                ),
            ),
            rx.cond(
                view.error != "",
                rx.cond(view.state == "dropped", notice(view.error), notice(view.error, tone="bad")),
                rx.fragment(),
            ),
            rx.cond(view.ticket != "", notice(rx.fragment("It became the ticket ", _ticket(view), ".")), rx.fragment()),
            _message(view),
            _items(view),
            section(
                "How it went",
                rx.el.dl(
                    rx.foreach(view.facts, lambda fact: rx.el.div(rx.el.dt(fact[0]), rx.el.dd(fact[1]))),
                    class_name="facts",
                ),
            ),
            on_retry=state.load,
            what="delivery",
            back=link_button("All deliveries", href=ui_paths.project_deliveries(slug_var())),
        ),
        active="deliveries",
        crumbs=[Crumb("Deliveries", ui_paths.project_deliveries(slug_var())), Crumb("Delivery")],
    )


def _ticket(view: Any) -> rx.Component:
    outside = rx.el.a(view.ticket, href=view.ticket_href, target="_blank", rel="noreferrer noopener", class_name="link")
    return rx.cond(view.ticket_href != "", outside, rx.el.span(view.ticket))


def _message(view: Any) -> rx.Component:
    as_it_is = rx.cond(view.state == "sent", "As it was sent.", "As it would be sent.")
    marked = rx.cond(view.message_format != "", rx.fragment("Shown as text; it is ", view.message_format, "."), as_it_is)
    return section(
        "Message",
        rx.cond(view.subject != "", rx.el.div(rx.el.strong(view.subject), style={"padding": "10px 0 8px"}), rx.fragment()),
        rx.cond(
            view.message != "",
            rx.el.div(code_block(view.message, label="Message as it was sent"), style=_WRAPPED),
            rx.el.p("The message was not kept.", class_name="muted"),
        ),
        note=marked,
    )


def _items(view: Any) -> rx.Component:
    return section(
        "What it is about",
        data_table(
            [
                Column("Scope", _scope),
                Column(
                    "Departure",
                    lambda row: rx.fragment(row.size, rx.cond(row.drift != "", "", rx.fragment(" (", row.direction, ")"))),
                ),
                Column("Bucket", lambda row: time_text(row.when, row.iso), secondary=True, width="160px"),
                Column("", _to_series, width="110px"),
            ],
            view.scopes,
            caption="Scopes that the message is about",
            empty=empty_state("No scopes", "The delivery was stored without them."),
        ),
        note=view.scopes_note,
    )


def _scope(row: Any) -> rx.Component:
    name = rx.cond(row.details_href != "", row_link(row.name, row.details_href), rx.el.span(row.name))
    return rx.fragment(
        name,
        rx.el.span(row.kind, class_name="cell-sub"),
        rx.cond(row.dropped != "", rx.el.span(row.dropped, class_name="cell-sub"), rx.fragment()),
    )


def _to_series(row: Any) -> rx.Component:
    link = text_link("Monitoring", href=row.monitoring_href, custom_attrs={"aria-label": f"Monitoring of {row.name}"})
    return rx.cond(row.monitoring_href != "", link, rx.fragment())
