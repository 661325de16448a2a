"""Where the viewer is signed in, and signing out elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import workspace_frame
from app.identity import service as identity
from app.identity.contracts import SignInView
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body, phase_here
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    link_button,
    page_header,
    time_text,
    toast_done,
    toast_failed,
)
from components.format import ago, iso_utc, local_time
from components.shell import Crumb

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"^[\w.\- ]{1,40}")


@dataclass(frozen=True)
class SignInRow:
    """One sign-in as the page shows it."""

    id: str
    device: str
    user_agent: str
    address: str
    began: str
    began_iso: str
    used: str
    used_iso: str
    ends: str
    ends_iso: str
    is_current: bool


def device_words(user_agent: str) -> str:
    """What a User-Agent header tells of browser and system; the name of a program that is no browser."""
    if not user_agent.strip():
        return "Unknown device"
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    named = _PRODUCT.match(user_agent)
    return named.group().strip() if named and named.group().strip() else "Unknown device"


def sign_in_rows(found: Sequence[SignInView], zone: ZoneInfo, now: datetime) -> list[SignInRow]:
    """The sign-ins in words. One that was not used since it began was last used then."""
    return [
        SignInRow(
            id=view.id,
            device=device_words(view.user_agent),
            user_agent=view.user_agent or "No User-Agent was sent",
            address=view.address or "unknown",
            began=local_time(view.created_at, zone, now=now),
            began_iso=iso_utc(view.created_at),
            used="now" if view.is_current else ago(view.last_used_at or view.created_at, now),
            used_iso=iso_utc(view.last_used_at or view.created_at),
            ends=local_time(view.expires_at, zone, now=now),
            ends_iso=iso_utc(view.expires_at),
            is_current=view.is_current,
        )
        for view in found
    ]


class SessionsState(LoadedState):
    """The viewer's sign-ins and the two questions."""

    rows: list[SignInRow] = []
    has_others: bool = False
    ending: str = ""
    ending_text: str = ""
    is_ending_others: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Show where the viewer is signed in."""
        if self._begin("sessions"):
            self.rows = []
            yield
        self.ending, self.is_ending_others = "", False
        with self._loading():
            await self._show()

    @rx.event
    def ask_end(self, sign_in_id: str) -> None:
        """Ask before one is signed out; an empty id closes the question."""
        row = next((row for row in self.rows if row.id == sign_in_id and not row.is_current), None)
        self.ending = row.id if row else ""
        self.ending_text = f"{row.device} at {row.address} has to sign in again." if row else ""

    @rx.event
    def set_ending(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.ending = ""

    @rx.event
    def set_ending_others(self, is_open: bool) -> None:
        """Ask before all others are signed out, or close the question."""
        self.is_ending_others = is_open

    @rx.event
    async def end(self) -> EventSpec:
        """Sign one out."""
        sign_in_id, self.ending = self.ending, ""
        try:
            await self._call(identity.end_sign_in, sign_in_id)
        except AppError as refusal:
            await self._show()
            return toast_failed(refusal.message)
        await self._show()
        return toast_done("Signed out there")

    @rx.event
    async def end_others(self) -> EventSpec:
        """Sign everything out but this browser."""
        self.is_ending_others = False
        count = await self._call(identity.end_other_sign_ins)
        await self._show()
        return toast_done(f"{count} other sign-in{' is' if count == 1 else 's are'} over")

    async def _show(self) -> None:
        now = SYSTEM_CLOCK.now()
        self.rows = sign_in_rows(await self._read(identity.list_sign_ins, now), self._zone(), now)
        self.has_others = any(not row.is_current for row in self.rows)


@page(route=ui_paths.SESSIONS, title="Sessions · Plumbline", on_load=SessionsState.load)
def sessions_page() -> rx.Component:
    """The page."""
    state: Any = SessionsState
    return workspace_frame(
        page_header(
            "Sessions",
            link_button("Sign-in security", href=ui_paths.SIGN_IN_SECURITY),
            rx.cond(
                state.has_others & (phase_here(state) == "ready"),
                button("Sign out everywhere else", on_click=state.set_ending_others(True)),
                rx.fragment(),
            ),
            note="Where you are signed in. Programs with an API key are not listed here.",
        ),
        page_body(
            state,
            data_table(
                [
                    Column("Device", _device),
                    Column("Signed in from", lambda row: rx.el.code(row.address)),
                    Column("Signed in", lambda row: time_text(row.began, row.began_iso), secondary=True),
                    Column("Last used", lambda row: time_text(row.used, row.used_iso)),
                    Column("Ends", lambda row: time_text(row.ends, row.ends_iso), secondary=True),
                    Column("", _end_button),
                ],
                state.rows,
                caption="Your sign-ins, the one used last first",
                empty=empty_state("You are signed in nowhere", "Sign in again to see this browser here."),
            ),
            _question(state),
            _question_about_others(state),
            on_retry=state.load,
        ),
        active="sessions",
        crumbs=[Crumb("Settings", ui_paths.SETTINGS), Crumb("Sessions")],
    )


def _device(row: Any) -> Any:
    here = rx.cond(row.is_current, badge("this browser", "accent"), rx.fragment())
    return rx.el.span(rx.el.span(row.device, title=row.user_agent), here, class_name="inline")


def _end_button(row: Any) -> Any:
    state: Any = SessionsState
    return rx.cond(
        row.is_current,
        rx.fragment(),
        button("Sign out", small=True, on_click=state.ask_end(row.id), custom_attrs={"aria-label": f"Sign out {row.device}"}),
    )


def _question(state: Any) -> rx.Component:
    return dialog(
        dialog_actions(
            button("Keep it", on_click=state.set_ending(False)),
            button("Sign out there", kind="danger", on_click=state.end),
        ),
        title="Sign this device out?",
        description=state.ending_text,
        open_=state.ending != "",
        on_open_change=state.set_ending,
    )


def _question_about_others(state: Any) -> rx.Component:
    return dialog(
        dialog_actions(
            button("Keep them", on_click=state.set_ending_others(False)),
            button("Sign out everywhere else", kind="danger", on_click=state.end_others),
        ),
        title="Sign out everywhere else?",
        description="Every other browser and program that signed in as you has to sign in again. API keys go on working.",
        open_=state.is_ending_others,
        on_open_change=state.set_ending_others,
    )
