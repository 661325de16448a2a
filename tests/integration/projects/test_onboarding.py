from __future__ import annotations

import re

import pytest
from sqlmodel import select

from app.detection import service as detection
from app.identity.contracts import SYSTEM_ACTOR, IngestScope, TenantPlan, UserRole
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.projects import onboarding
from app.projects import service as projects
from models.identity import IngestKey, Tenant
from models.projects import Project
from models.scans import ScanConfig
from tests.factories import make_actor, make_project, make_tenant


def key(session, clock, actor=SYSTEM_ACTOR, slug="shop", **details):
    return onboarding.create_watched_ingest_key(session, actor, project_slug=slug, name="Web", now=clock.now(), **details)


def is_watched(session, slug):
    project = projects.get_project(session, SYSTEM_ACTOR, slug)
    scans = session.exec(select(ScanConfig).where(ScanConfig.project_id == project.id)).all()
    return len(scans) == 1 and detection.get_settings(session, SYSTEM_ACTOR, slug).anomaly_detection_enabled


def test_a_watched_project_has_its_scan_and_detection_from_the_start(session):
    onboarding.create_watched_project(session, make_actor(session), "Shop", "shop")
    assert is_watched(session, "shop")


def test_watching_twice_changes_nothing_and_respects_a_choice(session):
    project = onboarding.create_watched_project(session, make_actor(session), "Shop", "shop")
    detection.update_settings(session, SYSTEM_ACTOR, "shop", {"anomaly_detection_enabled": False})
    onboarding.ensure_watched(session, project)
    assert len(session.exec(select(ScanConfig)).all()) == 1
    assert not detection.get_settings(session, SYSTEM_ACTOR, "shop").anomaly_detection_enabled


def test_a_key_for_a_missing_project_makes_it(session, clock):
    view, token = key(session, clock, scope=IngestScope.APPEND)
    assert token.startswith("pl_ev_")
    project = session.get_one(Project, view.project_id)
    assert (project.slug, project.name, project.tenant_id) == ("shop", "Shop", "tenant_default")
    assert is_watched(session, "shop")


def test_a_key_without_a_project_goes_to_the_default_one(session, clock):
    first, _ = key(session, clock, slug=None)
    second, _ = key(session, clock, slug=None)
    assert first.project_id == second.project_id
    assert session.get_one(Project, first.project_id).slug == "default"


@pytest.mark.parametrize("plan", ["trial", "starter", "pro", "enterprise"])
def test_a_plan_puts_the_new_project_on_a_tenant_of_its_own(session, clock, plan):
    view, _ = key(session, clock, slug=None, plan=plan)
    project = session.get_one(Project, view.project_id)
    tenant = session.get_one(Tenant, project.tenant_id)
    assert re.fullmatch(rf"{plan}-[0-9a-f]{{6}}", project.slug)
    assert tenant.id.startswith("tenant_")
    assert tenant.id != "tenant_default"
    assert (tenant.plan, view.tenant_id) == (plan, tenant.id)


def test_two_plans_make_two_tenants(session, clock):
    first, _ = key(session, clock, slug="a", plan=TenantPlan.TRIAL)
    second, _ = key(session, clock, slug="b", plan=TenantPlan.TRIAL)
    assert first.tenant_id != second.tenant_id


def test_an_existing_project_keeps_its_plan(session, clock):
    tenant = make_tenant(session, TenantPlan.PRO)
    make_project(session, slug="shop", tenant_id=tenant.id)
    view, _ = key(session, clock, plan="pro")
    assert view.tenant_id == tenant.id
    with pytest.raises(Conflict, match="is on the plan pro"):
        key(session, clock, plan="trial")
    assert len(session.exec(select(IngestKey)).all()) == 1
    assert is_watched(session, "shop")


def test_a_key_into_an_existing_project_watches_it(session, clock):
    make_project(session, slug="shop")
    onboarding.create_ingest_key(session, make_actor(session), "shop", name="Web", now=clock.now())
    assert is_watched(session, "shop")
    with pytest.raises(NotFound):
        onboarding.create_ingest_key(session, make_actor(session), "nowhere", name="Web", now=clock.now())


def test_only_owners_choose_a_plan_and_only_editors_make_keys(session, clock):
    with pytest.raises(Forbidden):
        key(session, clock, actor=make_actor(session, UserRole.EDITOR), plan="pro")
    with pytest.raises(Forbidden):
        key(session, clock, actor=make_actor(session, UserRole.VIEWER))


def test_a_bad_slug_is_refused_before_anything_is_made(session, clock):
    with pytest.raises(InvalidInput):
        key(session, clock, slug="No Slug")
    assert session.exec(select(Project)).all() == []
