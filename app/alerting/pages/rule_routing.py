"""Whom a rule tells beside its destination: the section of its page on owners and escalation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import reflex as rx
from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.escalation import Escalation
from app.alerting.pages.rule_section import stored_section
from app.frame import slug_var
from app.identity.contracts import Actor
from components import form_field, select_input, text_link
from components.format import duration

WAITS: Final = (5, 10, 15, 30, 45, 60, 120, 240, 480, 1440)
STEPS: Final = tuple(range(1, 11))


@dataclass(frozen=True)
class RoutingForm:
    """The routing as its form holds it, and in a sentence. The last three are the choices."""

    owners: str = ""
    first: str = ""
    second: str = ""
    after: str = "30"
    steps: str = "1"
    quiet: str = ""
    sentence: str = ""
    destinations: list[list[str]] = field(default_factory=list)
    waits: list[list[str]] = field(default_factory=list)
    counts: list[list[str]] = field(default_factory=list)


def routing_form(session: Session, actor: Actor, slug: str, rule_id: str) -> RoutingForm:
    """The stored routing. Errors: NotFound."""
    stored = alerting.get_routing(session, actor, slug, rule_id)
    names = {one.id: one.name for one in alerting.list_destinations(session, actor, slug)}
    one = stored.escalation
    chosen = [each for each in one.destination_ids if each in names] if one else []
    minutes = int(one.after.total_seconds() // 60) if one else 30
    return RoutingForm(
        owners="yes" if stored.to_owners else "",
        first=chosen[0] if chosen else "",
        second=chosen[1] if len(chosen) > 1 else "",
        after=str(minutes),
        steps=str(one.most_steps if one else 1),
        quiet="yes" if one and one.ignores_quiet_hours else "",
        sentence=said(stored, names),
        destinations=[["", "Nobody"], *sorted([[each, name] for each, name in names.items()], key=lambda pair: pair[1])],
        waits=[[str(each), duration(each * 60)] for each in sorted({minutes, *WAITS})],
        counts=[[str(each), "Once" if each == 1 else f"Up to {each} times"] for each in STEPS],
    )


def routing_of_form(form: Mapping[str, Any]) -> alerting.Routing:
    """What the form says; without a destination nothing is escalated."""
    chosen = tuple(dict.fromkeys(one for name in ("first", "second") if (one := str(form.get(name) or ""))))
    owners = str(form.get("owners") or "") == "yes"
    if not chosen:
        return alerting.Routing(owners)
    after = timedelta(minutes=_number(form, "after"))
    ignores = str(form.get("quiet") or "") == "yes"
    return alerting.Routing(owners, Escalation(after, _number(form, "steps"), chosen, ignores))


def said(found: alerting.Routing, names: Mapping[str, str]) -> str:
    """The routing in a sentence or two."""
    first = (
        "Owners are told about what they own; the destination hears of the rest."
        if found.to_owners
        else "Everything goes to the destination."
    )
    one = found.escalation
    if one is None:
        return f"{first} Nobody else is told when nobody answers."
    told = " and ".join(names.get(each, "a deleted destination") for each in one.destination_ids)
    often = "once" if one.most_steps == 1 else f"at most {one.most_steps} times"
    when = ", also in quiet hours" if one.ignores_quiet_hours else ""
    verb = "is" if len(one.destination_ids) == 1 else "are"
    wait = duration(int(one.after.total_seconds()))
    return f"{first} When nobody answers for {wait}, {told} {verb} told, {often}{when}."


def _number(form: Mapping[str, Any], name: str) -> int:
    text = str(form.get(name) or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def routing_section(state: Any) -> rx.Component:
    """The section; its form is stored by itself, apart from the rule."""
    form, errors = state.routing, state.routing_errors

    def one(label: str, name: str, options: Any, value: Any, hint: str | None = None, error: str = "") -> rx.Component:
        control = select_input(options, field_id=f"routing-{name}", name=name, default_value=value)
        return form_field(label, control, field_id=f"routing-{name}", hint=hint, error=errors.get(error or name, ""))

    owners = [("", "The destination"), ("yes", "Owners, else the destination")]
    quiet = [("", "Waits for their end"), ("yes", "Tells at once")]
    return stored_section(
        state,
        "Who else is told",
        one("Alerts go to", "owners", owners, form.owners),
        one("Without an answer for", "after", form.waits, form.after, error="after_minutes"),
        one("Then tell", "first", form.destinations, form.first, error="destination_ids"),
        one("And tell", "second", form.destinations, form.second),
        one("How often", "steps", form.counts, form.steps, "Each time after the same wait.", "most_steps"),
        one("In quiet hours", "quiet", quiet, form.quiet),
        sentence=form.sentence,
        more=rx.el.p(
            "An acknowledgement, a resolution or a verdict in the inbox is an answer. Members choose ",
            text_link("where they are told", href=ui_paths.project_destinations(slug_var())),
            ".",
            class_name="rule-aside",
        ),
        save="Save who else is told",
        errors=errors,
        drawn=state.routing_drawn,
        on_submit=state.save_routing,
    )
