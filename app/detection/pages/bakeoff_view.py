"""What the page of bake-offs shows: the series, how far its newest bake-off is, and how each contestant did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import bakeoff, feedback
from app.detection import service as detection
from app.detection.bakeoff import BakeoffStatus, BakeoffView
from app.detection.comparison import DEPARTURES, Contestant, DepartureKind
from app.detection.detectors import Detector
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import Interval
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.plan import service as plan
from components import ChartData
from components.chart_data import ChartPoint, chart_data
from components.format import duration, local_time, percent

TOTAL = "project_total/all"
MOST_TYPES, MOST_EVENTS = 200, 500
DETECTOR_WORDS = {Detector.BASELINE: "Seasonal baseline", Detector.ADAPTIVE: "Adaptive"}
STATUS_WORDS = {
    BakeoffStatus.PENDING: "Waiting",
    BakeoffStatus.RUNNING: "Running",
    BakeoffStatus.COMPLETED: "Done",
    BakeoffStatus.FAILED: "Failed",
    BakeoffStatus.CANCELLED: "Cancelled",
}
STATUS_TONES = {
    BakeoffStatus.COMPLETED: "ok",
    BakeoffStatus.FAILED: "bad",
    BakeoffStatus.RUNNING: "accent",
    BakeoffStatus.PENDING: "accent",
}
KIND_WORDS = {
    DepartureKind.SPIKE: "Spikes",
    DepartureKind.DROP: "Drops",
    DepartureKind.SILENCE: "Silences",
    DepartureKind.SHIFT: "Shifts",
}


@dataclass(frozen=True)
class ScoreRow:
    """One contestant."""

    name: str
    detector: str
    kind: str
    threshold: str
    sigma: float
    found: str
    by_kind: str
    precision: str
    recall: str
    delay: str
    alarms: str
    mark: str
    is_adopted: bool


@dataclass(frozen=True)
class BakeoffPage:
    """Everything the page shows. Without `id` the series has had no bake-off."""

    scopes: list[list[str]] = field(default_factory=list)
    scope_name: str = ""
    scan_id: str = ""
    scope_type: str = ""
    ref: str = ""
    in_use: str = ""
    may_run: bool = False
    has_series: bool = False
    id: str = ""
    status: str = ""
    tone: str = "neutral"
    is_live: bool = False
    percent: int = 0
    phase: str = ""
    error: str = ""
    when: str = ""
    about: str = ""
    rows: list[ScoreRow] = field(default_factory=list)
    contestants: list[list[str]] = field(default_factory=list)
    shown: str = ""
    chart: ChartData = field(default_factory=ChartData)
    departures: list[dict[str, str]] = field(default_factory=list)
    monitoring_href: str = ""


def bakeoff_page(session: Session, actor: Actor, slug: str, series: str, shown: str, zone: ZoneInfo) -> BakeoffPage:
    """The newest bake-off of the series `<scope type>/<id>`, with the alarms of the contestant `shown` on the chart.

    Errors: NotFound for a series that is none of the project's.
    """
    scopes, names = _scopes(session, actor, slug)
    scope, _, ref = series.partition("/")
    if scope not in set(ScopeType):
        raise NotFound("Series not found")
    scope_type = ScopeType(scope)
    now = SYSTEM_CLOCK.now()
    is_total = scope_type is ScopeType.PROJECT_TOTAL
    key = metrics.series_for(session, actor, slug, scope_type, None if is_total else ref, start=now, stop=now).key
    name = "Project total" if is_total else names.get(series, "") or _event_name(session, actor, slug, ref)
    page = {
        "scopes": scopes,
        "scope_name": name,
        "may_run": actor.role in (UserRole.EDITOR, UserRole.OWNER),
        "monitoring_href": ui_paths.project_monitoring(slug, series="" if is_total else series),
    }
    if not key.scan_config_id:
        return BakeoffPage(**page)  # type: ignore[arg-type]
    page |= {"scan_id": key.scan_config_id, "scope_type": scope_type.value, "ref": key.ref, "has_series": True}
    page["in_use"] = _in_use(session, actor, slug, key)
    newest = bakeoff.newest(session, actor, slug, key, limit=1)
    if newest:
        page |= _of_bakeoff(newest[0], name, shown, zone, now)
    return BakeoffPage(**page)  # type: ignore[arg-type]


def _scopes(session: Session, actor: Actor, slug: str) -> tuple[list[list[str]], dict[str, str]]:
    types = plan.event_type_names(session, actor, slug, limit=MOST_TYPES)
    names = {f"event_type/{type_id}": name for type_id, name in types}
    names |= {f"event/{event_id}": name for event_id, name in plan.event_names(session, actor, slug, limit=MOST_EVENTS)}
    words = {"event_type": "Event type", "event": "Event"}
    choices = [[TOTAL, "Project total"], *([key, f"{words[key.partition('/')[0]]}: {name}"] for key, name in names.items())]
    return choices, names


def _event_name(session: Session, actor: Actor, slug: str, ref: str) -> str:
    return plan.get_event(session, actor, slug, ref).name


def _in_use(session: Session, actor: Actor, slug: str, key: SeriesKey) -> str:
    rules = feedback.scope_rules(session, actor, slug, key)
    settings = rules.apply(detection.get_settings(session, actor, slug))
    return f"{DETECTOR_WORDS[rules.detector]} at {settings.sigma_threshold:g} σ"


def _of_bakeoff(found: BakeoffView, name: str, shown: str, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    page: dict[str, Any] = {
        "id": found.id,
        "status": STATUS_WORDS[found.status],
        "tone": STATUS_TONES.get(found.status, "neutral"),
        "is_live": found.status.is_live,
        "percent": found.progress_percent,
        "phase": found.progress_phase,
        "error": found.error_message or "",
        "when": local_time(found.completed_at or found.created_at, zone, now=now),
    }
    result = found.result
    if not result.get("scores"):
        return page
    names = [one["name"] for one in result["scores"]]
    chosen = shown if shown in names else result["best"] or names[0]
    injected = {DepartureKind(kind): count for kind, count in result["injected"].items()}
    rows = [_row(one, found, injected, Interval(result["interval"])) for one in result["scores"]]
    return page | {
        "about": _about(result, injected, zone, now),
        "rows": rows,
        "contestants": [[row.name, f"{row.detector} at {row.threshold}"] for row in rows],
        "shown": chosen,
        "chart": _chart(result, chosen, name, zone, now),
        "departures": _departures(result, zone),
    }


def _about(result: Mapping[str, Any], injected: Mapping[DepartureKind, int], zone: ZoneInfo, now: datetime) -> str:
    sizes = {kind: f"×{factor:g} over {width} bucket{'s' if width > 1 else ''}" for kind, width, factor in DEPARTURES}
    put = ", ".join(f"{count} {KIND_WORDS[kind].lower()} ({sizes[kind]})" for kind, count in injected.items())
    start, stop = (local_time(datetime.fromisoformat(result[end]), zone, now=now) for end in ("from", "to"))
    return f"{result['bucket_count']:,} buckets from {start} to {stop}; put into the newer half: {put}."


def _row(one: Mapping[str, Any], found: BakeoffView, injected: Mapping[DepartureKind, int], interval: Interval) -> ScoreRow:
    delay = one["delay_buckets"]
    by_kind = ", ".join(
        f"{KIND_WORDS[DepartureKind(kind)].lower()} {count}/{injected[DepartureKind(kind)]}"
        for kind, count in one["found_by_kind"].items()
        if injected[DepartureKind(kind)]
    )
    is_best = one["name"] == found.result["best"]
    return ScoreRow(
        name=one["name"],
        detector=DETECTOR_WORDS[Detector(one["detector"])],
        kind=one["detector"],
        threshold=f"{one['sigma_threshold']:g} σ",
        sigma=float(one["sigma_threshold"]),
        found=f"{one['found_count']} of {one['injected_count']}",
        by_kind=by_kind,
        precision=percent(one["precision"]),
        recall=percent(one["recall"]),
        delay="none found" if delay is None else "at once" if delay == 0 else duration(delay * interval.seconds),
        alarms=f"{one['alarms_per_week']:.1f}",
        mark="best" if is_best else "",
        is_adopted=found.adopted == one["name"],
    )


def _chart(result: Mapping[str, Any], chosen: str, name: str, zone: ZoneInfo, now: datetime) -> ChartData:
    interval = Interval(result["interval"])
    first = datetime.fromisoformat(result["shown_from"])
    counts: Sequence[int | None] = result["counts"]
    at = {row: _kind_at(result, row) for row in result["alarms"].get(chosen, [])}
    begins = {one["from"]: f"{one['kind']} put in" for one in result["departures"]}
    points = [
        ChartPoint(
            first + row * interval.duration,
            count,
            mark=("spike" if at[row] == DepartureKind.SPIKE else "drop") if row in at else "",
            note=", ".join(text for text in (begins.get(row), _alarm(at[row]) if row in at else "") if text),
        )
        for row, count in enumerate(counts)
    ]
    return chart_data(points, zone, interval.seconds, subject=f"{name} with departures put in", now=now)


def _alarm(kind: str) -> str:
    return f"alarm about the {kind}" if kind else "false alarm"


def _kind_at(result: Mapping[str, Any], row: int) -> str:
    for one in result["departures"]:
        if one["from"] <= row <= one["to"] + 1:
            return str(one["kind"])
    return ""


def _departures(result: Mapping[str, Any], zone: ZoneInfo) -> list[dict[str, str]]:
    """Where each departure begins, as marks of the chart."""
    interval = Interval(result["interval"])
    first = datetime.fromisoformat(result["shown_from"])
    points = [ChartPoint(first + one["from"] * interval.duration, 0) for one in result["departures"]]
    rows = chart_data(points, zone, interval.seconds, subject="").rows
    # Words would lie across each other on a narrow screen; the tooltip and the table say what was put in.
    return [{"at": row.at, "label": ""} for row in rows]


def contestant_of(rows: Sequence[ScoreRow], name: str) -> Contestant | None:
    """The contestant of that name."""
    return next((Contestant(Detector(row.kind), row.sigma) for row in rows if row.name == name), None)
