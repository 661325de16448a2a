from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.identity import AuditEntry
from models.metrics import MetricCoverage
from models.plan import PlanBranch
from models.plan_entities import Variable
from models.projects import Project, ProjectRemoval
from tests.factories import (
    main_branch,
    make_anomaly,
    make_event,
    make_event_type,
    make_project,
    make_scan_config,
    make_scan_job,
)

PROJECTS = "/api/v1/projects"
SUMMARY = {
    "event_type_count", "event_count", "active_event_count", "implemented_event_count", "review_pending_event_count",
    "archived_event_count", "variable_count", "scan_count", "failing_scan_config_count", "alert_destination_count",
    "monitoring_signal_count", "firing_monitor_count", "latest_scan_job", "latest_signal",
}  # fmt: skip


def create(client, headers, slug="shop", **extra):
    return client.post(PROJECTS, json={"name": "Shop", "slug": slug, **extra}, headers=headers)


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.OWNER])
def test_an_editor_makes_a_project_with_its_main_branch(client, member, engine, role):
    caller = member(role)
    answer = create(client, caller.headers, description="Web shop")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["slug"], body["description"]) == ("Shop", "shop", "Web shop")
    assert set(body["summary"]) == SUMMARY
    assert {key: value for key, value in body["summary"].items() if value} == {}
    with session_scope(engine) as session:
        project = session.get_one(Project, body["id"])
        assert (project.tenant_id, project.created_by) == ("tenant_default", caller.user.id)
        assert session.exec(select(PlanBranch).where(PlanBranch.project_id == project.id)).one().kind == "main"
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "project.create")).one()
        assert (entry.actor_email, entry.project_slug) == (caller.user.email, "shop")


def test_a_viewer_makes_changes_and_deletes_no_project(client, member):
    create(client, member().headers)
    headers = member(UserRole.VIEWER).headers
    for answer, message in (
        (create(client, headers, "other"), "Editor role required"),
        (client.post(f"{PROJECTS}/demo", headers=headers), "Editor role required"),
        (client.post(f"{PROJECTS}/demo/shop/reset", headers=headers), "Editor role required"),
        (client.patch(f"{PROJECTS}/shop", json={"name": "X"}, headers=headers), "Editor role required"),
        (client.delete(f"{PROJECTS}/shop", headers=headers), "Owner role required"),
    ):
        assert (answer.status_code, answer.json()) == (403, {"detail": message})


def test_a_slug_is_taken_once(client, member):
    headers = member().headers
    create(client, headers)
    answer = create(client, headers)
    assert (answer.status_code, answer.json()) == (409, {"detail": "A project with this slug already exists"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "slug": "a"},
        {"name": "  ", "slug": "a"},
        {"name": "x" * 256, "slug": "a"},
        {"name": "A"},
        {"name": "A", "slug": ""},
        {"name": "A", "slug": "Shop"},
        {"name": "A", "slug": "a--b"},
        {"name": "A", "slug": "a\n"},
        {"name": "A", "slug": "x" * 256},
        {"name": "A", "slug": "a", "description": None},
    ],
)
def test_a_bad_project_is_refused(client, member, body):
    answer = client.post(PROJECTS, json=body, headers=member().headers)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)


@pytest.mark.parametrize("slug", ["nowhere", "Shop", "a%00b", "..", "x" * 300])
def test_an_unknown_project_is_not_found(client, member, slug):
    headers = member().headers
    if slug != "..":
        answer = client.get(f"{PROJECTS}/{slug}", headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Project not found"})
        assert client.patch(f"{PROJECTS}/{slug}", json={"name": "A"}, headers=headers).status_code == 404
        assert client.delete(f"{PROJECTS}/{slug}", headers=headers).status_code == 404
        assert client.get(f"/api/v1/activity/projects/{slug}", headers=headers).status_code == 404


def test_projects_are_listed_by_name_whatever_its_case(client, member):
    headers = member().headers
    for name, slug in (("beta", "b"), ("Alpha", "a"), ("Gamma", "g")):
        client.post(PROJECTS, json={"name": name, "slug": slug}, headers=headers)
    listed = client.get(PROJECTS, headers=member(UserRole.VIEWER).headers).json()
    assert [entry["name"] for entry in listed] == ["Alpha", "beta", "Gamma"]


def test_only_the_given_parts_of_a_project_change(client, member, engine):
    headers = member(UserRole.EDITOR).headers
    before = create(client, headers, description="Old").json()
    answer = client.patch(f"{PROJECTS}/shop", json={"description": "", "name": None}, headers=headers)
    assert answer.status_code == 200
    after = answer.json()
    assert (after["name"], after["slug"], after["description"]) == ("Shop", "shop", "")
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]
    with session_scope(engine) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "project.update")).one()
        assert entry.payload == {"description": ""}


def test_a_project_moves_to_another_slug(client, member):
    headers = member().headers
    create(client, headers)
    assert client.patch(f"{PROJECTS}/shop", json={"slug": "store"}, headers=headers).json()["slug"] == "store"
    assert client.get(f"{PROJECTS}/shop", headers=headers).status_code == 404
    assert client.get(f"{PROJECTS}/store", headers=headers).status_code == 200
    assert create(client, headers, "shop").status_code == 201


def test_a_project_does_not_move_to_a_taken_slug_but_may_keep_its_own(client, member):
    headers = member().headers
    create(client, headers)
    create(client, headers, "other")
    answer = client.patch(f"{PROJECTS}/shop", json={"slug": "other"}, headers=headers)
    assert (answer.status_code, answer.json()) == (409, {"detail": "A project with this slug already exists"})
    assert client.get(f"{PROJECTS}/shop", headers=headers).status_code == 200
    assert client.patch(f"{PROJECTS}/shop", json={"slug": "shop"}, headers=headers).status_code == 200


@pytest.mark.parametrize("body", [{"slug": "A"}, {"name": ""}, {"name": " "}, {"slug": "a_b"}])
def test_a_bad_change_is_refused(client, member, body):
    headers = member().headers
    create(client, headers)
    assert client.patch(f"{PROJECTS}/shop", json=body, headers=headers).status_code == 422


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.VIEWER])
def test_only_an_owner_deletes_a_project(client, member, role):
    create(client, member().headers)
    answer = client.delete(f"{PROJECTS}/shop", headers=member(role).headers)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Owner role required"})


def test_a_deleted_project_is_gone_and_its_records_are_noted_for_removal(client, member, engine, stored):
    headers = member().headers
    body = create(client, headers).json()
    answer = client.delete(f"{PROJECTS}/shop", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{PROJECTS}/shop", headers=headers).status_code == 404
    assert client.get(PROJECTS, headers=headers).json() == []
    assert stored.deleted == [("tenant_default", body["id"])]
    with session_scope(engine) as session:
        assert session.exec(select(ProjectRemoval)).one().project_id == body["id"]
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "project.delete")).one()
        assert (entry.project_slug, entry.payload) == ("shop", {"name": "Shop"})


def test_a_deletion_is_answered_while_the_event_store_is_down(client, member, engine, stored):
    headers = member().headers
    create(client, headers)
    stored.is_down = True
    assert client.delete(f"{PROJECTS}/shop", headers=headers).status_code == 204
    with session_scope(engine) as session:
        assert session.exec(select(ProjectRemoval)).one().last_error == "down"


def summary_of(client, headers, slug="shop"):
    body = client.get(f"{PROJECTS}/{slug}", headers=headers).json()["summary"]
    assert body == next(each for each in client.get(PROJECTS, headers=headers).json() if each["slug"] == slug)["summary"]
    return body


def test_a_summary_counts_main_by_status_and_no_other_branch_or_project(client, member, engine):
    with session_scope(engine) as session:
        project, other = make_project(session, slug="shop"), make_project(session)
        page, click = make_event_type(session, project), make_event_type(session, project)
        for status in ("draft", "in_review", "in_review", "ready_for_dev", "implemented", "live", "deprecated", "archived"):
            make_event(session, page, status=status)
        make_event(session, click, status="live")
        session.add(Variable(project_id=project.id, branch_id=main_branch(session, project).id, name="user_id"))
        branch = PlanBranch(project_id=project.id, name="idea", kind="working", status="draft")
        session.add(branch)
        session.flush()
        make_event(session, make_event_type(session, project, branch=branch))
        make_event(session, make_event_type(session, other))
    body = summary_of(client, member().headers)
    assert {key: body[key] for key in SUMMARY if isinstance(body[key], int) and body[key]} == {
        "event_type_count": 2,
        "event_count": 9,
        "active_event_count": 8,
        "implemented_event_count": 3,
        "review_pending_event_count": 2,
        "archived_event_count": 1,
        "variable_count": 1,
    }


def test_a_summary_names_the_newest_job_and_counts_failing_scans(client, member, engine):
    now = datetime.now(UTC)
    with session_scope(engine) as session:
        project = make_project(session, slug="shop")
        first, second = make_scan_config(session, project, name="Hourly"), make_scan_config(session, project)
        second.consecutive_failures = 2
        make_scan_job(session, second, status="failed", created_at=now - timedelta(minutes=2))
        newest = make_scan_job(session, first, status="running", created_at=now - timedelta(minutes=1))
        newest.result_summary = {"mode": "metrics_collection"}
    body = summary_of(client, member().headers)
    assert (body["scan_count"], body["failing_scan_config_count"]) == (2, 1)
    job = body["latest_scan_job"]
    assert (job["id"], job["scan_name"], job["status"]) == (newest.id, "Hourly", "running")
    assert job["result_summary"] == {"mode": "metrics_collection"}
    assert set(job) == {
        "id", "scan_config_id", "scan_name", "status", "started_at", "completed_at", "result_summary", "error_message",
        "created_at",
    }  # fmt: skip


def test_a_summary_counts_significant_signals_and_shows_the_newest(client, member, engine):
    bucket = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    with session_scope(engine) as session:
        project = make_project(session, slug="shop")
        config = make_scan_config(session, project, name="Hourly")
        quiet = make_event_type(session, project)
        session.add(MetricCoverage(scan_config_id=config.id, bucket=bucket, total_count=10, matched_count=10))
        make_anomaly(session, config, bucket=bucket, actual=50, expected=100)
        make_anomaly(session, config, bucket=bucket - timedelta(hours=1), scope_type="event_type", scope_ref=quiet.id, actual=70)
    body = summary_of(client, member().headers)
    assert body["monitoring_signal_count"] == 1
    signal = body["latest_signal"]
    assert (signal["scope_type"], signal["scan_name"], signal["direction"]) == ("project_total", "Hourly", "drop")
    assert (signal["actual_count"], signal["expected_count"], signal["state"]) == (50, 100.0, "latest_scan")
    assert set(signal) == {
        "scan_config_id", "scan_name", "scope_type", "scope_ref", "scope_name", "state", "bucket", "actual_count",
        "expected_count", "z_score", "direction",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PROJECTS),
        ("POST", PROJECTS),
        ("POST", f"{PROJECTS}/demo"),
        ("GET", f"{PROJECTS}/shop"),
        ("PATCH", f"{PROJECTS}/shop"),
        ("DELETE", f"{PROJECTS}/shop"),
        ("GET", "/api/v1/activity"),
        ("GET", "/api/v1/activity/projects/shop"),
    ],
)
def test_nothing_is_shown_or_done_without_signing_in(client, method, path):
    assert client.request(method, path, json={"name": "A", "slug": "a"}).status_code == 401


@pytest.mark.parametrize("field", ["name", "description"])
def test_text_that_cannot_be_kept_is_refused_at_its_field(client, member, field):
    headers = member(UserRole.EDITOR).headers
    body = f'{{"name": "Shop", "slug": "shop", "{field}": "broken \\ud800"}}'
    answer = client.post(PROJECTS, content=body, headers={**headers, "Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


def test_a_demo_project_is_made_anew_in_its_place_and_an_ordinary_one_is_not(client, member, engine):
    headers = member().headers
    create(client, headers)
    assert client.post(f"{PROJECTS}/demo/shop/reset", headers=headers).status_code == 400
    assert client.post(f"{PROJECTS}/demo/nobody/reset", headers=headers).status_code == 404
    demo = client.post(f"{PROJECTS}/demo", headers=headers).json()
    reset = f"{PROJECTS}/demo/{demo['slug']}/reset"
    assert client.post(reset, headers=headers).status_code == 409, "it is being filled"
    with session_scope(engine) as session:
        session.get_one(Project, demo["id"]).generation_status = "failed"
    answer = client.post(reset, headers=headers)
    assert (answer.status_code, answer.json()["id"], answer.json()["generation_status"]) == (200, demo["id"], "running")
    with session_scope(engine) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "project.reset")).one()
        assert (entry.project_slug, entry.target_id) == (demo["slug"], demo["id"])
