"""The contract's stories through the API, with real database files and the real rules (vectors E.7, E.8, E.10)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from sqlmodel import select

from app.identity.contracts import TenantPlan
from app.kernel.database import session_scope
from app.security.intelligence import Databases, lookup
from models.security import SecurityAlert

NEW_YORK, LONDON = "12.34.56.78", "81.2.69.160"


@pytest.fixture(autouse=True)
def located(tmp_path, monkeypatch):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="city", float_type="f64")
    for network, country, city, latitude, longitude in (
        ("12.34.56.0/24", "US", "New York", 40.7128, -74.0060),
        ("81.2.69.0/24", "GB", "London", 51.5074, -0.1278),
    ):
        record = {"country_code": country, "city": city, "latitude": latitude, "longitude": longitude}
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(tmp_path / "city.mmdb"))
    files = Databases(tmp_path)
    monkeypatch.setattr(lookup, "installed_databases", lambda: files)


def types_in(project_id: str) -> list[str]:
    with session_scope(write=False) as session:
        return sorted(session.exec(select(SecurityAlert.alert_type).where(SecurityAlert.project_id == project_id)).all())


def occurrences_in(project_id: str) -> int:
    with session_scope(write=False) as session:
        return sum(session.exec(select(SecurityAlert.occurrences).where(SecurityAlert.project_id == project_id)).all())


def types_once_there(project_id: str, last: str) -> list[str]:
    """The alert types, once `last`, which is raised after all others, is among them."""
    deadline = time.monotonic() + 60
    while last not in types_in(project_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    return types_in(project_id)


def sign_in(caller, address: str) -> None:
    # The device changes too, so that the last finding of an event shows that it was judged, on every plan.
    metadata = {"device_id": address}
    assert caller.collect("auth.login_success", actor={"id": "ana"}, user_ip=address, metadata=metadata).status_code == 202


@pytest.mark.parametrize(
    ("plan", "later", "expected"),
    [
        (TenantPlan.PRO, timedelta(minutes=30), ["geo_anomaly", "impossible_travel", "new_device"]),
        (TenantPlan.PRO, timedelta(hours=8), ["geo_anomaly", "new_device"]),
        (TenantPlan.FREE, timedelta(minutes=30), ["new_device"]),
    ],
)
def test_new_york_then_london(security, clock, plan, later, expected):
    caller = security(plan)
    sign_in(caller, NEW_YORK)
    clock.advance(later)
    sign_in(caller, LONDON)
    assert types_once_there(caller.project_id, "new_device") == expected


def test_five_failures_within_five_minutes_are_one_alert(security, clock):
    caller = security()
    for number in range(5):
        caller.collect("auth.login_failed", actor={"id": f"user{number}"}, user_ip=LONDON)
        clock.advance(timedelta(seconds=74))
    assert types_once_there(caller.project_id, "brute_force_attack") == ["brute_force_attack"]
    caller.collect("auth.login_failed", actor={"id": "user9"}, user_ip=LONDON)
    deadline = time.monotonic() + 60
    while occurrences_in(caller.project_id) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert occurrences_in(caller.project_id) == 2
    assert types_in(caller.project_id) == ["brute_force_attack"]


def test_reported_rate_limit_is_an_alert(security):
    caller = security()
    caller.collect("security.rate_limit_exceeded", actor={"id": "ana"}, user_ip=LONDON)
    assert types_once_there(caller.project_id, "rate_limit_exceeded") == ["rate_limit_exceeded"]
