"""The part of Sign-in security that changes the viewer's password."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from pydantic import ValidationError
from reflex.event import EventSpec
from sqlmodel import Session

from app.identity import password_changes
from app.identity.contracts import Actor
from app.identity.pages.sign_up import PASSWORD_RULE
from app.identity.shapes import PasswordChange
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.ui import AppState, field_errors, open_while_enrolling
from components import button, dialog, dialog_actions, form_field, section, text_input, toast_done
from components.inline_edit import form_refusal

FIELDS = ("current_password", "new_password", "code")
_SENTENCES = {
    "current_password": "Enter your current password",
    "new_password": "The password needs 8 to 255 characters",
    "code": "The code is too long",
}


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


@open_while_enrolling
class OwnPasswordState(AppState):
    """The form, while it is open, and what is wrong with it."""

    is_changing: bool = False
    is_switched_off: bool = False
    current_error: str = ""
    new_error: str = ""
    code_error: str = ""
    refusal: str = ""

    @rx.event
    def load(self) -> None:
        """Close the form."""
        self.is_switched_off = get_settings().oidc.is_only_way
        self._close()

    @rx.event
    def set_changing(self, is_open: bool) -> None:
        """Open or close the form."""
        self._close()
        self.is_changing = is_open

    @rx.event
    async def change(self, form: dict[str, Any]) -> EventSpec | None:
        """Change the password; what does not fit is told at its field."""
        self._tell({})
        actor = await self._read(_caller)
        try:
            wanted = PasswordChange.model_validate({name: form.get(name) or None for name in FIELDS})
            await asyncio.to_thread(
                password_changes.change_password,
                actor,
                wanted.current_password,
                wanted.new_password,
                wanted.code,
                clock=SYSTEM_CLOCK,
            )
        except ValidationError as faults:
            self._tell({str(fault["loc"][0]): _SENTENCES[str(fault["loc"][0])] for fault in faults.errors()})
            return None
        except AppError as error:
            self._tell(field_errors(error))
            return None
        self._close()
        return toast_done("Your password is changed; your other sign-ins have ended")

    def _close(self) -> None:
        self.is_changing = False
        self._tell({})

    def _tell(self, errors: dict[str, str]) -> None:
        self.current_error, self.new_error, self.code_error = (errors.get(name, "") for name in FIELDS)
        self.refusal = errors.get("", "")


def password_section(factor: Any) -> rx.Component:
    """The section; `factor` is the state that knows whether the viewer has a password and a second factor. Empty without one."""
    state: Any = OwnPasswordState
    return rx.cond(
        factor.has_password & ~state.is_switched_off,
        rx.fragment(
            section(
                "Password",
                rx.el.p(
                    "Changing it ends your other sign-ins. API keys go on working; revoke those that somebody else may know.",
                    class_name="section-body",
                ),
                rx.el.div(button("Change password", on_click=state.set_changing(True)), class_name="section-body"),
            ),
            _form(state, factor.is_on),
        ),
        rx.fragment(),
    )


def _form(state: Any, has_code: Any) -> rx.Component:
    code = form_field(
        "Code",
        text_input(
            field_id="password-code",
            name="code",
            auto_complete="one-time-code",
            auto_capitalize="none",
            spell_check=False,
            required=True,
            max_length=64,
        ),
        field_id="password-code",
        hint="Of your authenticator app, or one of your recovery codes.",
        error=state.code_error,
    )
    return dialog(
        rx.form(
            _password("Current password", "current_password", "current-password", state.current_error, auto_focus=True),
            _password("New password", "new_password", "new-password", state.new_error, hint=PASSWORD_RULE, min_length=8),
            rx.cond(has_code, code, rx.fragment()),
            form_refusal(state.refusal),
            dialog_actions(
                button("Cancel", on_click=state.set_changing(False)), button("Change password", kind="primary", type="submit")
            ),
            on_submit=state.change,
            reset_on_submit=False,
        ),
        title="Change your password",
        description="You stay signed in here and are signed out everywhere else.",
        open_=state.is_changing,
        on_open_change=state.set_changing,
    )


def _password(label: str, name: str, auto_complete: str, error: Any, *, hint: str | None = None, **more: Any) -> rx.Component:
    field_id = name.replace("_", "-")
    control = text_input(
        field_id=field_id, name=name, type="password", auto_complete=auto_complete, required=True, max_length=255, **more
    )
    return form_field(label, control, field_id=field_id, hint=hint, error=error)
