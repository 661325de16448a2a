"""`plumbline demo flights` against a whole running instance: posted over HTTP, counted, judged, and told."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.e2e.server import RunningServer, running_server

BLIZZARD = re.compile(r"(flight_cancelled spike|flight_departed drop) from (0[89]|10) February")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with running_server(tmp_path_factory.mktemp("flights")) as running:
        yield running


def assert_the_blizzard_was_found(told: str) -> None:
    assert {match[0] for match in BLIZZARD.findall(told)} == {"flight_cancelled spike", "flight_departed drop"}, told
    share = re.search(r"([\d.]+)% of all hourly buckets", told)
    assert share is not None and float(share[1]) <= 2.0, told
    assert "was not found" not in told


@pytest.mark.slow
def test_two_months_are_posted_replayed_and_the_blizzard_is_told(server: RunningServer):
    told = server.cli("demo", "flights", "--months", "2")
    assert "All 51,955 events are stored." in told
    assert_the_blizzard_was_found(told)


@pytest.mark.slow
def test_a_second_run_replaces_what_the_first_one_posted(server: RunningServer):
    told = server.cli("demo", "flights", "--months", "2")
    assert "Removing the flights of an earlier run." in told
    assert "All 51,955 events are stored." in told
    assert_the_blizzard_was_found(told)


@pytest.mark.slow
def test_the_findings_are_open_to_the_interface(server: RunningServer):
    token = server.cli("key", "create", "--kind", "plan", "--project", "flights")
    headers = {"Authorization": f"Bearer {token}"}
    settings = httpx.get(f"{server.url}/api/v1/projects/flights/anomaly-settings", headers=headers, timeout=60)
    assert settings.status_code == 200 and settings.json()["anomaly_detection_enabled"] is True
    # The year is long over: nothing of it is an active signal.
    assert httpx.get(f"{server.url}/api/v1/projects/flights/anomalies/signals", headers=headers, timeout=60).json() == []
