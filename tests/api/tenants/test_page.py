"""What the page of tenants shows, and to whom."""

from __future__ import annotations

import pytest

from app.identity.contracts import TenantPlan, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden
from app.tenants import service
from app.tenants.pages.tenants import tenant_rows
from models.identity import QuotaUsage
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401
from tests.factories import make_actor, make_tenant


def test_tenants_are_shown_with_what_they_used_today(engine, event_store):  # noqa: F811
    today = SYSTEM_CLOCK.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with session_scope(engine) as session:
        owner = make_actor(session, UserRole.OWNER)
        made = service.create_tenant(session, owner, service.TenantDraft("Acme", "acme.example", "starter"), SYSTEM_CLOCK.now())
        session.add(QuotaUsage(tenant_id=made.id, resource="events", window_start=today, used=4_500))
        make_tenant(session, TenantPlan.ENTERPRISE)
    with session_scope(engine, write=False) as session:
        rows = {row.name: row for row in tenant_rows(session, owner)}
    acme = rows["Acme"]
    assert (acme.domain, acme.plan, acme.status) == ("acme.example", "starter", "trial")
    assert (acme.events, acme.is_nearly_used, acme.anomalies) == ("4,500 of 5,000", True, "0 of 500")
    assert acme.storage == "0.00 of 50 GB"
    other = next(row for name, row in rows.items() if name != "Acme")
    assert (other.events, other.is_nearly_used) == ("no limit", False)


@pytest.mark.parametrize("role", [UserRole.VIEWER, UserRole.EDITOR])
def test_only_owners_see_them(engine, role):
    with session_scope(engine) as session, pytest.raises(Forbidden):
        tenant_rows(session, make_actor(session, role))
