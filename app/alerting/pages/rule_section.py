"""A section of the page of a rule that is stored by itself, apart from the rule: what holds in a sentence, then its form."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import button, section
from components.inline_edit import form_refusal


def stored_section(
    state: Any,
    title: str,
    *fields: rx.Component,
    sentence: Any,
    save: str,
    errors: Any,
    drawn: Any,
    on_submit: Any,
    more: Any = None,
) -> rx.Component:
    """The section. `drawn` counts how often the form was read anew; `more` stands between the sentence and the form."""
    form = rx.el.fieldset(
        rx.el.legend(title, class_name="sr-only"),
        rx.el.div(*fields, class_name="pair"),
        form_refusal(errors.get("", "")),
        rx.cond(
            state.view.may_write,
            rx.el.div(button(save, type="submit", small=True), class_name="rule-line"),
            rx.fragment(),
        ),
        disabled=~state.view.may_write,
        class_name="rule-form",
    )
    return section(
        title,
        rx.el.p(sentence, class_name="rule-verdicts", custom_attrs={"aria-live": "polite"}),
        more if more is not None else rx.fragment(),
        rx.form(form, key=drawn, on_submit=on_submit, reset_on_submit=False),
    )
