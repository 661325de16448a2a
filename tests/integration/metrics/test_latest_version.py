"""The latest version of a scan is found by looking at few counts; the answer is that of all of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from app.metrics import breakdown_repository, grid_repository
from app.metrics.contracts import ScopeType
from app.metrics.latest_version import latest_version
from app.metrics.versions import latest
from models.metrics import MetricBreakdown, MetricCoverage
from tests.integration.scans_workbench import HOUR, NOW, Workbench

HOURS = 120
FIRST = NOW.replace(minute=0) - HOURS * HOUR
LAST = FIRST + HOURS * HOUR
COLUMN = "version"
Shape = Mapping[str, tuple[range, int]]

ALL, NOW_ONLY, EARLIER = range(HOURS), range(HOURS - 10, HOURS), range(40)
CASES: dict[str, tuple[Shape, str | None]] = {
    "in use now": ({"1.9": (ALL, 50), "1.10": (NOW_ONLY, 50)}, "1.10"),
    "in use weeks ago": ({"1.9": (ALL, 50), "2.0": (EARLIER, 50)}, "2.0"),
    "too few events": ({"1.9": (ALL, 50), "2.0": (NOW_ONLY, 19)}, "1.9"),
    "too small a share": ({"1.9": (ALL, 500), "2.0": (ALL, 5)}, "1.9"),
    "only before the range": ({"1.9": (ALL, 50), "2.0": (range(-30, 0), 50)}, "1.9"),
    "never two hours in a row": ({"1.9": (ALL, 50), "2.0": (range(0, HOURS, 2), 50)}, "1.9"),
    "an hour without traffic between": ({"1.9": (range(100), 50), "2.0": (range(100, HOURS, 2), 50)}, "2.0"),
    "a pre-release": ({"1.9": (ALL, 50), "2.0-beta": (ALL, 50)}, "1.9"),
    "names that are no versions": ({"blue": (ALL, 50), "green": (EARLIER, 1), "red": (range(-5, 0), 50)}, "green"),
    "many that few use": ({"1.9": (ALL, 50), **{f"2.{minor}": (NOW_ONLY, 1) for minor in range(9)}}, "1.9"),
    "none active": ({"1.9": (range(1), 50), "2.0": (range(1), 1)}, "2.0"),
    "silent for days": ({"1.9": (EARLIER, 50), "1.10": (EARLIER, 60)}, "1.10"),
    "nothing counted": ({}, None),
}


def fill(bench: Workbench, shape: Shape) -> None:
    key = {"scan_config_id": bench.config_id, "scope_type": "project_total", "scope_ref": bench.config_id}
    with bench.transaction() as session:
        for hour in ALL:
            at = FIRST + hour * HOUR
            session.add(MetricCoverage(scan_config_id=bench.config_id, bucket=at, total_count=1, matched_count=1))
        for version, (hours, count) in shape.items():
            for hour in hours:
                row = {"breakdown_value": version, "is_other": False, "bucket": FIRST + hour * HOUR, "count": count}
                session.add(MetricBreakdown(**key, breakdown_column=COLUMN, **row))


@pytest.mark.parametrize("case", CASES)
def test_the_latest_version_is_that_of_all_counts(case: str, bench: Workbench):
    shape, expected = CASES[case]
    fill(bench, shape)
    with bench.transaction(write=False) as session:
        grid = grid_repository.covered_grid(session, bench.config_id, FIRST, LAST)
        scope = (ScopeType.PROJECT_TOTAL, bench.config_id)
        assert latest(breakdown_repository.value_counts(session, bench.config_id, *scope, grid, COLUMN)) == expected
        assert latest_version(session, bench.config_id, COLUMN, grid) == expected


def test_counts_of_values_are_those_of_the_range_by_value_and_kind(bench: Workbench):
    def rows(value: str, is_other: bool, counts: Mapping[datetime, int]) -> list[MetricBreakdown]:
        key = {"scan_config_id": bench.config_id, "scope_type": "event", "scope_ref": "one", "breakdown_column": COLUMN}
        return [
            MetricBreakdown(**key, breakdown_value=value, is_other=is_other, bucket=at, count=count) for at, count in counts.items()
        ]

    early, late, gone = FIRST, FIRST + 2 * HOUR, FIRST + timedelta(minutes=30)
    fill(bench, {"of another scope": (ALL, 9)})
    with bench.transaction() as session:
        session.add_all(rows("", False, {early: 1, late: 2}) + rows("Other", False, {late: 3}))
        session.add_all(rows("Other", True, {early: 4, gone: 7}) + rows("later", False, {FIRST + 3 * HOUR: 5}))
    with bench.transaction(write=False) as session:
        of_scope = (session, bench.config_id, ScopeType.EVENT, "one")
        grid = grid_repository.covered_grid(session, bench.config_id, FIRST, FIRST + 3 * HOUR)
        found = breakdown_repository.value_counts(*of_scope, grid, COLUMN)
        assert found == {("", False): [1, 0, 2], ("Other", False): [0, 0, 3], ("Other", True): [4, 0, 0]}
        one = breakdown_repository.value_counts(*of_scope, grid, COLUMN, value=("Other", True))
        assert one == {("Other", True): [4, 0, 0]}
        assert breakdown_repository.value_counts(*of_scope, grid, COLUMN, value=("later", False)) == {}
        assert breakdown_repository.breakdown_values(*of_scope, COLUMN) in (["", "Other", "later"], ["", "later", "Other"])
