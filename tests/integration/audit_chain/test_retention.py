"""Audit records that retention removes leave a chain that verifies, and only because the own trail says so."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from app.audit_chain import exporting, file_verification, service
from app.audit_chain.contracts import FaultKind
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.setting_groups import RetentionSettings
from app.retention.pruning import Pruning
from tests.integration.audit_chain.conftest import NOW, seal, send

DAY = timedelta(days=1)


def prune(store, now: datetime) -> Pruning:
    bounds = RetentionSettings.model_validate({"retention_audit_days": 30})
    pruning = Pruning(store, session_scope, bounds, now, time.monotonic() + 60)
    pruning.run()
    return pruning


def test_old_records_go_and_the_chain_holds_here_and_in_an_export(watched, direct):
    send(watched.bucket, 3, NOW)
    send(watched.bucket, 2, NOW + 20 * DAY)
    seal(NOW + 20 * DAY)
    later = NOW + 40 * DAY

    pruning = prune(direct, later)

    assert (pruning.removed, pruning.errors) == ({"audit": 3}, {})
    seal(later)
    with session_scope() as session:
        report = service.verify_all(session, SYSTEM_ACTOR, later)
        lines = list(exporting.export(session, SYSTEM_ACTOR, None, later))
    assert report.is_intact
    assert report.count.absent == 3
    assert file_verification.verify(iter(lines)).is_intact
    assert prune(direct, later).removed == {}


def test_a_record_younger_than_what_was_pruned_may_not_be_missing(watched, direct):
    send(watched.bucket, 1, NOW)
    send(watched.bucket, 1, NOW + 20 * DAY)
    seal(NOW + 20 * DAY)
    prune(direct, NOW + 40 * DAY)
    direct.delete_project(watched.bucket.tenant_id, watched.bucket.project_id)

    with session_scope(write=False) as session:
        report = service.verify_all(session, SYSTEM_ACTOR, NOW + 40 * DAY)

    assert report.fault is not None
    assert report.fault.kind is FaultKind.DELETED


def test_what_is_not_sealed_yet_is_not_removed(watched, direct):
    send(watched.bucket, 1, NOW)

    pruning = prune(direct, NOW + 40 * DAY)

    assert pruning.removed == {}
    assert "sealed" in pruning.errors["audit"]
