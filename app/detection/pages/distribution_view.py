"""The data of the page of distribution drift: the index of each watched field over time, and what moved in one bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.detection.drifts import DriftPoint
from app.detection.engine.distribution import MINOR_FROM, SIGNIFICANT_FROM, Band
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.plan import service as plan
from app.projects import service as projects
from app.scans import service as scans
from components.format import full_number, iso_utc, local_time, percent

ALL = "all"
WIDTH, HEIGHT = 1000.0, 64.0
MOST_BARS = 200
MOST_LISTED = 12
BAND_TONES = {Band.STABLE: "neutral", Band.MINOR: "warn", Band.SIGNIFICANT: "bad"}


@dataclass(frozen=True)
class FieldRow:
    """A watched field: its index over time as three paths, one per band, and how it stands now."""

    key: str
    field: str
    scan: str
    href: str
    is_open: bool
    band: str
    tone: str
    psi: str
    stable: str
    minor: str
    significant: str
    minor_line: str
    significant_line: str
    summary: str
    counts: str
    first: str
    last: str


@dataclass(frozen=True)
class ShareRow:
    """A value with its share before and in the bucket; the widths are CSS."""

    value: str
    before: str
    after: str
    before_width: str
    after_width: str
    weight: str


@dataclass(frozen=True)
class BucketRow:
    """A bucket in which the field moved."""

    when: str
    iso: str
    href: str
    band: str
    tone: str
    psi: str
    top: str


@dataclass(frozen=True)
class DistributionView:
    """Everything the page shows. `watched` says which fields are watched at all; empty when no scan watches any."""

    scopes: list[list[str]] = field(default_factory=list)
    scope: str = ALL
    watched: str = ""
    fields: list[FieldRow] = field(default_factory=list)
    opened: str = ""
    bucket: str = ""
    bucket_band: str = ""
    bucket_tone: str = "neutral"
    bucket_psi: str = ""
    totals: str = ""
    shares: list[ShareRow] = field(default_factory=list)
    buckets: list[BucketRow] = field(default_factory=list)


def distribution_view(
    session: Session,
    actor: Actor,
    slug: str,
    scope: str,
    opened: str,
    at: str,
    days: int,
    zone: ZoneInfo,
    now: datetime | None = None,
) -> DistributionView:
    """All events or one event type in the last `days`; `opened` is a field of a scan, `at` one of its buckets.

    Without them the field and the bucket that moved most. Errors: NotFound for an event type of another project.
    """
    now = now or SYSTEM_CLOCK.now()
    project = projects.get_project(session, actor, slug)
    kinds = plan.list_event_types(session, actor, slug)
    configs = {one.id: one for one in scans.list_configs(session, actor, slug)}
    watched = sorted({name for one in configs.values() for name in one.distribution_drift_fields})
    if scope != ALL and scope not in {kind.id for kind in kinds}:
        raise NotFound("Event type not found")
    report = detection.distribution_drifts(
        session,
        actor,
        slug,
        "project_total" if scope == ALL else "event_type",
        project.id if scope == ALL else scope,
        start=now - timedelta(days=days),
    )
    lines: dict[str, list[DriftPoint]] = {}
    ordered = sorted(report.points, key=lambda point: (point.field_name, point.scan_config_id, point.bucket))
    for (name, scan_id), points in groupby(ordered, key=lambda point: (point.field_name, point.scan_config_id)):
        lines[f"{name}@{scan_id}"] = list(points)
    worst = sorted(lines, key=lambda key: -max(point.drift.psi for point in lines[key]))
    key = opened if opened in lines else next(iter(worst), "")
    view = DistributionView(
        scopes=[[ALL, "All events"], *[[kind.id, f"Event type: {kind.display_name}"] for kind in kinds]],
        scope=scope,
        watched=", ".join(watched),
        fields=[
            _field_row(slug, scope, name, lines[name], name == key, configs[lines[name][0].scan_config_id].name, days, zone, now)
            for name in sorted(lines)
        ],
        opened=key.partition("@")[0],
    )
    return view if not key else _with_bucket(view, slug, scope, key, lines[key], at, days, zone, now)


def _with_bucket(
    view: DistributionView, slug: str, scope: str, key: str, points: list[DriftPoint], at: str, days: int, zone: ZoneInfo,
    now: datetime,
) -> DistributionView:  # fmt: skip
    by_psi = sorted(points, key=lambda point: (-point.drift.psi, -point.bucket.timestamp()))
    chosen = next((point for point in points if iso_utc(point.bucket) == at), by_psi[0])
    drift = chosen.drift
    most = max([1e-9, *(share for mover in drift.top_movers for share in (mover.baseline_share, mover.current_share))])
    return DistributionView(
        **{
            **{name: getattr(view, name) for name in DistributionView.__dataclass_fields__},
            "bucket": local_time(chosen.bucket, zone, now=now),
            "bucket_band": drift.band.value.capitalize(),
            "bucket_tone": BAND_TONES[drift.band],
            "bucket_psi": f"{drift.psi:.2f}",
            "totals": f"{full_number(drift.current_total)} values against {full_number(drift.baseline_total)} before",
            "shares": [
                ShareRow(
                    value=mover.value or "(empty)",
                    before=percent(mover.baseline_share),
                    after=percent(mover.current_share),
                    before_width=f"{100 * mover.baseline_share / most:.1f}%",
                    after_width=f"{100 * mover.current_share / most:.1f}%",
                    weight=f"{mover.contribution:.3f}",
                )
                for mover in drift.top_movers
            ],
            "buckets": [_bucket_row(slug, scope, key, point, days, zone, now) for point in by_psi[:MOST_LISTED]],
        }
    )


def _bucket_row(slug: str, scope: str, key: str, point: DriftPoint, days: int, zone: ZoneInfo, now: datetime) -> BucketRow:
    top = next(iter(point.drift.top_movers), None)
    words = "" if top is None else f"{top.value or '(empty)'} {percent(top.baseline_share)} \u2192 {percent(top.current_share)}"
    return BucketRow(
        when=local_time(point.bucket, zone, now=now),
        iso=iso_utc(point.bucket),
        href=ui_paths.project_distribution(slug, scope=_scope_query(scope), field=key, at=iso_utc(point.bucket), days=str(days)),
        band=point.drift.band.value.capitalize(),
        tone=BAND_TONES[point.drift.band],
        psi=f"{point.drift.psi:.2f}",
        top=words,
    )


def _field_row(
    slug: str,
    scope: str,
    key: str,
    points: Sequence[DriftPoint],
    is_open: bool,
    scan: str,
    days: int,
    zone: ZoneInfo,
    now: datetime,
) -> FieldRow:
    shown = points[-MOST_BARS:]
    newest = points[-1].drift
    peak = max([SIGNIFICANT_FROM * 1.25, *(point.drift.psi for point in shown)])
    counts = {band: sum(point.drift.band is band for point in shown) for band in Band}
    words = ", ".join(f"{count} {band.value}" for band, count in counts.items() if count)
    name = points[0].field_name
    return FieldRow(
        key=key,
        field=name,
        scan=scan,
        href=ui_paths.project_distribution(slug, scope=_scope_query(scope), field=key, days=str(days)),
        is_open=is_open,
        band=newest.band.value.capitalize(),
        tone=BAND_TONES[newest.band],
        psi=f"{newest.psi:.2f}",
        stable=_bars(shown, Band.STABLE, peak),
        minor=_bars(shown, Band.MINOR, peak),
        significant=_bars(shown, Band.SIGNIFICANT, peak),
        minor_line=_limit(MINOR_FROM, peak),
        significant_line=_limit(SIGNIFICANT_FROM, peak),
        summary=f"{name}: index {newest.psi:.2f} in the newest bucket; {words} of {len(shown)} buckets",
        counts=words,
        first=local_time(shown[0].bucket, zone, now=now),
        last=local_time(shown[-1].bucket, zone, now=now),
    )


def _bars(points: Sequence[DriftPoint], band: Band, peak: float) -> str:
    """The bars of one band as a path in a box of 1000 by 64."""
    pitch = WIDTH / len(points)
    width = min(14.0, max(1.0, pitch * 0.72))
    bars = []
    for place, point in enumerate(points):
        if point.drift.band is band:
            height = max(1.0, max(0.0, point.drift.psi) / peak * HEIGHT)
            bars.append(f"M{place * pitch + (pitch - width) / 2:.1f} {HEIGHT:.0f}v-{height:.1f}h{width:.1f}v{height:.1f}z")
    return "".join(bars)


def _limit(psi: float, peak: float) -> str:
    y = HEIGHT - psi / peak * HEIGHT
    return f"M0 {y:.1f}H{WIDTH:.0f}"


def _scope_query(scope: str) -> str:
    return "" if scope == ALL else scope
