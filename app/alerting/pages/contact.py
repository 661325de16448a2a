"""Where the viewer is told about the events they own: a section of the destinations page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import reflex as rx
from sqlmodel import Session

from app.alerting import service as alerting
from app.identity.contracts import Actor
from components import button, form_field, section, select_input, text_input
from components.inline_edit import form_refusal

BY_MAIL = "mail"


@dataclass(frozen=True)
class ContactForm:
    """The contact as its form holds it; `places` are the choices."""

    place: str = ""
    email: str = ""
    places: list[list[str]] = field(default_factory=list)


def contact_form(session: Session, actor: Actor, slug: str) -> ContactForm:
    """The viewer's contact; the address of their account is offered. Errors: NotFound."""
    stored = alerting.get_contact(session, actor, slug)
    known = sorted(([one.id, one.name] for one in alerting.list_destinations(session, actor, slug)), key=lambda pair: pair[1])
    return ContactForm(
        place=BY_MAIL if stored.email else stored.destination_id or "",
        email=stored.email or actor.email,
        places=[["", "Nowhere: rules tell their destination"], [BY_MAIL, "By mail"], *known],
    )


def contact_of_form(form: Mapping[str, Any]) -> alerting.Contact:
    """What the form says; the address counts only when mail is chosen."""
    place = str(form.get("place") or "")
    if place == BY_MAIL:
        return alerting.Contact(email=str(form.get("email") or "").strip() or " ")
    return alerting.Contact(destination_id=place or None)


def contact_section(state: Any) -> rx.Component:
    """The section with its form."""
    form, errors = state.contact, state.contact_errors
    fields = rx.el.fieldset(
        rx.el.legend("About what you own", class_name="sr-only"),
        rx.el.div(
            form_field(
                "Tell me",
                select_input(form.places, field_id="contact-place", name="place", default_value=form.place),
                field_id="contact-place",
                error=errors.get("destination_id", ""),
            ),
            form_field(
                "Mail address",
                text_input(field_id="contact-email", name="email", type="email", default_value=form.email),
                field_id="contact-email",
                hint="Used when you are told by mail.",
                error=errors.get("email", ""),
            ),
            class_name="pair",
        ),
        form_refusal(errors.get("", "")),
        rx.el.div(button("Save", type="submit", small=True), class_name="rule-line"),
        class_name="rule-form",
    )
    return section(
        "About what you own",
        rx.el.p(
            "Rules that tell owners first reach you here when something happens to an event of yours.",
            class_name="rule-aside",
        ),
        rx.form(fields, key=state.contact_drawn, on_submit=state.save_contact, reset_on_submit=False),
    )
