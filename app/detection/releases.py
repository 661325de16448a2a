"""Who uses which release of a scan's app, and why a release counts as active or not (contract 7)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.detection import report_repository as queries
from app.detection.engine.releases import LEAST_EVENTS, LEAST_RUN, LEAST_SHARE, active_releases
from app.detection.regressions import LONGEST_WINDOW
from app.identity.contracts import Actor
from app.kernel.errors import NotFound
from app.kernel.intervals import Interval, bucket_index
from app.projects import service as projects
from app.scans.versions import is_release, newest_versions

ADOPTION_BUCKETS = 24
DRAWN_BUCKETS = 14 * 24


@dataclass(frozen=True, slots=True)
class Release:
    """A version with its traffic. `adoption` is its share of the newest 24 buckets; `counts` are its newest buckets.

    `activated` is None until it held 5 % of the traffic for two buckets in a row and counted 200 events since; `longest_run` and
    `event_count` say how near it came. A version that is no release, such as a beta, never becomes active.
    """

    version: str
    is_release: bool
    activated: datetime | None
    longest_run: int
    event_count: int
    adoption: float
    total: int
    counts: list[int]

    @property
    def holds_share(self) -> bool:
        """Whether it held enough of the traffic for long enough."""
        return self.longest_run >= LEAST_RUN

    @property
    def has_events(self) -> bool:
        """Whether it counted enough since."""
        return self.event_count >= LEAST_EVENTS


def releases_of(session: Session, actor: Actor, slug: str, scan_config_id: str, limit: int = 20) -> list[Release]:
    """The scan's newest versions, newest first; nothing for a scan without app version column. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    scan = queries.scan_of_project(session, project.id, scan_config_id)
    if scan is None:
        raise NotFound("Scan not found")
    if scan.app_version_column is None or scan.interval is None:
        return []
    interval = Interval(scan.interval)
    traffic: dict[int, int] = defaultdict(int)
    by_version: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for version, is_other, bucket, count in queries.version_totals(session, scan.id, scan.app_version_column):
        place = bucket_index(bucket, interval)
        traffic[place] += count
        if not is_other and version:
            by_version[version][place] += count
    if not traffic:
        return []
    newest = max(traffic)
    longest = max(1, int(LONGEST_WINDOW / interval.duration))
    order = [version for version in by_version if is_release(version)]
    active = {one.version: one.activated for one in active_releases(by_version, traffic, order, longest)}
    recent = sum(count for place, count in traffic.items() if place > newest - ADOPTION_BUCKETS)
    found = []
    for version in newest_versions(by_version, limit):
        counts = by_version[version]
        run, began = _longest_run(counts, traffic)
        since = newest - longest + 1 if began is None else max(began, newest - longest + 1)
        found.append(
            Release(
                version=version,
                is_release=is_release(version),
                activated=interval.anchor + active[version] * interval.duration if version in active else None,
                longest_run=run,
                event_count=sum(count for place, count in counts.items() if place >= since),
                adoption=sum(count for place, count in counts.items() if place > newest - ADOPTION_BUCKETS) / max(1, recent),
                total=sum(counts.values()),
                counts=[counts.get(place, 0) for place in range(max(min(traffic), newest - DRAWN_BUCKETS + 1), newest + 1)],
            )
        )
    return found


def _longest_run(counts: dict[int, int], traffic: dict[int, int]) -> tuple[int, int | None]:
    """The most consecutive buckets with 5 % of the traffic, and where the first run that is long enough begins."""
    longest = run = 0
    began: int | None = None
    before: int | None = None
    for place in sorted(counts):
        holds = counts[place] > 0 and counts[place] >= LEAST_SHARE * traffic.get(place, 0)
        run = (run + 1 if before == place - 1 else 1) if holds else 0
        before = place
        longest = max(longest, run)
        if run >= LEAST_RUN and began is None:
            began = place - LEAST_RUN + 1
    return longest, began
