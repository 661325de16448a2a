"""Quiet hours and digests of a rule over HTTP."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole

BERLIN = {
    "zone": "Europe/Berlin",
    "quiet": {"start": "22:00", "end": "07:00", "days": [0, 1, 2, 3, 4, 5, 6]},
    "digest": {"every": "day", "at": "09:30", "weekday": 0},
}


def path(world) -> str:
    return f"{world.base}/rules/{world.rule_id}/schedule"


def test_a_rule_has_no_schedule_until_one_is_set(world, call):
    assert call("GET", path(world)).json() == {"zone": "UTC", "quiet": None, "digest": None}

    assert call("PUT", path(world), json=BERLIN).json() == BERLIN
    assert call("GET", path(world)).json() == BERLIN
    assert call("PUT", path(world), json={}).json() == {"zone": "UTC", "quiet": None, "digest": None}


@pytest.mark.parametrize(
    "body",
    [
        {"zone": "Mars/Olympus", "digest": {"every": "hour"}},
        {"quiet": {"start": "22:00", "end": "22:00"}},
        {"quiet": {"start": "22:00", "end": "07:00", "days": []}},
        {"quiet": {"start": "22:00", "end": "07:00", "days": [7]}},
        {"quiet": {"start": "25:00", "end": "07:00"}},
        {"digest": {"every": "fortnight"}},
    ],
)
def test_a_schedule_that_means_nothing_is_refused(world, call, body):
    assert call("PUT", path(world), json=body).status_code == 422
    assert call("GET", path(world)).json()["quiet"] is None


def test_viewers_read_it_and_only_editors_set_it(world, client, member):
    viewer = member(UserRole.VIEWER).headers

    assert client.get(path(world), headers=viewer).status_code == 200
    assert client.put(path(world), headers=viewer, json=BERLIN).status_code == 403
    assert client.get(path(world)).status_code == 401


def test_a_rule_of_another_project_has_no_schedule_here(world, call):
    other = path(world).replace(world.rule_id, "01a21327-0000-7000-8000-000000000000")

    assert call("GET", other).status_code == call("PUT", other, json=BERLIN).status_code == 404


def test_the_shape_of_the_rule_itself_stays_that_of_the_contract(world, call):
    call("PUT", path(world), json=BERLIN)

    (destination,) = call("GET", f"{world.base}/alert-destinations").json()
    assert "schedule" not in destination["rules"][0]
