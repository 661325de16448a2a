"""What pages on data against plan say about figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.plan.contracts import DriftType
from app.plan.views import DriftView
from app.plan.vocabulary import DriftStatus
from app.reconciliation.pages.coverage_view import _share
from app.reconciliation.pages.drifts_view import _row

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RATE = "bad_rate=0.0250 allowed=0.0010 bad=30 total=1200"


def drift(kind: DriftType, **more: object) -> DriftView:
    known: dict[str, object] = {
        "id": "d", "event_type_id": "t", "scan_config_id": None, "field_name": "price", "drift_type": kind, "observed_type": RATE,
        "declared_type": "regex", "sample_value": "abc", "status": DriftStatus.OPEN, "resolution_note": None, "snoozed_until": None,
        "resolved_at": None, "resolved_by": None, "detected_at": NOW,
    }  # fmt: skip
    return DriftView(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "unknown"), (0, 10, "0\u00a0%"), (999_999, 1_000_000, "99.9\u00a0%"), (10, 10, "100\u00a0%")],
)
def test_only_full_coverage_reads_as_a_hundred_and_none_counted_as_unknown(part: int, whole: int, text: str) -> None:
    assert _share(part, whole) == text


def test_a_contract_drift_names_rows_and_rates_and_keeps_sensitive_samples_back() -> None:
    row = _row(drift(DriftType.REGEX_VIOLATION), "Shop", "/", {"price"}, ZoneInfo("UTC"), NOW)
    assert row.evidence == "30 of 1,200 rows (2.5\u00a0%), allowed 0.1\u00a0%"
    assert row.part == "Contract"
    assert "abc" not in row.sample


@pytest.mark.parametrize(("hours", "is_open"), [(-1, True), (1, False)])
def test_a_snooze_that_ended_is_due_again(hours: int, is_open: bool) -> None:
    snoozed = drift(DriftType.NEW_FIELD, status=DriftStatus.SNOOZED, snoozed_until=NOW + timedelta(hours=hours))
    assert _row(snoozed, "Shop", "/", set(), ZoneInfo("UTC"), NOW).is_open is is_open


@pytest.mark.parametrize(
    ("observed", "text", "field_type"),
    [("JSON number", "Add as number", "number"), ("boolean", "Add as yes or no", "boolean"), ("jsonb", "Add as JSON", "json"),
     (None, "Add as text", "string")],
)  # fmt: skip
def test_the_button_on_a_new_field_says_what_it_adds(observed: str | None, text: str, field_type: str) -> None:
    row = _row(drift(DriftType.NEW_FIELD, observed_type=observed), "Shop", "/", set(), ZoneInfo("UTC"), NOW)
    assert (row.accept_text, row.field_type) == (text, field_type)
    changed = _row(drift(DriftType.TYPE_CHANGED, observed_type=observed), "Shop", "/", set(), ZoneInfo("UTC"), NOW)
    assert (changed.accept_text, changed.field_type) == ("Change the plan", "")
