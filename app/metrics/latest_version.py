"""The latest version of a scan, found without reading every count of every version."""

from __future__ import annotations

from functools import partial

from sqlmodel import Session

from app.metrics import breakdown_repository
from app.metrics.contracts import ScopeType
from app.metrics.grid_repository import Grid
from app.metrics.versions import LEAST_COUNT, has_run, latest, newest_first, totals_of
from app.scans.versions import is_release

# The newest release is mostly in use now: two days of hours tell so, of which a range of months has a fiftieth of the counts.
_RECENT_BUCKETS = 48
# So many of the newest versions are looked at one by one, before all are read at once.
_MOST_LOOKS = 4


def latest_version(session: Session, config_id: str, column: str, grid: Grid) -> str | None:
    """What `versions.latest` says of the whole scan's counts on the grid."""
    scope = (session, config_id, ScopeType.PROJECT_TOTAL, config_id)
    of_grid = partial(breakdown_repository.value_counts, *scope, grid, column)
    if len(grid.buckets) <= _RECENT_BUCKETS:
        return latest(of_grid())
    named = newest_first(filter(None, breakdown_repository.breakdown_values(*scope, column)))
    releases = [version for version in named if is_release(version)]
    for version in (releases or named)[:_MOST_LOOKS]:
        counts = of_grid(value=(version, False)).get((version, False))
        if counts is None:
            continue  # it was only ever counted outside of the range
        if not releases:
            return version  # none can be active
        if sum(counts) < LEAST_COUNT:
            continue
        recent = breakdown_repository.value_counts(*scope, grid.newest(_RECENT_BUCKETS), column)
        # A run within the newest buckets is one of all; without one there, an older run may still make it active.
        if recent and has_run(counts[-_RECENT_BUCKETS:], totals_of(recent)):
            return version
        break
    return latest(of_grid())
