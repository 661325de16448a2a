"""One person's records go from everywhere they are stored or quoted, provably, and nobody else's do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col
from typer.testing import CliRunner

from app.cli.main import app as command
from app.erasure import service
from app.erasure.contracts import ErasureStatus
from app.erasure.identities import ERASED
from app.identity.contracts import SYSTEM_ACTOR
from app.ingest import service as ingest
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from models.anomalies import StreamAnomaly
from models.erasure import Erasure
from models.identity import AuditEntry
from models.metrics import MetricBreakdown
from models.projects import Project
from models.security import SecurityActorScore, SecurityAlert
from tests.eventstore_fixtures import StoredProject
from tests.factories import make_project, make_scan_config, make_tenant
from tests.integration.eventstore.rows import event, instant, lines, token

PERSON = 'u+1 "Ünal"; o\'x \\ {y}'


@pytest.fixture
def project(engine) -> Project:
    with session_scope() as session:
        return make_project(session, tenant_id=make_tenant(session).id)


def place_of(project: Project) -> StoredProject:
    return StoredProject(project.tenant_id, project.id)


def insert(store, *rows: dict[str, object], table: str = "events") -> None:
    store.insert_lines(table, lines(*rows), rows=len(rows), token=token())


def names(store, project: Project, table: str = "events", column: str = "name") -> list[str]:
    sql = (
        f"SELECT {column} FROM {{database}}.{table} "
        f"WHERE tenant_id = {{{{tenant:String}}}} AND project_id = {{{{project:String}}}} ORDER BY 1"
    )
    return [row[0] for row in store.select(sql, project.tenant_id, project.id, {})]


def ask(project: Project, clock, user_id: str = PERSON) -> str:
    with session_scope() as session:
        return service.request_erasure(session, SYSTEM_ACTOR, project.slug, user_id, clock.now(), holder="test").id


def carry_out(erasure_id: str, store, clock, **more) -> bool:
    tools = service.Tools(lambda: store, clock=clock, settled_after=timedelta(0), **more)
    return service.carry_out(erasure_id, "test", tools)


def erasure(erasure_id: str) -> Erasure:
    with session_scope(write=False) as session:
        return session.get_one(Erasure, erasure_id)


def quote(project: Project, clock) -> None:
    """The person in everything of the database that quotes records."""
    now = clock.now()
    with session_scope() as session:
        config = make_scan_config(session, session.get_one(Project, project.id))
        for actor in (PERSON, "somebody else"):
            session.add(SecurityActorScore(project_id=project.id, day=now.date(), actor_id=actor, scored_at=now))
            session.add(
                SecurityAlert(
                    project_id=project.id, alert_type="brute_force", severity="high", title="t", actor_id=actor,
                    trigger_event_id="e", last_event_at=now, details={"actors": [PERSON, "u+1"]},
                )
            )  # fmt: skip
            for column in ("user_id", "country"):
                session.add(
                    MetricBreakdown(
                        scan_config_id=config.id, scope_type="event", scope_ref="e", breakdown_column=column,
                        breakdown_value=actor, is_other=False, bucket=now, count=1,
                    )
                )  # fmt: skip
        session.add(
            StreamAnomaly(
                id="anomaly_1", tenant_id=project.tenant_id, project_id=project.id, service="web", window_end_id="w",
                timestamp=now, severity="high", confidence=1.0, type="t",
                details={"user_id": PERSON, "service": "web"}, evidence={"raw": json.dumps({"user_id": PERSON, "n": 1})},
            )
        )  # fmt: skip


def test_everything_of_the_person_goes_and_the_certificate_proves_it(event_store, clock, project):
    now, place = clock.now(), place_of(project)
    with session_scope() as session:
        other = make_project(session, tenant_id=project.tenant_id)
    pseudonym = ingest.pseudonym_of(project.id, PERSON)
    person = json.dumps(PERSON)
    insert(
        event_store,
        event(place, name="by column", time=now, actor_id=PERSON),
        event(place, name="by column, last year", time=now - timedelta(days=400), actor_id=PERSON),
        event(place, name="by pseudonym", time=now, actor_id=pseudonym),
        event(place, name="by property", time=now, properties=json.dumps({"deep": {"distinct_id": PERSON}})),
        event(place, name="log by body", kind="log", time=now, body=json.dumps({"user": {"n": 1, "id": PERSON}})),
        event(place, name="security", kind="security", time=now, actor_id=PERSON),
        event(place, name="audit stays", kind="audit", time=now, actor_id=PERSON),
        event(place, name="somebody else", time=now, actor_id="u+1", properties=json.dumps({"label": PERSON})),
        event(place, name="came later", time=now, received_at=instant(now + timedelta(seconds=1)), actor_id=PERSON),
        event(place_of(other), name="another project", time=now, actor_id=PERSON),
    )
    row = {"tenant_id": project.tenant_id, "project_id": project.id, "kind": "event", "received_at": instant(now)}
    insert(
        event_store,
        {**row, "reason": "cut", "raw": f'{{"userId" : {person}, "custom_attributes": {{"a'},
        {**row, "reason": "of somebody else", "raw": '{"user_id": "u+1"}'},
        table="quarantine",
    )
    quote(project, clock)
    erasure_id = ask(project, clock)
    assert PERSON not in (erasure(erasure_id).sealed_user_id or "")

    assert carry_out(erasure_id, event_store, clock)

    assert names(event_store, project) == ["audit stays", "came later", "somebody else"]
    assert names(event_store, other) == ["another project"]
    assert names(event_store, project, "quarantine", "reason") == ["of somebody else"]
    done = erasure(erasure_id)
    assert (done.status, done.sealed_user_id, done.progress_percent) == (ErasureStatus.COMPLETED, None, 100)
    found = service.verify((done.certificate or "").encode())
    assert found.fault == ""
    assert found.certificate["before"] == {
        "event": 4, "log": 1, "security": 1, "quarantine": 1, "actor_scores": 1, "security_alerts": 1, "counts": 1, "samples": 2,
    }  # fmt: skip
    assert set(found.certificate["after"].values()) == {0}
    assert found.certificate["kept"][0]["count"] == 1
    with session_scope(write=False) as session:
        assert [row.actor_id for row in session.scalars(sa.select(SecurityActorScore))] == ["somebody else"]
        (alert,) = session.scalars(sa.select(SecurityAlert)).all()
        assert (alert.actor_id, alert.details) == ("somebody else", {"actors": [ERASED, "u+1"]})
        (anomaly,) = session.scalars(sa.select(StreamAnomaly)).all()
        assert anomaly.details == {"user_id": ERASED, "service": "web"}
        assert "nal" not in json.dumps(anomaly.evidence)
        assert session.scalar(sa.select(sa.func.count()).select_from(MetricBreakdown)) == 3
        _nobody_named(session, done.user_hash)


def _nobody_named(session: Session, user_hash: str) -> None:
    entries = session.scalars(
        sa.select(AuditEntry).where(col(AuditEntry.target_type) == "erasure").order_by(col(AuditEntry.id))
    ).all()
    assert [entry.action for entry in entries] == ["erasure.request", "erasure.complete"]
    assert {entry.payload["user_hash"] for entry in entries} == {user_hash}
    assert not any(PERSON in str(entry.payload) for entry in entries)


class Failing:
    """The real store, away for a moment in the middle."""

    def __init__(self, store, broken: Callable[[], bool]) -> None:
        self._store, self._broken = store, broken

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def remove_month(self, *args, **more) -> None:
        if self._broken():
            raise Unavailable("The event store does not answer at the moment.")
        self._store.remove_month(*args, **more)


def test_one_that_was_cut_off_goes_on_where_it_was(event_store, clock, project):
    place = place_of(project)
    for days in (0, 40, 80):
        insert(event_store, event(place, name=f"{days}", time=clock.now() - timedelta(days=days), actor_id=PERSON))
    erasure_id = ask(project, clock)
    calls: list[int] = []

    assert not carry_out(erasure_id, Failing(event_store, lambda: bool(calls) or calls.append(1) is not None), clock)

    halfway = erasure(erasure_id)
    assert (halfway.status, halfway.error_message) == ("running", "The event store does not answer at the moment.")
    assert len(names(event_store, project)) == 2
    with session_scope() as session:
        assert service.claim_next(session, "test", clock.now()) is None
        assert service.claim_next(session, "test", clock.now() + timedelta(seconds=30)) == erasure_id
    assert carry_out(erasure_id, event_store, clock)
    assert service.verify((erasure(erasure_id).certificate or "").encode()).certificate["before"]["event"] == 3


def test_records_on_their_way_are_waited_for(event_store, clock, project):
    segment = get_settings().data_dir / "wal" / "00" / "0-1.wal"
    segment.parent.mkdir(parents=True)
    segment.touch()

    def drain() -> None:
        insert(event_store, event(place_of(project), name="on its way", time=clock.now(), actor_id=PERSON))
        segment.unlink()

    erasure_id = ask(project, clock)
    assert not carry_out(erasure_id, event_store, clock, drain_seconds=0.05)
    assert "not reached" in (erasure(erasure_id).error_message or "")
    with session_scope() as session:
        service.claim_next(session, "test", clock.now() + timedelta(minutes=1))
    threading.Timer(0.3, drain).start()

    assert carry_out(erasure_id, event_store, clock)
    assert names(event_store, project) == []


@pytest.mark.usefixtures("settings")
def test_the_command_erases_and_verifies_and_finds_what_was_changed(event_store, clock, project, tmp_path, monkeypatch):
    monkeypatch.setattr("app.erasure.work.SETTLED_AFTER", timedelta(0))
    insert(event_store, event(place_of(project), time=clock.now(), actor_id="42", properties='{"user_id":42}'))
    file = tmp_path / "proof.json"
    run = CliRunner()

    made = run.invoke(command, ["erase", "run", "--project", project.slug, "--user", "42", "--out", str(file)])
    assert made.exit_code == 0, made.output
    assert names(event_store, project) == []
    assert run.invoke(command, ["erase", "verify", str(file)]).exit_code == 0
    key = json.loads(file.read_text())["public_key"]
    assert run.invoke(command, ["erase", "verify", str(file), "--public-key", key]).exit_code == 0
    kept = tmp_path / "anchor.jsonl"
    kept.write_text(run.invoke(command, ["audit", "anchor"]).stdout)
    by_anchor = run.invoke(command, ["erase", "verify", str(file), "--public-key", str(kept), "--json"])
    assert (by_anchor.exit_code, json.loads(by_anchor.stdout)["key_is_trusted"]) == (0, True), by_anchor.output
    kept.write_text('{"type": "checkpoint"}\n')
    keyless = run.invoke(command, ["erase", "verify", str(file), "--public-key", str(kept)])
    assert (keyless.exit_code, "anchor" in keyless.output) == (2, True)
    file.write_text(file.read_text().replace('"event": 1', '"event": 9'))
    changed = run.invoke(command, ["erase", "verify", str(file)])
    assert (changed.exit_code, "changed" in changed.output) == (3, True)
