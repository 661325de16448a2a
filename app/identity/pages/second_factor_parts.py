"""What the page about sign-in security is made of."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import reflex as rx

from components import (
    badge,
    button,
    copy_button,
    dialog,
    dialog_actions,
    form_field,
    notice,
    section,
    text_input,
    time_text,
)
from components.inline_edit import form_refusal

FEW_CODES = 3
"""From here on the page says that recovery codes run out."""


class Question(StrEnum):
    """What the viewer gives password and code for."""

    TURN_ON = "turn_on"
    RENEW = "renew"
    TURN_OFF = "turn_off"


def standing(state: Any) -> rx.Component:
    """Whether a code is asked for, and what can be done about it."""
    return rx.cond(state.is_on, _is_on(state), _is_off(state))


def enrolment_panel(state: Any) -> rx.Component:
    """The secret as a picture and as text, and the code that proves that an app has it."""
    return section(
        "Turn on the second factor",
        rx.el.ol(
            rx.el.li(
                rx.el.p("Scan this with an authenticator app, such as Aegis, 2FAS, Google Authenticator or 1Password."),
                rx.el.img(src=state.picture, alt="QR code with the secret", class_name="qr-code"),
                rx.el.p("Or type the secret in (time based, six digits, thirty seconds):", class_name="muted"),
                rx.el.div(
                    rx.el.code(state.secret_text, id="totp-secret", class_name="token", tab_index=0),
                    copy_button(state.secret_text, "Copy secret"),
                    class_name="token-line",
                ),
            ),
            rx.el.li(
                rx.form(
                    form_field(
                        "Enter the code that the app shows",
                        _code_input("confirm-code", auto_focus=True),
                        field_id="confirm-code",
                        error=state.code_error,
                    ),
                    rx.el.div(
                        button("Turn on", kind="primary", type="submit"),
                        button("Cancel", kind="quiet", on_click=state.forget),
                        class_name="inline",
                    ),
                    on_submit=state.confirm,
                    reset_on_submit=False,
                    class_name="stack",
                ),
            ),
            class_name="steps enrolment",
        ),
        note="Your other sessions end. API keys go on working and are asked for no code.",
    )


def recovery_panel(state: Any) -> rx.Component:
    """The one moment in which recovery codes can be read."""
    return rx.cond(
        state.recovery_codes.length() > 0,
        rx.el.section(
            rx.el.h2("Keep these recovery codes", class_name="state-title"),
            rx.el.p(
                "Each signs you in once when your phone is not at hand. Print them or put them into your password manager: "
                "they are stored as hashes only and cannot be shown again."
            ),
            rx.el.ul(rx.foreach(state.recovery_codes, lambda code: rx.el.li(rx.el.code(code))), class_name="recovery-codes"),
            rx.el.div(
                copy_button(state.recovery_codes.join("\n"), "Copy all"),
                button("I have kept them", small=True, on_click=state.forget),
                class_name="inline",
            ),
            class_name="token-panel",
            role="status",
        ),
        rx.fragment(),
    )


def question_dialog(state: Any) -> rx.Component:
    """Asks for the password, and a code where there is a factor, before anything changes."""
    has_code = state.question != Question.TURN_ON.value
    return dialog(
        rx.form(
            form_field(
                "Password",
                text_input(
                    field_id="own-password",
                    name="password",
                    type="password",
                    auto_complete="current-password",
                    required=True,
                    max_length=255,
                    auto_focus=True,
                ),
                field_id="own-password",
                error=state.password_error,
            ),
            rx.cond(
                has_code,
                form_field(
                    "Code",
                    _code_input("own-code"),
                    field_id="own-code",
                    hint="Of your authenticator app, or one of your recovery codes.",
                    error=state.code_error,
                ),
                rx.fragment(),
            ),
            form_refusal(state.refusal),
            dialog_actions(
                button("Cancel", on_click=state.set_asking(False)),
                rx.match(
                    state.question,
                    (Question.TURN_OFF.value, button("Turn off", kind="danger", type="submit")),
                    (Question.RENEW.value, button("Make fresh codes", kind="primary", type="submit")),
                    button("Go on", kind="primary", type="submit"),
                ),
            ),
            on_submit=state.answer,
            reset_on_submit=False,
        ),
        title=rx.match(
            state.question,
            (Question.TURN_OFF.value, "Turn the second factor off?"),
            (Question.RENEW.value, "Make fresh recovery codes?"),
            "Turn on the second factor",
        ),
        description=rx.match(
            state.question,
            (Question.TURN_OFF.value, "Your password alone signs you in from then on. Your recovery codes become void."),
            (Question.RENEW.value, "The codes that you have become void at once."),
            "First show that it is you.",
        ),
        open_=state.question != "",
        on_open_change=state.set_asking,
    )


def _is_off(state: Any) -> rx.Component:
    return section(
        "Second factor",
        rx.cond(
            state.is_required,
            notice("Everybody here has to have a second factor. Nothing else opens before you have turned yours on.", tone="warn"),
            rx.fragment(),
        ),
        rx.el.p(
            "A code that changes every thirty seconds, from an app on your phone. Without it nobody signs in as you, also when "
            "they know your password.",
            class_name="section-body",
        ),
        rx.cond(
            state.has_password,
            rx.el.div(button("Turn on", kind="primary", on_click=state.ask(Question.TURN_ON.value)), class_name="section-body"),
            notice("Your account has no password here: whoever signs you in looks after its second factor."),
        ),
        actions=[badge("off", "neutral", dot=True)],
    )


def _is_on(state: Any) -> rx.Component:
    few = notice("Few recovery codes are left. Make fresh ones before you need them.", tone="warn")
    return section(
        "Second factor",
        rx.cond(state.codes_left <= FEW_CODES, few, rx.fragment()),
        rx.el.dl(
            rx.el.div(rx.el.dt("Asked for"), rx.el.dd("a code of your authenticator app at every sign-in with your password")),
            rx.el.div(rx.el.dt("On since"), rx.el.dd(time_text(state.since, state.since_iso))),
            rx.el.div(rx.el.dt("Recovery codes"), rx.el.dd(f"{state.codes_left} of 10 left")),
            rx.el.div(rx.el.dt("Not asked for"), rx.el.dd("by API keys, and where an identity provider signs you in")),
            class_name="facts section-body",
        ),
        rx.el.div(
            button("Make fresh recovery codes", on_click=state.ask(Question.RENEW.value)),
            rx.cond(
                state.is_required,
                rx.el.span("Everybody here has to have one: an owner can reset yours.", class_name="muted"),
                button("Turn off", kind="danger", on_click=state.ask(Question.TURN_OFF.value)),
            ),
            class_name="inline section-body",
        ),
        actions=[badge("on", "ok", dot=True)],
    )


def _code_input(field_id: str, **more: Any) -> rx.Component:
    return text_input(
        field_id=field_id,
        name="code",
        auto_complete="one-time-code",
        auto_capitalize="none",
        spell_check=False,
        required=True,
        max_length=64,
        **more,
    )
