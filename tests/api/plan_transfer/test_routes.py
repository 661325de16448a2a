"""The routes that export and import: who may, what comes out, and that a fault leaves no trace."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.plan.branching.rows import load_snapshot
from app.plan.diff import diff
from app.plan.snapshot import Snapshot
from app.plan.transfer.records import MOST_BYTES
from models.branches import PlanRevision
from models.identity import AuditEntry
from models.plan import PlanBranch
from models.plan_entities import EventChange, EventFieldValue
from tests.api.plan.workbench import World, key_headers, make_world
from tests.factories import make_project

FORMATS = {"yaml": "application/zip", "json": "application/json", "csv": "text/csv; charset=utf-8"}


@pytest.fixture
def world(engine) -> World:
    with session_scope(engine) as session:
        return make_world(session)


@pytest.fixture
def empty(engine) -> str:
    """The slug of a project with an empty plan."""
    with session_scope(engine) as session:
        return make_project(session).slug


@pytest.fixture
def editor(member) -> dict[str, str]:
    return member(UserRole.EDITOR).headers


def plan_of(engine, branch_id: str) -> Snapshot:
    with session_scope(engine, write=False) as session:
        return load_snapshot(session, branch_id)


def traces(engine) -> list[int]:
    """How many rows there are of everything an import could leave behind."""
    with session_scope(engine, write=False) as session:
        tables = (PlanBranch, PlanRevision, AuditEntry, EventChange)
        return [session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]


def post(client, slug: str, headers: dict[str, str], name: str, data: bytes | str, **query: object):
    return client.post(f"/api/v1/projects/{slug}/plan/import", params=query, files={"file": (name, data)}, headers=headers)


@pytest.mark.parametrize("format_", ["yaml", "json"])
def test_an_exported_plan_imported_elsewhere_is_the_same_plan_on_a_branch(format_, client, engine, world, empty, editor):
    exported = client.get(f"{world.base}/plan/export", params={"format": format_}, headers=editor)
    assert (exported.status_code, exported.headers["content-type"]) == (200, FORMATS[format_])
    assert "attachment" in exported.headers["content-disposition"]
    answer = post(client, empty, editor, f"plan.{format_.replace('yaml', 'zip')}", exported.content, branch_name="Copy")
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert report["counts"] == {"created": 8, "changed": 0, "unchanged": 0, "error": 0}
    assert (report["branch"]["name"], report["branch"]["status"]) == ("Copy", "draft")
    assert diff(plan_of(engine, world.branch_id), plan_of(engine, report["branch"]["id"])) == []
    with session_scope(engine, write=False) as session:
        values = session.execute(sa.select(EventFieldValue.is_authored).where(EventFieldValue.event_id != world.event_id)).scalars()
        assert list(values) == [True]
        lines = session.execute(sa.select(EventChange.new_value).where(EventChange.field_name == "created")).scalars()
        assert sorted(str(line) for line in lines) == ["order_paid", "order_sent"]


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_plan_is_the_same_bytes_and_importing_it_again_makes_no_branch(format_, client, engine, world, editor):
    first, second = (client.get(f"{world.base}/plan/export", params={"format": format_}, headers=editor) for _ in range(2))
    assert first.content == second.content
    before = traces(engine)
    answer = client.post(f"{world.base}/plan/import", content=first.content, headers={**editor, "Content-Type": FORMATS[format_]})
    assert (answer.status_code, answer.json()["branch"]) == (200, None)
    assert traces(engine) == before


def test_a_table_changes_events_on_the_branch_and_leaves_main_alone(client, engine, world, editor):
    exported = client.get(f"{world.base}/plan/export", params={"format": "csv"}, headers=editor).text
    rows = list(csv.DictReader(io.StringIO(exported, newline="")))
    assert [row["name"] for row in rows] == ["order_paid", "order_sent"]
    assert (rows[0]["field:step"], rows[0]["meta:ticket"], rows[0]["tags"]) == ("${step_name}", "SHOP-1", "checkout")
    text = "event_type,name,description,field:sum\nshop,order_paid,=SUM(A1),3\nshop,refunded,New,\n"
    main = plan_of(engine, world.branch_id)
    report = post(client, world.slug, editor, "events.csv", text, branch_name="Table").json()
    assert [(row["status"], row["name"]) for row in report["rows"]] == [("changed", "order_paid"), ("created", "refunded")]
    assert report["rows"][0]["changes"][0] == "description: '' → '=SUM(A1)'"
    branch = plan_of(engine, report["branch"]["id"])
    assert [(entry.kind.value, entry.entity.name) for entry in diff(main, branch)] == [
        ("changed", "order_paid"),
        ("added", "refunded"),
    ]
    assert plan_of(engine, world.branch_id) == main
    answer = client.get(f"{world.base}/plan/export?format=csv&branch={report['branch']['id']}", headers=editor)
    assert "'=SUM(A1)" in answer.text
    history = client.get(f"{world.base}/branches/{report['branch']['id']}/diff", headers=editor).json()
    assert history["summary"] == {"added": 1, "removed": 0, "changed": 1}


def test_an_imported_branch_goes_through_review_and_merges(client, engine, world, editor):
    text = json.dumps(
        {"event_types": [{"name": "shop", "description": "All of the shop"}, {"name": "web", "events": [{"name": "x"}]}]}
    )
    branch_id = post(client, world.slug, editor, "plan.json", text).json()["branch"]["id"]
    branch = f"{world.base}/branches/{branch_id}"
    for action in ("submit", "approve"):
        client.post(f"{branch}/transition", json={"action": action}, headers=editor)
    with session_scope(engine) as session:
        session.execute(sa.text("DELETE FROM event_type_owners"))
    answer = client.post(f"{branch}/merge", headers=editor)
    assert answer.status_code == 200, answer.text
    assert "web" in {entity.name for entity in plan_of(engine, world.branch_id).entities}


def test_a_preview_tells_every_row_and_writes_nothing(client, engine, world, editor):
    before = traces(engine)
    text = "event_type,name,status\nshop,order_paid,live\nshop,x,nonsense\nnowhere,y,draft\nshop,order_sent,\n"
    answer = post(client, world.slug, editor, "events.csv", text, preview="true")
    assert answer.status_code == 200
    report = answer.json()
    assert report["counts"] == {"created": 0, "changed": 1, "unchanged": 1, "error": 2}
    assert {(row["file"], row["row"], row["column"]) for row in report["rows"] if row["status"] == "error"} == {
        ("events.csv", "row 3", "status"),
        ("events.csv", "row 4", "event_type"),
    }
    assert report["branch"] is None
    assert traces(engine) == before
    few = post(client, world.slug, editor, "events.csv", text, preview="true", limit=1).json()
    assert (len(few["rows"]), few["rows"][0]["status"], few["omitted_row_count"]) == (1, "error", 3)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("events.csv", "event_type,name\nshop,fine\nnowhere,x\n"),
        ("plan.json", '{"event_types": [{"name": "fine"}, {"name": "bad", "color": "red"}]}'),
        ("plan.yaml", "variables:\n- {name: fine}\n- {name: BAD}\n"),
        ("plan.zip", b"PK\x03\x04"),
        ("plan.pdf", b"%PDF"),
    ],
)
def test_one_fault_refuses_the_whole_file_and_leaves_no_trace(name, data, client, engine, world, editor):
    before = traces(engine)
    answer = post(client, world.slug, editor, name, data)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert detail["fault_count"] == len(detail["faults"]) == 1
    assert detail["faults"][0]["file"] == name
    assert detail["faults"][0]["reason"] in detail["message"]
    assert traces(engine) == before


def test_a_branch_name_that_is_taken_or_wrong_leaves_no_trace(client, engine, world, editor):
    text = '{"variables": [{"name": "fine"}]}'
    assert post(client, world.slug, editor, "a.json", text, branch_name="Once").status_code == 201
    before = traces(engine)
    other = '{"variables": [{"name": "finer"}]}'
    assert post(client, world.slug, editor, "a.json", other, branch_name="Once").status_code == 409
    assert post(client, world.slug, editor, "a.json", other, branch_name="main").status_code == 422
    assert post(client, world.slug, editor, "a.json", other, branch_name="a\x00b").status_code == 422
    assert traces(engine) == before


def test_who_may_export_and_who_may_import(client, engine, world, member):
    viewers = [
        member(UserRole.VIEWER).headers,
        key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.READ),
    ]
    for headers in viewers:
        assert client.get(f"{world.base}/plan/export?format=json", headers=headers).status_code == 200
        for preview in ("true", "false"):
            assert post(client, world.slug, headers, "plan.json", "{}", preview=preview).status_code == 403
    assert client.get(f"{world.base}/plan/export").status_code == 401
    assert post(client, world.slug, {}, "plan.json", "{}").status_code == 401
    with session_scope(engine) as session:
        elsewhere = make_project(session).id
    bound = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    assert client.get(f"{world.base}/plan/export", headers=bound).status_code == 403
    assert post(client, world.slug, bound, "plan.json", '{"variables": [{"name": "x"}]}').status_code == 403
    assert post(client, world.slug, bound, "plan.json", "{}", preview="true").status_code == 403


def test_unknown_projects_branches_and_formats_are_refused(client, engine, world, editor):
    with session_scope(engine) as session:
        foreign = make_world(session).branch_id
    assert client.get("/api/v1/projects/nowhere/plan/export", headers=editor).status_code == 404
    assert post(client, "nowhere", editor, "plan.json", '{"variables": []}').status_code == 404
    assert client.get(f"{world.base}/plan/export?branch={foreign}", headers=editor).status_code == 404
    assert client.get(f"{world.base}/plan/export?branch=x", headers=editor).status_code == 400
    assert client.get(f"{world.base}/plan/export?format=xls", headers=editor).status_code == 422
    assert client.post(f"{world.base}/plan/import", files={"other": b"x"}, headers=editor).status_code == 422


def test_a_body_over_ten_megabytes_is_refused_before_it_is_read(client, world, editor):
    for headers in (editor, {**editor, "Content-Type": "text/csv"}):
        body = {"files": {"file": ("a.csv", b"x" * (MOST_BYTES + 20_000))}} if headers is editor else {"content": _chunks()}
        answer = client.post(f"{world.base}/plan/import", headers=headers, **body)
        assert answer.status_code == 413, answer.text


def _chunks() -> Iterator[bytes]:
    for _ in range(MOST_BYTES // 65_536 + 2):
        yield b"x" * 65_536


def test_a_zip_bomb_is_refused(client, engine, world, editor):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("variables.yaml", b" " * (4 * MOST_BYTES))
    before = traces(engine)
    answer = post(client, world.slug, editor, "plan.zip", buffer.getvalue())
    assert (answer.status_code, traces(engine)) == (422, before)
