"""Events that wait to be judged: grouped while a pass runs, bounded, and left to the sweep when judging fails."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.errors import Unavailable
from app.security.contracts import SecurityEvent
from app.security.plans import PRO
from app.security.service import backlog
from app.security.service.backlog import Backlog

ONE = IngestPrincipal("", "t", "p1", IngestKind.SECURITY, IngestScope.APPEND, "pro", "active", None)
OTHER = replace(ONE, project_id="p2")


def event(number: int) -> SecurityEvent:
    return SecurityEvent(f"e{number}", "auth.logout", datetime(2026, 11, 25, tzinfo=UTC), "info")


@pytest.fixture
def passes(monkeypatch):
    """What was judged, pass by pass; each waits for `gate`."""
    seen, gate = [], threading.Event()

    def run(principal, _plan, events):
        assert gate.wait(30)
        seen.append((principal.project_id, [one.id for one in events]))
        if principal is OTHER:
            raise Unavailable("away")

    monkeypatch.setattr(backlog.detection, "run", run)
    monkeypatch.setattr(backlog.JUDGED, "write", lambda **_: None)
    return seen, gate


def test_what_arrives_during_a_pass_is_the_next_one(passes):
    seen, gate = passes
    waiting = Backlog()
    for number in range(4):
        assert waiting.put(ONE, PRO, [event(number)])
    assert not waiting.wait(0.01)
    gate.set()
    assert waiting.wait(30)
    assert [one for _, ids in seen for one in ids] == ["e0", "e1", "e2", "e3"]
    assert len(seen) <= 2
    assert waiting.put(ONE, PRO, [event(9)])
    assert waiting.wait(30)
    assert seen[-1] == ("p1", ["e9"])


def test_failure_of_one_project_does_not_hold_up_another(passes):
    seen, gate = passes
    waiting = Backlog()
    waiting.put(OTHER, PRO, [event(1)])
    waiting.put(ONE, PRO, [event(2)])
    gate.set()
    assert waiting.wait(30)
    assert {project for project, _ in seen} == {"p1", "p2"}


def test_more_than_fits_is_refused(passes, monkeypatch):
    _, gate = passes
    monkeypatch.setattr(backlog, "MOST_WAITING", 3)
    waiting = Backlog()
    first = [waiting.put(ONE, PRO, [event(number)]) for number in range(10)]
    assert 3 <= first.count(True) <= 6, "as many may be in the pass already"
    gate.set()
    assert waiting.wait(30)
    assert waiting.put(ONE, PRO, [event(11)])
    assert waiting.wait(30)
