"""What the page of the fire drill shows: its set-up, time to alert over past drills, and the drills with the stage that broke."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.drills import STAGE_TITLES, STAGES, DrillInterval, DrillOutcome, DrillRunView
from app.alerting.pages.words import channel_title
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from components.chart_data import ChartData, ChartPoint, chart_data
from components.format import iso_utc, local_time

MOST_RUNS = 100
NOBODY = "Nobody"
INTERVALS = ((DrillInterval.DAILY.value, "Once a day"), (DrillInterval.HOURLY.value, "Every hour"))


@dataclass(frozen=True)
class DrillRow:
    """One drill; `stages` holds the seconds of each stage in order, a dash for those it did not reach."""

    id: str
    when: str
    iso: str
    kind: str
    outcome: str
    broken: str
    detail: str
    total: str
    stages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DrillPage:
    """The set-up as its form holds it, and the newest drills. `sentence` says when it runs."""

    enabled: bool = False
    destination: str = ""
    backup: str = ""
    interval: str = DrillInterval.DAILY.value
    sentence: str = ""
    is_set_up: bool = False
    is_live: bool = False
    has_destinations: bool = False
    destinations: list[list[str]] = field(default_factory=list)
    backups: list[list[str]] = field(default_factory=list)
    rows: list[DrillRow] = field(default_factory=list)
    chart: ChartData = field(default_factory=ChartData)
    passed: int = 0
    of: str = ""
    last: str = ""
    drawn: int = 0


def drill_page(session: Session, actor: Actor, slug: str, zone: ZoneInfo) -> DrillPage:
    """The page. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    found = alerting.get_drill(session, actor, slug)
    places = sorted(alerting.list_destinations(session, actor, slug), key=lambda one: one.name.lower())
    choices = [[one.id, f"{one.name} ({channel_title(one.type)})"] for one in places]
    known = {one.id for one in places}
    runs = alerting.list_drill_runs(session, actor, slug, limit=MOST_RUNS).items
    ended = [one for one in runs if one.outcome is not DrillOutcome.RUNNING]
    return DrillPage(
        enabled=found.enabled,
        destination=found.destination_id if found.destination_id in known and found.destination_id else "",
        backup=found.backup_destination_id if found.backup_destination_id in known and found.backup_destination_id else "",
        interval=found.interval.value,
        sentence=_sentence(found.enabled, found.next_run_at, zone, now),
        is_set_up=found.destination_id is not None,
        is_live=len(ended) < len(runs),
        has_destinations=bool(places),
        destinations=[["", "Choose a destination"], *choices],
        backups=[["", NOBODY], *choices],
        rows=[_row(one, zone, now) for one in runs],
        chart=chart_data(_points(ended), zone, 1, subject="Seconds to alert", now=now),
        passed=sum(one.outcome is DrillOutcome.PASSED for one in ended),
        of=f"of {len(ended)} {'drill' if len(ended) == 1 else 'drills'} shown here" if ended else "no drill has ended yet",
        last=_last(ended),
    )


def seconds_text(seconds: float | None) -> str:
    """Seconds as people read them: "0.4 s", "12 s"; a dash for None."""
    if seconds is None:
        return "–"
    return f"{seconds:.1f}\u00a0s" if seconds < 10 else f"{seconds:.0f}\u00a0s"


def _sentence(enabled: bool, due: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    if not enabled or due is None:
        return "Switched off: it runs only when somebody asks for it."
    return "Runs within seconds." if due <= now else f"Next drill {local_time(due, zone, now=now)}."


def _points(ended: list[DrillRunView]) -> list[ChartPoint]:
    return [
        ChartPoint(one.started_at, None if one.total_seconds is None else max(1, round(one.total_seconds)), note=_outcome(one))
        for one in reversed(ended)
    ]


def _row(run: DrillRunView, zone: ZoneInfo, now: datetime) -> DrillRow:
    return DrillRow(
        id=run.id,
        when=local_time(run.started_at, zone, now=now),
        iso=iso_utc(run.started_at),
        kind="by hand" if run.is_manual else "by itself",
        outcome=run.outcome.value,
        broken="" if run.failed_stage is None else STAGE_TITLES[run.failed_stage],
        detail=run.detail,
        total=seconds_text(run.total_seconds),
        stages=[seconds_text(run.seconds.get(stage)) for stage in STAGES],
    )


def _last(ended: list[DrillRunView]) -> str:
    return _outcome(ended[0]) if ended else "Never"


def _outcome(run: DrillRunView) -> str:
    if run.outcome is DrillOutcome.PASSED:
        return f"Arrived in {seconds_text(run.total_seconds)}"
    return "Unknown" if run.failed_stage is None else f"Failed at {STAGE_TITLES[run.failed_stage].lower()}"
