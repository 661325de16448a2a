"""Plan rules: what the project asks of its plan, and what breaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.frame import project_frame
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.plan.branching.readiness import rule_findings
from app.plan.governance import MOST_APPROVALS, Enforcement, Finding, Rule, Rules, tidy_names
from app.ui import field_errors, page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    form_field,
    page_header,
    section,
    select_input,
    text_area,
    text_input,
    toast_done,
)
from components.inline_edit import form_check, form_refusal
from components.shell import Crumb

RULE_WORDS = {
    Rule.EVENT_NAME: "Event name",
    Rule.FIELD_NAME: "Property name",
    Rule.REQUIRED_FIELD: "Required property",
    Rule.FORBIDDEN_FIELD: "Forbidden property",
}
ENFORCEMENTS = [("warn", "Warn: list what breaks them"), ("block", "Block: refuse it, and hold back merges")]
_SHOWN = 200


@dataclass(frozen=True)
class FindingRow:
    """One thing that breaks a rule."""

    rule: str
    event_type: str
    name: str
    message: str


@dataclass(frozen=True)
class RulesView:
    """The rules as a form shows them, and main held against them."""

    enforcement: str = "warn"
    event_name_pattern: str = ""
    field_name_pattern: str = ""
    required_fields: str = ""
    forbidden_fields: str = ""
    protects_main: bool = False
    minimum_approvals: str = "1"
    sensitive_approvals: str = "0"
    forbids_self_approval: bool = False
    findings: list[FindingRow] = field(default_factory=list)
    summary: str = ""
    has_rules: bool = False
    is_owner: bool = False


def rules_view(session: Session, actor: Actor, slug: str) -> RulesView:
    """The page's content. Errors: NotFound."""
    rules = plan.get_rules(session, actor, slug)
    found = rule_findings(session, actor, slug)
    return RulesView(
        enforcement=rules.enforcement.value,
        event_name_pattern=rules.event_name_pattern,
        field_name_pattern=rules.field_name_pattern,
        required_fields="\n".join(rules.required_fields),
        forbidden_fields="\n".join(rules.forbidden_fields),
        protects_main=rules.protects_main,
        minimum_approvals=str(rules.minimum_approvals),
        sensitive_approvals=str(rules.sensitive_approvals),
        forbids_self_approval=rules.forbids_self_approval,
        findings=[_row(item) for item in found[:_SHOWN]],
        summary=_summary(found),
        has_rules=any((rules.event_name_pattern, rules.field_name_pattern, rules.required_fields, rules.forbidden_fields)),
        is_owner=actor.role is UserRole.OWNER,
    )


def _row(item: Finding) -> FindingRow:
    return FindingRow(RULE_WORDS[item.rule], item.event_type, item.name, item.message)


def _summary(found: Sequence[Finding]) -> str:
    if len(found) > _SHOWN:
        return f"The first {_SHOWN} of {len(found)}."
    return ""


class PlanRulesState(LoadedState):
    """The rules of the open project."""

    view: RulesView = RulesView()
    errors: dict[str, str] = {}

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(f"rules/{slug}"):
            self.view, self.errors = RulesView(), {}
            yield
        with self._loading():
            await self._enter()
            self.view = await self._read(rules_view, slug)

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Replace the rules with what the form holds."""
        self.errors = {}
        try:
            rules = Rules(
                enforcement=Enforcement(form["enforcement"]) if form.get("enforcement") in set(Enforcement) else Enforcement.WARN,
                event_name_pattern=str(form.get("event_name_pattern", "")).strip(),
                field_name_pattern=str(form.get("field_name_pattern", "")).strip(),
                required_fields=tidy_names(str(form.get("required_fields", "")).splitlines()),
                forbidden_fields=tidy_names(str(form.get("forbidden_fields", "")).splitlines()),
                protects_main=bool(form.get("protects_main")),
                minimum_approvals=_number(form, "minimum_approvals", least=1),
                sensitive_approvals=_number(form, "sensitive_approvals", least=0),
                forbids_self_approval=bool(form.get("forbids_self_approval")),
            )
            await self._call(plan.set_rules, self._slug(), rules)
            self.view = await self._read(rules_view, self._slug())
        except AppError as refusal:
            self.errors = field_errors(refusal)
            return None
        return toast_done("Rules saved")


def _number(form: dict[str, Any], name: str, *, least: int) -> int:
    text = str(form.get(name, "")).strip()
    if not text.isdigit() or not least <= int(text[:4]) <= MOST_APPROVALS:
        raise InvalidInput(f"Enter a number from {least} to {MOST_APPROVALS}", field=name)
    return int(text)


@page(route="/p/[slug]/plan-rules", title="Plan rules · Plumbline", on_load=PlanRulesState.load)
def plan_rules_page() -> rx.Component:
    """The page."""
    state: Any = PlanRulesState
    return project_frame(
        page_header("Plan rules", note="How events and properties are named, what every event must carry, and who must agree."),
        page_body(
            state,
            section(
                "What breaks them on main",
                data_table(
                    [
                        Column("Rule", lambda row: badge(row.rule, "warn"), width="170px"),
                        Column("Event type", lambda row: row.event_type, secondary=True),
                        Column("Name", lambda row: row.name),
                        Column("What", lambda row: row.message),
                    ],
                    state.view.findings,
                    caption="Findings",
                    empty=empty_state(
                        "Main keeps every rule",
                        rx.cond(
                            state.view.has_rules,
                            "Nothing in the plan breaks the rules on names and properties.",
                            "There is no rule on names or properties yet. What breaks one is listed here.",
                        ),
                    ),
                ),
                note=state.view.summary,
            ),
            rx.cond(
                state.view.is_owner,
                _form(state),
                section("Rules", rx.el.p("Owners set the rules; you see here what breaks them.", class_name="muted")),
            ),
            on_retry=state.load,
        ),
        active="plan-rules",
        crumbs=[Crumb("Plan rules")],
    )


def _form(state: Any) -> rx.Component:
    view, errors = state.view, state.errors

    def line(label: str, name: str, value: Any, hint: str, **props: Any) -> rx.Component:
        control = text_input(field_id=name, name=name, default_value=value, auto_complete="off", **props)
        return form_field(label, control, field_id=name, hint=hint, error=errors.get(name, ""))

    def lines(label: str, name: str, value: Any, hint: str) -> rx.Component:
        control = text_area(field_id=name, name=name, default_value=value, rows=3)
        return form_field(label, control, field_id=name, hint=hint, error=errors.get(name, ""))

    return section(
        "Rules",
        rx.form(
            form_field(
                "When something breaks a rule",
                select_input(ENFORCEMENTS, field_id="enforcement", name="enforcement", default_value=view.enforcement),
                field_id="enforcement",
            ),
            rx.el.div(
                line(
                    "Event names",
                    "event_name_pattern",
                    view.event_name_pattern,
                    "A pattern for the whole name, such as [a-z]+(_[a-z]+)*. Empty asks for nothing.",
                ),
                line(
                    "Property names",
                    "field_name_pattern",
                    view.field_name_pattern,
                    "A pattern for the whole name. Empty asks for nothing.",
                ),
                class_name="pair",
            ),
            rx.el.div(
                lines(
                    "Required properties", "required_fields", view.required_fields, "One a line; every event type must have them."
                ),
                lines(
                    "Forbidden properties", "forbidden_fields", view.forbidden_fields, "One a line; no event type may have them."
                ),
                class_name="pair",
            ),
            rx.el.div(
                line(
                    "Approvals before a merge", "minimum_approvals", view.minimum_approvals, "From 1 to 10.", input_mode="numeric"
                ),
                line(
                    "More for secret or health data",
                    "sensitive_approvals",
                    view.sensitive_approvals,
                    "On top, when a branch touches a property labelled as secret or health data.",
                    input_mode="numeric",
                ),
                class_name="pair",
            ),
            form_check("Nobody approves their own branch", "forbids_self_approval", checked=view.forbids_self_approval),
            form_check("Main changes only through branches", "protects_main", checked=view.protects_main),
            form_refusal(errors.get("", "")),
            rx.el.div(button("Save rules", kind="primary", type="submit"), class_name="form-foot"),
            on_submit=state.save,
            reset_on_submit=False,
            class_name="rules-form",
        ),
    )
