"""Sign-in security: the viewer's password, their second factor and the codes for the day it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, assert_never

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import workspace_frame
from app.identity import entrance
from app.identity import service as identity
from app.identity.contracts import Actor
from app.identity.pages.own_password import OwnPasswordState, password_section
from app.identity.pages.second_factor_parts import Question, enrolment_panel, question_dialog, recovery_panel, standing
from app.identity.second_factor import in_groups, qr_picture
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.ui import open_while_enrolling, page
from components import page_header, toast_done, toast_failed
from components.format import iso_utc, local_time
from components.shell import Crumb


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


@open_while_enrolling
class SecondFactorState(LoadedState):
    """How the viewer signs in, what they are asked, and what is shown once. A reload forgets secrets and codes."""

    is_on: bool = False
    since: str = ""
    since_iso: str = ""
    codes_left: int = 0
    has_password: bool = True
    is_required: bool = False
    question: str = ""
    password_error: str = ""
    code_error: str = ""
    refusal: str = ""
    secret_text: str = ""
    picture: str = ""
    recovery_codes: list[str] = []

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Show whether a code is asked for."""
        self._forget()
        if self._begin("sign-in security"):
            yield
        with self._loading():
            await self._show()
        yield OwnPasswordState.load

    @rx.event
    def ask(self, question: str) -> None:
        """Ask for password and code before something changes."""
        self._forget()
        self.question = Question(question).value

    @rx.event
    def set_asking(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.question = ""

    @rx.event
    async def answer(self, form: dict[str, Any]) -> EventSpec | None:
        """Do what was asked about, once password and code are right."""
        self.password_error = self.code_error = self.refusal = ""
        if not self.question:
            return None
        question = Question(self.question)
        actor = await self._read(_caller)
        try:
            await self._change(question, actor, str(form.get("password", "")), str(form.get("code", "")))
        except InvalidInput as wrong:
            self.password_error, self.code_error = (wrong.message if wrong.field == name else "" for name in ("password", "code"))
            return None
        except AppError as error:
            self.refusal = error.message
            return None
        self.question = ""
        await self._show()
        return toast_done("You are asked for no code any more") if question is Question.TURN_OFF else None

    @rx.event
    async def confirm(self, form: dict[str, Any]) -> EventSpec | None:
        """Turn the factor on with a code of the app."""
        self.code_error = ""
        try:
            self.recovery_codes = await self._call(identity.confirm_second_factor, str(form.get("code", "")), SYSTEM_CLOCK.now())
        except InvalidInput as wrong:
            self.code_error = wrong.message
            return None
        except AppError as error:
            self._forget()
            await self._show()
            return toast_failed(error.message)
        self.secret_text = self.picture = ""
        await self._show()
        return toast_done("Your second factor is on")

    @rx.event
    def forget(self) -> None:
        """Put away what is shown once."""
        self._forget()

    async def _change(self, question: Question, actor: Actor, password: str, code: str) -> None:
        match question:
            case Question.TURN_ON:
                begun = await asyncio.to_thread(entrance.begin_second_factor, actor, password, clock=SYSTEM_CLOCK)
                self.secret_text, self.picture = in_groups(begun.secret), qr_picture(begun.uri)
            case Question.RENEW:
                self.recovery_codes = await asyncio.to_thread(
                    entrance.renew_recovery_codes, actor, password, code, clock=SYSTEM_CLOCK
                )
            case Question.TURN_OFF:
                await asyncio.to_thread(entrance.turn_off_second_factor, actor, password, code, clock=SYSTEM_CLOCK)
            case _:
                assert_never(question)

    def _forget(self) -> None:
        self.question = self.password_error = self.code_error = self.refusal = ""
        self.secret_text = self.picture = ""
        self.recovery_codes = []

    async def _show(self) -> None:
        view = await self._read(identity.second_factor_of)
        self.is_on, self.has_password = view.confirmed_at is not None, view.has_password
        self.codes_left, self.is_required = view.recovery_codes_left, view.is_required
        if view.confirmed_at is not None:
            self.since = local_time(view.confirmed_at, self._zone(), now=SYSTEM_CLOCK.now())
            self.since_iso = iso_utc(view.confirmed_at)


@page(route=ui_paths.SIGN_IN_SECURITY, title="Sign-in security · Plumbline", on_load=SecondFactorState.load)
def sign_in_security() -> rx.Component:
    """The page."""
    state: Any = SecondFactorState
    return workspace_frame(
        page_header("Sign-in security", note="Your password, what you show beside it, and how you get in without your phone."),
        page_body(
            state,
            recovery_panel(state),
            password_section(state),
            rx.cond(state.secret_text != "", enrolment_panel(state), standing(state)),
            question_dialog(state),
            on_retry=state.load,
        ),
        active="sign-in-security",
        crumbs=[Crumb("Settings", ui_paths.SETTINGS), Crumb("Sign-in security")],
    )
