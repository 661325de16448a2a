"""Whole stories: an attack raises its alerts in order, a week of ordinary work raises none."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.unit.security_behaviour.scenes import LONDON, NEW_YORK, START, alerts, event, place, replay

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CITIES = [LONDON, NEW_YORK, place("DE", "Berlin", 52.52, 13.405), place("JP", "Tokyo", 35.68, 139.69)]
AGENTS = ["Mozilla/5.0 (Macintosh) Safari/617.1", "Mozilla/5.0 (Windows) Chrome/121.0", "Mozilla/5.0 (iPhone) Mobile/15E148"]


def test_sprayed_passwords_success_abroad_role_change_and_bulk_delete_raise_their_alerts_in_order():
    home = [event("auth.login_success", actor="cfo", ip="81.2.69.9", at=LONDON, user_agent=AGENTS[0])]
    spray = [
        event("auth.login_failed", HOUR + step * 10 * timedelta(seconds=1), actor=f"staff{step}", ip="45.9.9.9", at=NEW_YORK)
        for step in range(8)
    ]
    taken = event("auth.login_success", HOUR + 3 * MINUTE, actor="cfo", ip="45.9.9.9", at=NEW_YORK, user_agent="python-requests/2")
    role = event("authz.role_changed", HOUR + 4 * MINUTE, actor="cfo", ip="45.9.9.9", at=NEW_YORK)
    delete = event("data.bulk_delete", HOUR + 5 * MINUTE, actor="cfo", ip="45.9.9.9", at=NEW_YORK)
    assert alerts(replay([*home, *spray, taken, role, delete])) == [
        ("brute_force_attack", "45.9.9.9"),
        ("impossible_travel", "cfo"),
        ("geo_anomaly", "cfo"),
        ("new_device", "cfo"),
        ("privilege_escalation", "cfo"),
        ("data_exfiltration", "cfo"),
    ]


def ordinary_week(users: int, seed: int):
    """Work from home and office networks that many share, mistyped passwords, two known devices, updates of browsers."""
    chance = random.Random(seed)
    events = []
    for number in range(users):
        actor, where = f"user{number}", CITIES[number % len(CITIES)]
        networks = [f"81.{number % 25}.0.1", f"90.{number // 250}.{number % 250}.7"]
        devices = chance.sample(AGENTS, 2)
        # Both devices were used in the week before.
        for agent in devices:
            moment = -DAY - chance.random() * 5 * DAY
            events.append(event("auth.login_success", moment, actor=actor, ip=networks[1], at=where, user_agent=agent))
        for day in range(7):
            if day % 7 in (5, 6) and chance.random() < 0.85:
                continue
            moment = day * DAY + chance.gauss(0, 1.5) * HOUR
            for _ in range(chance.randint(1, 3)):
                moment += chance.random() * 3 * HOUR
                known = {"actor": actor, "ip": chance.choice(networks), "at": where}
                agent = chance.choice(devices).replace("617", f"{617 + day}")
                if chance.random() < 0.06:
                    events.append(event("auth.login_failed", moment - 20 * timedelta(seconds=1), **known, user_agent=agent))
                events.append(event("auth.login_success", moment, **known, user_agent=agent))
                if chance.random() < 0.05:
                    events.append(event("data.export", moment + 10 * MINUTE, **known))
                events.append(event("auth.logout", moment + HOUR, **known))
    return sorted(events, key=lambda one: (one.at, one.id))


def test_week_of_ordinary_work_of_five_hundred_users_raises_no_alert():
    events = ordinary_week(500, seed=20261125)
    assert len(events) > 10_000
    assert sum(one.name == "auth.login_failed" for one in events) > 200
    # The week before makes the users known; each one's second device is another device there.
    assert alerts((one, finding) for one, finding in replay(events) if one.at > START - DAY) == []
