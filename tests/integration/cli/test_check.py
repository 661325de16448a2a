"""`plumbline check` against an instance and against a plan in a file."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields, RuleFilter, RuleSpec
from app.alerting.vocabulary import DestinationType, FilterField, FilterOperator
from app.cli.main import app
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest.records import Record, encode_records
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.plan.branching import service as branching
from models.plan import Event
from models.plan_entities import FieldDefinition
from models.projects import Project
from tests.eventstore_fixtures import event_store, session_event_store, store_process  # noqa: F401
from tests.factories import make_event, make_event_type, make_project

GOOD = {"service": "shop", "operation": "order_placed", "custom_attributes": {"total": 5}}


@pytest.fixture
def slug(engine):
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project, name="shop")
        session.add(
            FieldDefinition(event_type_id=kind.id, name="total", display_name="Total", field_type="number", is_required=True)
        )
        make_event(session, kind, name="order_placed")
        make_event(session, kind, name="order_refunded")
        return project.slug


def run(*arguments: str):
    return CliRunner().invoke(app, ["check", *arguments])


def test_good_payloads_pass_and_say_what_is_not_named(slug, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([GOOD, GOOD]))
    (tmp_path / "b.ndjson").write_text(json.dumps(GOOD) + "\n\n" + json.dumps(GOOD) + "\n")
    result = run(str(tmp_path), "--project", slug, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["payloads"], report["events"], report["findings"]) == (2, 4, [])
    assert report["unnamed"] == [{"event_type": "shop", "event": "order_refunded"}]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**GOOD, "custom_attributes": {}}, "total is missing"),
        ({**GOOD, "custom_attributes": {"total": "five"}}, "total"),
        ({**GOOD, "operation": "order_sent"}, "not in plan"),
        ({"operation": "x"}, "service"),
    ],
)
def test_what_breaks_the_plan_is_told_with_its_place(slug, tmp_path, event, reason):
    (tmp_path / "a.json").write_text(json.dumps([GOOD, event]))
    result = run(str(tmp_path / "a.json"), "--project", slug, "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["file"], finding["position"]) == ("a.json", 2)
    assert reason in finding["reason"]


def test_unknown_properties_are_refused_when_asked_for(slug, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**GOOD, "custom_attributes": {"total": 1, "extra": 2}}))
    assert run(str(tmp_path), "--project", slug).exit_code == 0
    strict = run(str(tmp_path), "--project", slug, "--strict")
    assert (strict.exit_code, "extra is not in the plan" in strict.output) == (1, True)


def test_source_code_is_searched_for_names(slug, tmp_path):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text('track("from elsewhere")')
    lines = ["const a = 1;", "analytics.track('order_placed', {total});", 'analytics.track("order_lost");', "track(name)"]
    (tmp_path / "app.ts").write_text("\n".join(lines))
    report_file = tmp_path / "report.md"
    result = run(str(tmp_path), "--project", slug, "--report", str(report_file))
    assert result.exit_code == 1
    text = report_file.read_text()
    assert "| `app.ts` | 3 | sends 'order_lost', which the plan does not hold |" in text
    assert "Planned and named nowhere: `order_refunded`." in text
    assert "from elsewhere" not in text


def test_a_plan_in_a_file_gives_the_same_answer_without_an_instance(slug, tmp_path, monkeypatch):
    exported = CliRunner().invoke(app, ["export", slug, "--output", str(tmp_path / "plan")])
    assert exported.exit_code == 0, exported.output
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    (tmp_path / "a.json").write_text(json.dumps([GOOD, {**GOOD, "custom_attributes": {}}]))
    result = run(str(tmp_path / "a.json"), "--plan", str(tmp_path / "plan"), "--json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert [one["position"] for one in report["findings"]] == [2]
    assert report["unnamed"] == [{"event_type": "shop", "event": "order_refunded"}]


def test_a_branch_is_checked_by_its_name(engine, slug, tmp_path):
    with session_scope(engine) as session:
        branch = branching.create_branch(session, SYSTEM_ACTOR, slug, "draft")
        row = session.exec(select(Event).where(Event.branch_id == branch.id, Event.name == "order_placed")).one()
        row.source_name = "order_sent"
    (tmp_path / "a.json").write_text(json.dumps({**GOOD, "operation": "order_sent"}))
    assert run(str(tmp_path), "--project", slug).exit_code == 1
    assert run(str(tmp_path), "--project", slug, "--branch", "draft").exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("--project", "x", "--plan", "."), ("--plan", ".", "--branch", "b")])
def test_usage_faults_have_their_own_exit_code(tmp_path, arguments):
    (tmp_path / "a.json").write_text("[]")
    assert run(str(tmp_path), *arguments).exit_code == 2


def test_a_folder_without_anything_to_look_at_is_a_usage_fault(slug, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    assert run(str(tmp_path), "--project", slug).exit_code == 2


def test_live_facts_tell_volume_last_arrival_and_the_alerts_that_name_an_event(slug, engine, event_store, tmp_path):  # noqa: F811
    with session_scope(engine) as session:
        project = session.exec(select(Project).where(Project.slug == slug)).one()
        placed = session.exec(select(Event).where(Event.name == "order_placed")).one()
        destination = alerting.create_destination(
            session, SYSTEM_ACTOR, slug, DestinationType.WEBHOOK, "Team", DestinationFields(target_url="https://93.184.216.34/hook")
        )
        wanted = RuleFilter(FilterField.EVENT, FilterOperator.IN, (placed.id,))
        alerting.create_rule(session, SYSTEM_ACTOR, slug, destination.id, RuleSpec("Orders stop", filters=(wanted,)))
        now = SYSTEM_CLOCK.now() - timedelta(hours=1)
        records = [Record("event", "shop", "order_placed", now, now, f"{project.id}-{n}", {}) for n in range(3)]
        lines = encode_records("events", project.tenant_id, project.id, records)
    event_store.insert_lines("events", lines.lines, rows=3, token=f"check-{project.id}")
    (tmp_path / "a.json").write_text(json.dumps(GOOD))
    result = run(str(tmp_path / "a.json"), "--project", slug, "--json")
    assert result.exit_code == 0, result.output
    (fact,) = json.loads(result.stdout)["live"]
    assert (fact["event"], fact["count_7_days"], fact["alerts"]) == ("order_placed", 3, ["Orders stop"])
    assert fact["last_seen_at"].startswith(now.strftime("%Y-%m-%dT%H:%M"))
