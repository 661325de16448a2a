"""Two processes that judge the same events at once, as a live path and a sweep or two servers do, raise each alert once."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE
from app.identity import service as identity
from app.identity.contracts import TenantPlan
from app.kernel.database import session_scope
from app.security.normalise import Incoming
from app.security.service import intake
from models.security import SecurityAlert, SecurityThreatModel

ROOT = Path(__file__).resolve().parents[3]
JUDGE = """
import sys
from datetime import datetime, timedelta
from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.database import session_scope
from app.security.plans import ENTERPRISE
from app.security.repository import history
from app.security.service import alerts, detection
from app.security.service.surroundings import event_of

tenant, project, start = sys.argv[1:]
principal = IngestPrincipal("", tenant, project, IngestKind.SECURITY, IngestScope.READ, "enterprise", "active", None)
since = datetime.fromisoformat(start)
rows = history.events_after(principal, since, since + timedelta(hours=1), after=None, limit=500)
events = [event_of(row) for row in rows]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    with session_scope() as session:
        alerts.raise_instant_alerts(session, principal, events)
    detection.judge(principal, ENTERPRISE, events)
"""


def test_each_alert_is_raised_once_and_counts_each_event_once(security, event_store, clock):
    caller = security(TenantPlan.ENTERPRISE)
    with session_scope() as session:
        session.add(SecurityThreatModel(project_id=caller.project_id, name="Exports", event_pattern="data.*", threshold=2))
        principal = identity.ingest_principal_for(session, caller.token)
    start = clock.now()
    for name in [*["auth.login_failed"] * 8, *["data.export"] * 4, "data.bulk_delete"]:
        clock.advance(timedelta(seconds=5))
        events = intake.completed(caller.project_id, [Incoming(name, "ana", None, "203.0.113.9", {})], clock.now())
        lines = intake.lines_of(principal, events, None)
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid.uuid4()))

    address = event_store.address
    environment = {**os.environ, PORT_VARIABLE: str(address.port), SECRET_VARIABLE: address.password}
    command = [sys.executable, "-c", JUDGE, caller.tenant_id, caller.project_id, start.isoformat()]
    judges = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for judge in judges:
        assert judge.stdout.readline().strip() == "ready"
    for judge in judges:
        judge.stdin.write("go\n")
        judge.stdin.flush()
    assert [judge.wait(60) for judge in judges] == [0, 0]

    with session_scope(write=False) as session:
        rows = session.exec(select(SecurityAlert).where(SecurityAlert.project_id == caller.project_id)).all()
        found = sorted((row.alert_type, row.title, row.occurrences) for row in rows)
    assert found == [
        ("brute_force_attack", "Brute force from 203.0.113.9", 4),
        ("data_exfiltration", "Critical event data.bulk_delete", 1),
        ("suspicious_activity", "Exports", 4),
    ]
