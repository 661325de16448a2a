"""Counts per app version (contract 5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.intervals import Interval
from app.metrics import breakdown_repository, repository
from app.metrics.breakdowns import ValueChart
from app.metrics.charts import CollectedScan, collected_interval, collected_scan, points_on
from app.metrics.contracts import ScopeType
from app.metrics.latest_version import latest_version
from app.metrics.points import Points
from app.metrics.versions import latest, newest_first

OTHER = "Other"


@dataclass(frozen=True, slots=True)
class VersionChart:
    """Counts per app version, newest version first and the rest last; `totals` is the sum of all versions."""

    config_id: str
    interval: Interval | None
    app_version_column: str | None
    latest_version: str | None
    series: list[ValueChart] = field(default_factory=list)
    totals: Points = field(default_factory=Points)


def app_versions(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType = ScopeType.PROJECT_TOTAL,
    ref: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> VersionChart:
    """Counts per app version: the newest versions by name, the rest folded into Other.

    Errors: NotFound for a scan, event or event type of another project; InvalidInput when an event or event type is not named.
    """
    collected = collected_scan(session, actor, slug, scan_config_id, start, stop)
    if scope_type is ScopeType.PROJECT_TOTAL:
        ref = collected.config.id
    elif ref is None:
        raise InvalidInput("Name the event or event type", field="scope_ref")
    elif not repository.scope_exists(session, collected.config.project_id, scope_type, ref):
        raise NotFound("Event not found" if scope_type is ScopeType.EVENT else "Event type not found")
    return versions_of(session, collected, scope_type, ref)


def versions_of(session: Session, collected: CollectedScan, scope_type: ScopeType, ref: str) -> VersionChart:
    """The same of a scan and a scope that were found already."""
    config, grid = collected.config, collected.grid
    column = config.app_version_column
    if column is None:
        return VersionChart(config.id, collected_interval(config), None, None)
    own = breakdown_repository.value_counts(session, config.id, scope_type, ref, grid, column)
    of_whole = scope_type is ScopeType.PROJECT_TOTAL
    newest = latest(own) if of_whole else latest_version(session, config.id, column, grid)
    named = newest_first(value for value, is_other in own if not is_other and value)[: config.app_version_keep_releases]
    kept = {(version, False) for version in named}
    rest = [counts for key, counts in own.items() if key not in kept]
    series = [(version, False, own[(version, False)]) for version in named]
    if rest:
        series.append((OTHER, True, _summed(rest)))
    charts = [
        ValueChart(value, is_other, sum(counts), points_on(grid, counts), is_latest=not is_other and value == newest)
        for value, is_other, counts in series
    ]
    totals = points_on(grid, _summed(list(own.values()))) if own else Points()
    return VersionChart(config.id, collected_interval(config), column, newest, charts, totals)


def _summed(series: list[list[int]]) -> list[int]:
    return [sum(counts) for counts in zip(*series, strict=True)]
