"""The data of the page of anomaly settings: what is stored, its preview, what single series are judged with, what is planned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import planned, preview
from app.detection import service as detection
from app.detection.contracts import DetectionSettings, Judgement, Outcome
from app.detection.detectors import Detector, ScopeRules
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics.contracts import ScopeType, SeriesKey
from app.presentation import SCOPE_WORDS
from components import ChartData, ChartPoint, chart_data
from components.format import full_number, local_time

MOST_LISTED = 8


@dataclass(frozen=True)
class AlarmRow:
    """A series with the alarms it would have raised; `choice` draws it."""

    choice: str
    name: str
    kind: str
    count: str


@dataclass(frozen=True)
class PreviewView:
    """What the settings would have found. `basis` says what was looked at; `reason` why nothing was."""

    alarms: int = 0
    alarms_text: str = ""
    basis: str = ""
    reason: str = ""
    chart: ChartData = field(default_factory=ChartData)
    drawn: str = ""
    choices: list[list[str]] = field(default_factory=list)
    rows: list[AlarmRow] = field(default_factory=list)


@dataclass(frozen=True)
class OverrideRow:
    """A series that is judged by rules of its own."""

    choice: str
    name: str
    kind: str
    scan: str
    rules: str
    href: str
    is_tuned: bool


@dataclass(frozen=True)
class PlannedRow:
    """A window whose departures are explained."""

    id: str
    name: str
    scope: str
    span: str


@dataclass(frozen=True)
class SettingsView:
    """What is stored, and the zone in which the viewer plans."""

    settings: DetectionSettings = field(default_factory=DetectionSettings)
    overrides: list[OverrideRow] = field(default_factory=list)
    planned: list[PlannedRow] = field(default_factory=list)


def settings_view(session: Session, actor: Actor, slug: str, zone: ZoneInfo, now: datetime | None = None) -> SettingsView:
    """Settings, overrides and planned events in one read. Errors: NotFound."""
    now = now or SYSTEM_CLOCK.now()
    return SettingsView(
        settings=detection.get_settings(session, actor, slug),
        overrides=[_override_row(slug, one) for one in preview.list_overrides(session, actor, slug)],
        planned=[
            PlannedRow(
                row.id,
                row.name,
                SCOPE_WORDS[ScopeType(row.scope_type)] if row.scope_type else "Every series",
                f"{local_time(row.starts_at, zone, now=now)} to {local_time(row.ends_at, zone, now=now)}",
            )
            for row in planned.planned_windows(session, actor, slug)
        ],
    )


def preview_view(
    session: Session, actor: Actor, slug: str, settings: DetectionSettings, choice: str, zone: ZoneInfo
) -> PreviewView:
    """The preview in words and as a chart. Errors: NotFound, InvalidInput for settings that break a constraint."""
    found = preview.preview(session, actor, slug, settings, key_of(choice))
    if not found.looked_at:
        reason = "Nothing to look at" if settings.anomaly_detection_enabled else "Nothing is judged while detection is off"
        return PreviewView(alarms_text="0 alarms last week", reason=reason)
    names = {choice_of(one.key): one.name for one in found.looked_at}
    drawn = "" if found.drawn_key is None else choice_of(found.drawn_key)
    points = [_point(one, found.sigma) for one in found.drawn]
    looked = len(found.looked_at)
    basis = f"looked at {full_number(looked)} of {full_number(max(found.series_count, looked))} series"
    return PreviewView(
        alarms=found.alarm_count,
        alarms_text=f"{full_number(found.alarm_count)} alarm{'' if found.alarm_count == 1 else 's'} last week",
        basis=basis + (", the largest ones" if looked < found.series_count else ""),
        chart=chart_data(points, zone, found.bucket_seconds, subject=names.get(drawn, ""), now=SYSTEM_CLOCK.now()),
        drawn=drawn,
        choices=[[choice_of(one.key), f"{_kind(one.key)}: {one.name}".removeprefix(": ")] for one in found.looked_at],
        rows=[
            AlarmRow(choice_of(one.key), one.name, _kind(one.key), full_number(one.alarm_count))
            for one in found.looked_at[:MOST_LISTED]
            if one.alarm_count
        ],
    )


def choice_of(key: SeriesKey) -> str:
    """A series as the value of a control."""
    return f"{key.scan_config_id}~{key.scope_type.value}~{key.ref}"


def key_of(choice: str) -> SeriesKey | None:
    """The series of a control's value; None for anything else."""
    parts = choice.split("~")
    if len(parts) != 3 or parts[1] not in set(ScopeType):
        return None
    return SeriesKey(parts[0], ScopeType(parts[1]), parts[2])


def _kind(key: SeriesKey) -> str:
    """What kind of series it is, where its name does not say so."""
    return "" if key.scope_type is ScopeType.PROJECT_TOTAL else SCOPE_WORDS[key.scope_type]


def _point(one: Judgement, sigma: float) -> ChartPoint:
    if one.expected is None:
        return ChartPoint(one.bucket, one.actual, note=one.reason)
    reach = sigma * (one.spread or 0.0)
    mark = one.direction.value if one.outcome is Outcome.ANOMALY and one.direction else ""
    return ChartPoint(one.bucket, one.actual, one.expected, max(0.0, one.expected - reach), one.expected + reach, mark)


def _override_row(slug: str, one: preview.Override) -> OverrideRow:
    rules = one.rules
    return OverrideRow(
        choice=choice_of(one.key),
        name=one.scope_name,
        kind=SCOPE_WORDS[one.key.scope_type],
        scan=one.scan_name,
        rules=_rules_text(rules),
        href=ui_paths.project_signal(slug, choice_of(one.key)),
        is_tuned=(rules.detector, rules.sigma_threshold, rules.min_expected_count) != (Detector.BASELINE, None, None),
    )


def _rules_text(rules: ScopeRules) -> str:
    parts = [] if rules.detector is Detector.BASELINE else [f"{rules.detector.value} detector"]
    if rules.sigma_threshold is not None:
        parts.append(f"sigma {rules.sigma_threshold:g}")
    if rules.min_expected_count is not None:
        parts.append(f"at least {full_number(rules.min_expected_count)} expected")
    if rules.false_positive_count:
        count = rules.false_positive_count
        parts.append(f"{count} false positive{'' if count == 1 else 's'}")
    return ", ".join(parts)
