"""The form of a destination, drawn from what its channel declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from app.alerting.apprise_rules import INSTALLED_BY
from app.alerting.contracts import DestinationFields
from app.alerting.declarations import DECLARATIONS, FIELDS, ChannelField
from app.alerting.vocabulary import DestinationType
from components.forms import button, form_field, segmented, text_input
from components.inline_edit import form_check, form_refusal
from components.shell import section

LONGEST_VALUE = 4096


def written_fields(kind: DestinationType, form: Mapping[str, Any]) -> DestinationFields:
    """What somebody filled in for the channel; a blank secret stands for the stored one."""
    return DestinationFields(**{name: str(form.get(name, ""))[:LONGEST_VALUE] for name in FIELDS[kind]})


def form_section(state: Any, result: rx.Component) -> rx.Component:
    """Kind, name and fields, the buttons that store and that only try, and beneath them the result of the last test."""
    view = state.view
    kinds = [(kind.value, one.title) for kind, one in DECLARATIONS.items()]
    usual = [one for one in kinds if one[0] != DestinationType.APPRISE.value]
    return section(
        "Where it is",
        rx.cond(
            state.is_new,
            rx.el.div(
                rx.cond(
                    state.has_apprise,
                    segmented(kinds, state.kind, state.choose_kind, label="Channel"),
                    rx.fragment(segmented(usual, state.kind, state.choose_kind, label="Channel"), _more_services()),
                ),
                style={"padding_top": "12px"},
            ),
            rx.fragment(),
        ),
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", default_value=view.filled.get("name", ""), max_length=255),
                field_id="name",
                hint="What rules and people call it.",
                error=state.errors.get("name", ""),
            ),
            rx.match(state.kind, *[(kind.value, _fields(kind, state)) for kind in DECLARATIONS], rx.fragment()),
            form_check("Alerts are sent here", "enabled", checked=view.is_enabled),
            form_refusal(state.errors.get("", "")),
            rx.el.div(
                # Enter presses the first button of a form, so storing comes first.
                button(
                    rx.cond(state.is_new, "Add destination", "Save"),
                    kind="primary",
                    type="submit",
                    on_click=state.choose_intent("save"),
                    disabled=state.is_testing,
                ),
                button(
                    rx.cond(state.is_testing, "Sending…", "Send test message"),
                    type="submit",
                    on_click=state.choose_intent("test"),
                    disabled=state.is_testing,
                ),
                class_name="inline",
                style={"gap": "10px"},
            ),
            on_submit=state.submit,
            reset_on_submit=False,
            key=state.drawn.to_string(),
            class_name="form-stack",
        ),
        result,
        note="Secrets are stored encrypted and never shown again. The test sends what stands in the form, stored or not.",
    )


def _more_services() -> rx.Component:
    return rx.el.p(
        "More services, such as ntfy, Gotify, Discord and Mattermost, come with an optional package: ",
        rx.el.code(INSTALLED_BY),
        class_name="muted",
        style={"padding_top": "10px"},
    )


def _fields(kind: DestinationType, state: Any) -> rx.Component:
    declared = DECLARATIONS[kind]
    return rx.el.div(
        rx.el.div(declared.purpose, class_name="muted", style={"padding_bottom": "14px"}),
        *[_control(field, state) for field in declared.fields],
        key=kind.value,
    )


def _control(field: ChannelField, state: Any) -> rx.Component:
    name, view = field.name, state.view
    is_address = name.endswith("_url")
    label = field.label if field.is_required else f"{field.label} (optional)"
    props: dict[str, Any] = {"placeholder": field.example, "auto_complete": "off", "max_length": LONGEST_VALUE}
    hint: Any = field.note
    if field.is_secret:
        props |= {"type": "text" if is_address else "password", "auto_complete": "off" if is_address else "new-password"}
        is_stored = view.stored.get(name, False)
        hint = rx.cond(is_stored, "Stored. Leave it empty to keep it.", field.note)
    else:
        props["default_value"] = view.filled.get(name, "")
    control = text_input(field_id=name, name=name, custom_attrs={"spellCheck": False}, **props)
    return form_field(label, control, field_id=name, hint=hint, error=state.errors.get(name, ""))
