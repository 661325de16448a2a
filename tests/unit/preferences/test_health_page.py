"""The checks of the health page in words."""

from __future__ import annotations

from app.checkup import CHECKS, Finding, State
from app.preferences.pages.health import TITLES, check_rows, verdict_of


def test_every_check_has_a_title():
    assert set(TITLES) == set(CHECKS)


def test_checks_to_come_are_shown_as_running():
    rows = check_rows([Finding("database", State.OK, "answers to `SELECT`")], is_over=False)
    assert [row.title for row in rows] == [TITLES[check] for check in CHECKS]
    assert (rows[0].state, rows[0].tone, rows[0].message) == ("fine", "ok", "Answers to “SELECT”")
    assert {row.state for row in rows[1:]} == {"checking"}


def test_checks_that_could_not_be_made_are_unknown_and_never_fine():
    rows = check_rows([Finding("database", State.FAILED, "could not be checked (OSError)")], is_over=True)
    assert rows[0].tone == "bad" and {row.tone for row in rows[1:]} == {"unknown"}


def test_the_verdict_names_what_failed():
    fine = Finding("database", State.OK, "answers")
    assert verdict_of([fine]) == "Everything works."
    assert verdict_of([fine, Finding("geo_data", State.NOTICE, "none")]) == "Everything works; 1 notice below."
    assert verdict_of([fine, Finding("disk", State.FAILED, "full")]).endswith("checks failed: Disk.")
