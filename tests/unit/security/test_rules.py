"""Severity table, filters, alert types, plans and provider names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.kernel.errors import Forbidden
from app.security.api.gate import authorise_origin
from app.security.normalise import address
from app.security.plans import ENTERPRISE, FREE, PRO, month_start, plan_of
from app.security.vocabulary import SEVERITIES, instant_alert_type, severities_matching, severity_of


def test_table_holds_the_standard_names_and_custom_ones_are_informational():
    assert len(SEVERITIES) == 27
    assert (severity_of("data.bulk_delete"), severity_of("app.opened")) == ("critical", "info")


@pytest.mark.parametrize(
    ("word", "severities"),
    [
        ("info", ("info", "low")),
        ("warning", ("warning", "medium", "high")),
        ("critical", ("critical",)),
        ("high", ("high",)),
        ("odd", None),
    ],
)
def test_filter_word_stands_for_stored_severities(word, severities):
    assert severities_matching(word) == severities


@pytest.mark.parametrize(
    ("event", "alert_type"),
    [
        ("admin.privilege_escalation", "privilege_escalation"),
        ("authz.role_changed", "privilege_escalation"),
        ("data.sensitive_access", "data_exfiltration"),
        ("security.brute_force_detected", "brute_force_attack"),
        ("authz.access_denied", "suspicious_activity"),
        ("auth.login_failed", None),
        ("app.opened", None),
    ],
)
def test_only_critical_events_raise_an_alert_by_themselves(event, alert_type):
    assert instant_alert_type(event) == alert_type


def test_plan_follows_from_the_tenants_and_an_unknown_one_is_free():
    assert [plan_of(name) for name in ("trial", "free", "odd")] == [FREE] * 3
    assert [plan_of(name) for name in ("starter", "pro", "enterprise", "unlimited")] == [PRO, PRO, ENTERPRISE, ENTERPRISE]
    assert month_start(datetime(2026, 11, 25, 9, tzinfo=UTC)) == datetime(2026, 11, 1, tzinfo=UTC)


def test_plan_without_wildcards_knows_exact_origins_only_and_only_as_many_as_it_includes():
    authorise_origin("https://a.example", FREE, lambda: ["https://a.example"])
    for origin, allowed in (
        ("https://b.example", ["https://a.example", "https://b.example"]),
        ("https://x.a.example", ["https://*.a.example"]),
        ("null", []),
    ):
        with pytest.raises(Forbidden, match="Origin"):
            authorise_origin(origin, FREE, lambda allowed=allowed: allowed)


@pytest.mark.parametrize(
    ("text", "found"),
    [("2001:DB8::1", "2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1"), (" 10.0.0.1 ", "10.0.0.1"), ("1.2.3", None), (7, None)],
)
def test_address_is_written_in_its_usual_form(text, found):
    assert address(text) == found
