from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.detection.contracts import Direction
from app.detection.why.contracts import Cause, Explanation, Subject
from app.detection.why.links import link_of
from app.metrics.contracts import ScopeType, SeriesKey

AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
SUBJECT = Subject(SeriesKey("scan", ScopeType.EVENT, "e"), Direction.DROP, AT, AT, timedelta(hours=1), 1, 100)


@pytest.mark.parametrize(
    ("cause", "ref", "figures", "path"),
    [
        (Cause.PLANNED_EVENT, "p", {}, "/p/shop/anomaly-settings"),
        (Cause.ANNOTATION, "a", {}, "/p/shop/monitoring?series=event%2Fe"),
        (Cause.RELEASE, "2.0", {}, "/p/shop/releases?scan=scan"),
        (Cause.PLAN_CHANGE, "b", {"is_merge": "true"}, "/p/shop/branches/b"),
        (Cause.PLAN_CHANGE, "r", {"is_merge": "false"}, "/p/shop/revisions"),
        (Cause.SCHEMA_DRIFT, "d", {}, "/p/shop/drifts"),
        (Cause.SCHEMA_DRIFT, "unmatched", {}, "/p/shop/unplanned"),
        (Cause.SOURCE, "", {}, "/p/shop/scans/scan"),
        (Cause.LOG_ERRORS, "api", {}, "/p/shop/logs"),
        (Cause.BREAKDOWN, "country=DE", {"column": "country"}, "/p/shop/monitoring?series=event%2Fe&by=country"),
        (Cause.BREAKDOWN, "event/x", {"column": "event"}, "/p/shop/monitoring?series=event%2Fx"),
    ],
)
def test_each_explanation_leads_to_what_it_names(cause: Cause, ref: str, figures: dict[str, float | str], path: str):
    assert link_of("shop", SUBJECT, Explanation(cause, "t", "s", 1.0, ref, figures)) == path
