"""Tenants of the event API: what they may use, what they used today, and whether they may send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.frame import workspace_frame
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, Conflict
from app.page_states import LoadedState, page_body
from app.presentation import Phase
from app.tenants import service
from app.tenants.service import QUOTAS, TenantDraft, TenantStatus, TenantView
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    page_header,
    select_input,
    text_input,
    toast_done,
    toast_failed,
)
from components.inline_edit import cell_select, form_refusal
from components.shell import Crumb
from components.token_panel import token_panel

SHOWN = 200
PLANS = [(plan.value, plan.value.capitalize()) for plan in QUOTAS]
STATUSES = [(status.value, status.value.capitalize()) for status in TenantStatus]
_NEARLY = 0.8


@dataclass(frozen=True)
class TenantRow:
    """One tenant as a line."""

    id: str
    name: str
    domain: str
    plan: str
    status: str
    events: str
    is_nearly_used: bool
    anomalies: str
    storage: str
    requests: str
    projects: str


def tenant_rows(session: Session, actor: Actor) -> list[TenantRow]:
    """The newest tenants with what they used today. Errors: Forbidden below administrator."""
    views, _ = service.list_tenants(session, actor, SHOWN, 0, SYSTEM_CLOCK.now())
    return [tenant_row(view) for view in views]


def tenant_row(view: TenantView) -> TenantRow:
    """The tenant as a line."""
    quotas, usage = view.quotas, view.usage
    return TenantRow(
        id=view.id,
        name=view.name,
        domain=view.domain or "",
        plan=view.plan,
        status=view.status,
        events=_used(usage.events, quotas.events_per_day),
        is_nearly_used=quotas.events_per_day is not None and usage.events >= _NEARLY * quotas.events_per_day,
        anomalies=_used(usage.anomalies, quotas.anomalies_per_day),
        storage=f"{usage.storage_gb:.2f} of {quotas.storage_gb:,} GB",
        requests=f"{usage.api_requests:,}",
        projects=", ".join(view.projects) or "none",
    )


def _used(used: int, limit: int | None) -> str:
    return f"{used:,} of {limit:,}" if limit is not None else "no limit"


class TenantsState(LoadedState):
    """The list of tenants and the form for another one."""

    rows: list[TenantRow] = []
    is_creating: bool = False
    errors: dict[str, str] = {}
    new_key: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Show every tenant."""
        self._begin("tenants")
        self.is_creating, self.new_key, self.errors = False, "", {}
        with self._loading():
            self.rows = await self._read(tenant_rows)
        if self.phase == Phase.FORBIDDEN:
            # The service speaks to callers of the API, of keys and scopes.
            self.problem = "Only owners of this instance manage tenants."
        yield

    @rx.event
    async def choose_plan(self, tenant_id: str, plan: str) -> EventSpec:
        """Put the tenant on a plan."""
        return await self._change(tenant_id, plan=plan)

    @rx.event
    async def choose_status(self, tenant_id: str, status: str) -> EventSpec:
        """Let the tenant send, or not."""
        return await self._change(tenant_id, status=status)

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open or close the form."""
        self.is_creating, self.errors = is_open, {}

    @rx.event
    async def create(self, form: dict[str, Any]) -> None:
        """Make a tenant and show its key once."""
        if not self.is_creating:
            return  # the second of two quick presses
        draft = TenantDraft(str(form.get("name", "")), str(form.get("domain", "")), str(form.get("plan", "")))
        try:
            made = await self._call(service.create_tenant, draft, SYSTEM_CLOCK.now())
            self.rows = await self._read(tenant_rows)
        except AppError as refusal:
            self.errors = _errors_of(refusal)
            return
        self.is_creating, self.errors, self.new_key = False, {}, made.api_key or ""

    @rx.event
    def forget_key(self) -> None:
        """The person has copied it."""
        self.new_key = ""

    async def _change(self, tenant_id: str, **changes: str) -> EventSpec:
        try:
            view = await self._call(service.update_tenant, tenant_id, changes, SYSTEM_CLOCK.now())
            self.rows = await self._read(tenant_rows)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done(f"{view.name} is changed; senders notice within seconds")


def _errors_of(refusal: AppError) -> dict[str, str]:
    """The refusal at the field it speaks of: the service answers callers of the API, whose answers name fields in words."""
    text = refusal.message[:1].upper() + refusal.message[1:]
    about = "domain" if isinstance(refusal, Conflict) else text.partition(" ")[0].lower()
    return {about if about in ("name", "domain") else "": text}


@page(route="/settings/tenants", title="Tenants · Plumbline", on_load=TenantsState.load)
def tenants_page() -> rx.Component:
    """The page."""
    state: Any = TenantsState
    add = button(rx.icon("plus", size=14), "Add tenant", kind="primary", on_click=state.set_creating(True))
    return workspace_frame(
        page_body(
            state,
            page_header(
                "Tenants",
                rx.cond(state.rows.length() > 0, add, rx.fragment()),
                note="Customers of the event API with their own plans and quotas. Counts are of today, UTC.",
            ),
            token_panel(state.new_key, "The key of the tenant", on_done=state.forget_key),
            data_table(
                [
                    Column("Tenant", lambda row: rx.el.div(row.name, rx.el.span(row.domain, class_name="cell-sub"))),
                    Column(
                        "Plan",
                        lambda row: cell_select(
                            PLANS, f"Plan of {row.name}", row.plan, lambda plan: state.choose_plan(row.id, plan)
                        ),
                        width="130px",
                    ),
                    Column(
                        "Status",
                        lambda row: cell_select(
                            STATUSES, f"Status of {row.name}", row.status, lambda status: state.choose_status(row.id, status)
                        ),
                        width="130px",
                    ),
                    Column("Events", lambda row: rx.cond(row.is_nearly_used, badge(row.events, "warn"), row.events)),
                    Column("Anomalies", lambda row: row.anomalies, secondary=True),
                    Column("Storage", lambda row: row.storage, secondary=True),
                    Column("Requests", lambda row: row.requests, numeric=True, secondary=True),
                    Column("Projects", lambda row: row.projects, secondary=True),
                ],
                state.rows,
                caption="Tenants, newest first",
                empty=empty_state(
                    "No tenants",
                    "This instance's own projects need none. A tenant has its own plan, quota and keys.",
                    button("Add the first tenant", kind="primary", on_click=state.set_creating(True)),
                ),
            ),
            _dialog(state),
            on_retry=state.load,
        ),
        active="tenants",
        crumbs=[Crumb("Tenants")],
    )


def _dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, max_length=255, auto_focus=True),
                field_id="name",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Domain",
                text_input(field_id="domain", name="domain", required=True, max_length=253, placeholder="customer.example"),
                field_id="domain",
                error=state.errors.get("domain", ""),
            ),
            form_field("Plan", select_input(PLANS, field_id="plan", name="plan"), field_id="plan"),
            form_refusal(state.errors.get("", "")),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Add tenant", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="Add a tenant",
        description="It gets a project and a key; the key is shown once.",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
