"""Recent failed sign-ins of an address raise the threat score of what comes from there, also after a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.security.intelligence import Databases, lookup
from app.security.service import failure_counts, intake, surroundings
from app.security.service.backlog import BACKLOG

ADDRESS = "81.2.69.160"


@pytest.fixture(autouse=True)
def listed(tmp_path, monkeypatch):
    (tmp_path / "vpn.txt").write_text("81.2.69.0/24\n")
    files = Databases(tmp_path)
    monkeypatch.setattr(lookup, "installed_databases", lambda: files)
    forget(monkeypatch)
    yield
    assert BACKLOG.wait(30)


def forget(monkeypatch) -> None:
    """As a process that has just started."""
    counts = failure_counts.RecentFailures()
    for module in (intake, surroundings):
        monkeypatch.setattr(module, "FAILURES", counts)


def score_of(caller, event: str = "auth.login_success") -> tuple[int, list[str]]:
    caller.collect(event, actor={"id": "ana"}, user_ip=ADDRESS)
    known = caller.call("GET", "/events").json()["data"][0]["metadata"]["network_intelligence"]
    return known["threat_score"], known["threat_reasons"]


def test_each_failure_before_is_two_points_up_to_twenty(security, clock):
    caller = security()
    assert score_of(caller) == (25, ["vpn 25"])
    found = []
    for _ in range(12):
        clock.advance(timedelta(seconds=1))
        found.append(score_of(caller, "auth.login_failed")[0])
    assert found == [25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 45]
    clock.advance(timedelta(seconds=1))
    assert score_of(caller) == (45, ["vpn 25", "failed_logins 20"])
    clock.advance(timedelta(minutes=6))
    assert score_of(caller) == (25, ["vpn 25"])


def test_failures_that_another_process_took_in_count_once_detection_has_seen_them(security, clock, monkeypatch):
    caller = security()
    for _ in range(3):
        caller.collect("auth.login_failed", actor={"id": "ana"}, user_ip=ADDRESS)
        clock.advance(timedelta(seconds=1))
    assert BACKLOG.wait(30)
    forget(monkeypatch)
    assert score_of(caller, "auth.login_failed")[0] == 25
    assert BACKLOG.wait(30)
    clock.advance(timedelta(seconds=1))
    assert score_of(caller) == (33, ["vpn 25", "failed_logins 8"])


def test_other_addresses_and_other_projects_are_not_touched(security, clock):
    first, second = security(), security()
    for _ in range(3):
        first.collect("auth.login_failed", actor={"id": "ana"}, user_ip=ADDRESS)
        clock.advance(timedelta(seconds=1))
    assert score_of(second) == (25, ["vpn 25"])
