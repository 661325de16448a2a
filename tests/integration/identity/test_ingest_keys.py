from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app.identity import service
from app.identity.contracts import Actor, ApiKeyScope, IngestKind, IngestScope, TenantPlan, UserRole, Via
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from models.identity import AuditEntry, IngestKey
from tests.factories import make_actor, make_ingest_key, make_project, make_tenant


def create(session, actor, slug, clock, **details):
    return service.create_ingest_key(session, actor, slug, name="Web", now=clock.now(), **details)


def test_a_key_stands_for_its_project_and_tenant(session, clock):
    tenant = make_tenant(session, TenantPlan.PRO)
    project = make_project(session, tenant_id=tenant.id)
    view, token = create(session, make_actor(session), project.slug, clock, expires_in_days=2)
    assert re.fullmatch(r"pl_ev_[A-Za-z0-9_-]{32}", token)
    assert view.key_prefix == token[:11]
    principal = service.ingest_principal_for(session, token, clock.now())
    assert (principal.key_id, principal.tenant_id, principal.project_id) == (view.id, tenant.id, project.id)
    assert (principal.kind, principal.scope) == (IngestKind.EVENTS, IngestScope.APPEND)
    assert (principal.tenant_plan, principal.tenant_status) == ("pro", "active")
    assert principal.expires_at == clock.now() + timedelta(days=2)


def test_the_default_tenant_is_there_and_unlimited(session, clock):
    project = make_project(session)
    _, token = create(session, make_actor(session), project.slug, clock)
    principal = service.ingest_principal_for(session, token, clock.now())
    assert (principal.tenant_id, principal.tenant_plan) == ("tenant_default", "enterprise")


def test_only_a_hash_is_stored_and_the_audit_log_holds_no_secret(session, clock):
    project = make_project(session)
    _, token = create(session, make_actor(session), project.slug, clock)
    row = session.exec(select(IngestKey)).one()
    entry = session.exec(select(AuditEntry)).one()
    assert token not in (row.token_hash, row.key_prefix)
    assert (entry.action, entry.project_slug) == ("ingest_key.create", project.slug)
    assert token not in str(entry.payload)


def test_an_unknown_or_revoked_key_stands_for_nothing(session, clock):
    project = make_project(session)
    actor = make_actor(session)
    view, token = create(session, actor, project.slug, clock)
    assert service.ingest_principal_for(session, token + "x", clock.now()) is None
    service.revoke_ingest_key(session, actor, project.slug, view.id, clock.now())
    assert service.ingest_principal_for(session, token, clock.now()) is None
    first = session.exec(select(IngestKey)).one().revoked_at
    clock.advance(timedelta(hours=1))
    service.revoke_ingest_key(session, actor, project.slug, view.id, clock.now())
    assert session.exec(select(IngestKey)).one().revoked_at == first


def test_a_project_sees_and_revokes_its_own_keys_only(session, clock):
    actor = make_actor(session)
    project, other = make_project(session), make_project(session)
    mine, _ = make_ingest_key(session, project)
    theirs, _ = make_ingest_key(session, other)
    assert [key.id for key in service.list_ingest_keys(session, actor, project.slug)] == [mine.id]
    with pytest.raises(NotFound):
        service.revoke_ingest_key(session, actor, project.slug, theirs.id, clock.now())


def test_viewers_look_and_editors_make(session, clock):
    project = make_project(session)
    viewer = make_actor(session, UserRole.VIEWER)
    key, _ = make_ingest_key(session, project)
    assert service.list_ingest_keys(session, viewer, project.slug)
    with pytest.raises(Forbidden):
        create(session, viewer, project.slug, clock)
    with pytest.raises(Forbidden):
        service.revoke_ingest_key(session, viewer, project.slug, key.id, clock.now())


def test_a_caller_bound_to_another_project_is_refused(session, clock):
    project, other = make_project(session), make_project(session)
    bound = Actor("u", "a@b.c", "A", UserRole.OWNER, Via.KEY, ApiKeyScope.WRITE, other.id)
    for slug in (project.slug, "nowhere"):
        with pytest.raises(Forbidden, match="single project"):
            service.list_ingest_keys(session, bound, slug)
        with pytest.raises(Forbidden, match="single project"):
            create(session, bound, slug, clock)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_key_needs_a_name(session, clock, name):
    project = make_project(session)
    with pytest.raises(InvalidInput):
        service.create_ingest_key(session, make_actor(session), project.slug, name=name, now=clock.now())


def test_an_unknown_project_gets_no_key(session, clock):
    with pytest.raises(NotFound):
        create(session, make_actor(session), "nowhere", clock)


def test_only_owners_make_tenants(session, clock):
    with pytest.raises(Forbidden):
        service.create_tenant(session, make_actor(session, UserRole.EDITOR), name="T", plan=TenantPlan.PRO, now=clock.now())
    made = service.create_tenant(session, make_actor(session, UserRole.OWNER), name="T", plan=TenantPlan.PRO, now=clock.now())
    assert made.startswith("tenant_")
    assert service.tenant_plan(session, made) is TenantPlan.PRO
