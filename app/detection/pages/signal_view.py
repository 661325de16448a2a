"""The data of a signal's page: chart with range and forecast, movers, when it departs, and what people said about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import feedback, planned
from app.detection import service as detection
from app.detection.contracts import DetectionSettings, Incident, Judgement, Outcome, SignalState
from app.detection.detectors import ScopeRules
from app.detection.pages.inbox_rows import SignalRow, signal_id, signal_rows
from app.detection.pages.verdict_history import VerdictRow, verdict_rows
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import floor_to_bucket
from app.metrics import movers
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series, SeriesKey
from app.plan import service as plan
from app.presentation import SCOPE_WORDS
from components import ChartData, ChartPoint, HeatData, chart_data, heat_data
from components.format import deviation, full_number, iso_utc, local_time

MOST_INCIDENTS, MOST_RELATED = 20, 12
DENSITY_WEEKS = 12
STATE_WORDS = {SignalState.LATEST_SCAN: "In the newest bucket", SignalState.RECENT: "In the last 24 hours"}


@dataclass(frozen=True)
class MoverRow:
    """A value of a breakdown that departed in the incident's worst bucket."""

    name: str
    column: str
    direction: str
    size: str
    actual: str


@dataclass(frozen=True)
class Mark:
    """An annotation or the start of a planned event; `at` is the row of the chart it stands on."""

    at: str
    label: str
    when: str
    kind: str


@dataclass(frozen=True)
class SignalView:
    """Everything the page shows. `incident` is the line that is meant; without a key there is none."""

    scope_name: str = ""
    scope_kind: str = ""
    state: str = ""
    event_href: str = ""
    monitoring_href: str = ""
    incident: SignalRow = field(default_factory=SignalRow)
    has_series: bool = False
    chart: ChartData = field(default_factory=ChartData)
    marks: list[Mark] = field(default_factory=list)
    actual: str = ""
    expected: str = ""
    score: str = ""
    limit: str = ""
    rules: str = ""
    forecast: str = ""
    movers: list[MoverRow] = field(default_factory=list)
    movers_note: str = ""
    density: HeatData = field(default_factory=HeatData)
    density_count: int = 0
    incidents: list[SignalRow] = field(default_factory=list)
    related: list[SignalRow] = field(default_factory=list)
    verdicts: list[VerdictRow] = field(default_factory=list)


def parse_signal_id(text: str) -> SeriesKey:
    """`<scan>~<scope type>~<scope ref>`. Errors: NotFound for anything else."""
    parts = text.split("~")
    try:
        scan_id, scope_type, ref = str(UUID(parts[0])), ScopeType(parts[1]), str(UUID(parts[2]))
    except (ValueError, IndexError):
        raise NotFound("Signal not found") from None
    return SeriesKey(scan_id, scope_type, ref)


def signal_view(
    session: Session, actor: Actor, slug: str, key: SeriesKey, at: str, days: int, zone: ZoneInfo, now: datetime | None = None
) -> tuple[SignalView, Incident | None]:
    """The signal's series around the incident that starts `at`, by default its newest. Errors: NotFound."""
    now = now or SYSTEM_CLOCK.now()
    rules = feedback.scope_rules(session, actor, slug, key)
    settings = rules.apply(detection.get_settings(session, actor, slug))
    found = detection.list_incidents(session, actor, slug, scope=key.scope_type, scope_ref=key.ref, limit=MOST_INCIDENTS)
    incidents = [one for one in found.items if one.scan_config_id == key.scan_config_id]
    chosen = next((one for one in incidents if iso_utc(one.started_at) == at), next(iter(incidents), None))
    start, stop = _span(chosen, days, now)
    series = metrics.series_for(
        session, actor, slug, key.scope_type, key.ref, scan_config_id=key.scan_config_id, start=start, stop=stop
    )
    name = _name(session, actor, slug, key)
    view = SignalView(
        scope_name=name,
        scope_kind=SCOPE_WORDS[key.scope_type],
        state=_state(session, actor, slug, key, now),
        event_href=ui_paths.project_event(slug, key.ref) if key.scope_type is ScopeType.EVENT else "",
        monitoring_href=_monitoring(slug, key),
        has_series=bool(series.buckets),
        rules=_rules_text(rules, settings),
        limit=f"{settings.sigma_threshold:g}",
        verdicts=verdict_rows(session, actor, slug, key, zone, now),
    )
    if series.buckets:
        chart, forecast = _chart(session, actor, slug, series, settings, name, zone, now)
        marks = _marks(session, actor, slug, series, chart, zone, now)
        density, count = _density(session, actor, slug, key, name, zone, now)
        view = replace(view, chart=chart, forecast=forecast, marks=marks, density=density, density_count=count)
    if chosen is None:
        return view, None
    rows = {row.key: row for row, _ in signal_rows(session, actor, slug, incidents, zone, now)}
    lines = list(rows.values())
    own = next(row for row in lines if row.iso == iso_utc(chosen.started_at))
    moved = movers.top_movers(session, actor, slug, key.scan_config_id, key.scope_type, key.ref, chosen.peak_at)
    return replace(
        view,
        scope_name=chosen.scope_name or name,  # the total goes by the name under which the inbox lists it
        incident=own,
        actual=full_number(chosen.peak_actual),
        expected=full_number(chosen.peak_expected),
        score=f"{chosen.peak_z_score:+.1f}".replace("-", "\u2212"),
        movers=[
            MoverRow(
                one.breakdown_value or "(empty)",
                one.breakdown_column,
                one.direction,
                deviation(one.actual_count, one.expected_count),
                full_number(one.actual_count),
            )
            for one in moved
        ],
        movers_note=f"bucket of {local_time(chosen.peak_at, zone, now=now)}",
        incidents=lines,
        related=_related(session, actor, slug, chosen, zone, now),
    ), chosen


def _span(chosen: Incident | None, days: int, now: datetime) -> tuple[datetime, datetime]:
    """The days up to now, or around an incident that lies further back."""
    length = timedelta(days=days)
    stop = now if chosen is None else min(now, chosen.ended_at + length / 3)
    return stop - length, stop


def _name(session: Session, actor: Actor, slug: str, key: SeriesKey) -> str:
    match key.scope_type:
        case ScopeType.PROJECT_TOTAL:
            return "Project total"
        case ScopeType.EVENT:
            return plan.get_event(session, actor, slug, key.ref).name
        case ScopeType.EVENT_TYPE:
            kinds = plan.list_event_types(session, actor, slug)
            return next((kind.display_name for kind in kinds if kind.id == key.ref), "Event type")


def _state(session: Session, actor: Actor, slug: str, key: SeriesKey, now: datetime) -> str:
    for signal in detection.list_signals(session, actor, slug, expanded=True, now=now):
        if SeriesKey(signal.scan_config_id, signal.scope_type, signal.scope_ref) == key:
            return STATE_WORDS[signal.state]
    return ""


def _monitoring(slug: str, key: SeriesKey) -> str:
    series = "" if key.scope_type is ScopeType.PROJECT_TOTAL else f"{key.scope_type.value}/{key.ref}"
    return ui_paths.project_monitoring(slug, series=series)


def _rules_text(rules: ScopeRules, settings: DetectionSettings) -> str:
    parts = [f"{rules.detector.value} detector", f"at least {full_number(settings.min_expected_count)} expected"]
    if rules.false_positive_count:
        parts.append(f"more lenient after {rules.false_positive_count} false positive" + "s" * (rules.false_positive_count > 1))
    return ", ".join(parts)


def _chart(
    session: Session, actor: Actor, slug: str, series: Series, settings: DetectionSettings, name: str, zone: ZoneInfo, now: datetime
) -> tuple[ChartData, str]:
    judged = detection.band(session, actor, slug, series)
    points = [_point(one, settings.sigma_threshold) for one in judged]
    key = series.key
    coming = detection.forecast(session, actor, slug, key.scope_type, key.ref, scan_config_id=key.scan_config_id)
    coming = [one for one in coming if one.bucket == series.buckets[-1] + series.interval.duration]
    for one in coming:
        reach = settings.sigma_threshold * one.stddev
        expected = one.expected_count
        points.append(ChartPoint(one.bucket, None, expected, max(0.0, expected - reach), expected + reach, note="forecast"))
    chart = chart_data(points, zone, series.interval.seconds, subject=name, now=now)
    if not coming:
        return chart, ""
    chart.rows[-1] = replace(chart.rows[-1], value_text="still to come")
    words = f"{full_number(coming[-1].expected_count)} expected in the bucket of {local_time(coming[-1].bucket, zone, now=now)}"
    return chart, words


def _point(one: Judgement, sigma: float) -> ChartPoint:
    if one.expected is None:
        return ChartPoint(one.bucket, one.actual, note=one.reason)
    reach = sigma * (one.spread or 0.0)
    mark = one.direction.value if one.outcome is Outcome.ANOMALY and one.direction else ""
    return ChartPoint(one.bucket, one.actual, one.expected, max(0.0, one.expected - reach), one.expected + reach, mark)


def _marks(
    session: Session, actor: Actor, slug: str, series: Series, chart: ChartData, zone: ZoneInfo, now: datetime
) -> list[Mark]:
    rows = dict(zip(series.buckets, chart.rows, strict=False))
    first, end = series.buckets[0], series.buckets[-1] + series.interval.duration
    key = series.key
    notes = plan.list_annotations(
        session, actor, slug, scope_type=key.scope_type.value, scope_ref=key.ref, time_from=first, time_to=end
    )
    found = [(one.bucket, one.label, "Annotation") for one in notes]
    for window in planned.planned_windows(session, actor, slug, first, end):
        if window.scope_ref in (None, key.ref):
            found.append((max(first, window.starts_at), window.name, "Planned event"))
    marks = []
    for moment, label, kind in sorted(found):
        row = rows.get(floor_to_bucket(moment, series.interval))
        if row is not None:
            marks.append(Mark(row.at, label, local_time(moment, zone, now=now), kind))
    return marks


def _density(
    session: Session, actor: Actor, slug: str, key: SeriesKey, name: str, zone: ZoneInfo, now: datetime
) -> tuple[HeatData, int]:
    """Abnormal buckets by hour of the week."""
    start = now - timedelta(weeks=DENSITY_WEEKS)
    series = metrics.series_for(
        session, actor, slug, key.scope_type, key.ref, scan_config_id=key.scan_config_id, start=start, stop=now
    )
    week = metrics.week_of(session, series)
    cells = {(cell.weekday, cell.hour): (cell.anomaly_count, cell.anomaly_count) for cell in week.cells}
    count = sum(pair[0] for pair in cells.values())
    data = heat_data(cells, zone, now, subject=name)
    rows = [
        replace(
            row, cells=[replace(cell, tip=f"{cell.tip.rpartition(': ')[0]}: {cell.marks or 'no'} abnormal") for cell in row.cells]
        )
        for row in data.rows
    ]
    return replace(data, rows=rows, summary=f"{name}: {count} abnormal bucket{'' if count == 1 else 's'}."), count


def _related(session: Session, actor: Actor, slug: str, chosen: Incident, zone: ZoneInfo, now: datetime) -> list[SignalRow]:
    """Incidents of the same scan and direction at the same time."""
    found = detection.list_incidents(
        session,
        actor,
        slug,
        direction=chosen.direction,
        since=chosen.started_at,
        until=chosen.ended_at + timedelta(seconds=1),
        limit=200,
    )
    others = [
        one
        for one in found.items
        if one.scan_config_id == chosen.scan_config_id and signal_id(one) != signal_id(chosen)
    ]  # fmt: skip
    others.sort(key=lambda one: -abs(one.peak_z_score))
    return [row for row, _ in signal_rows(session, actor, slug, others[:MOST_RELATED], zone, now)]
