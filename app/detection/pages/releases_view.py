"""The data of the page of releases: what the newest one counts too little of, and who uses which."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.detection import releases
from app.detection import service as detection
from app.detection.engine import releases as gates
from app.detection.engine.releases import RegressionKind
from app.detection.pages.settings_view import choice_of
from app.detection.regressions import Regression, RegressionReport
from app.detection.releases import Release
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics.contracts import SeriesKey
from app.presentation import SCOPE_WORDS
from app.scans import service as scans
from components import spark_path
from components.format import compact_number, full_number, local_time, percent

KIND_WORDS = {RegressionKind.MISSING: "Missing", RegressionKind.VOLUME_DROP: "Volume drop"}
KIND_TONES = {RegressionKind.MISSING: "bad", RegressionKind.VOLUME_DROP: "warn"}
_SPARK_BARS = 48


@dataclass(frozen=True)
class RegressionRow:
    """A scope the release counts too little of; the widths are CSS, of expected and counted."""

    name: str
    kind: str
    href: str
    what: str
    tone: str
    ratio: str
    expected: str
    observed: str
    expected_width: str
    observed_width: str
    shares: str


@dataclass(frozen=True)
class ReleaseRow:
    """A version with its adoption; `role` says which side of the comparison it is."""

    version: str
    role: str
    state: str
    tone: str
    why: str
    adoption: str
    total: str
    path: str
    shape: str


@dataclass(frozen=True)
class Gate:
    """A condition of the comparison, and whether it is met."""

    text: str
    detail: str
    is_met: bool


@dataclass(frozen=True)
class ReleasesView:
    """Everything the page shows. `reason` says why nothing could be compared."""

    scans: list[list[str]] = field(default_factory=list)
    scan_id: str = ""
    scan_href: str = ""
    newest: str = ""
    previous: str = ""
    share: str = ""
    window: str = ""
    missing: str = "0"
    dropped: str = "0"
    reason: str = ""
    rows: list[RegressionRow] = field(default_factory=list)
    releases: list[ReleaseRow] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)


def releases_view(
    session: Session, actor: Actor, slug: str, scan_id: str, zone: ZoneInfo, now: datetime | None = None
) -> ReleasesView:
    """The scan named, or the newest one that knows versions. Errors: NotFound for a scan of another project."""
    now = now or SYSTEM_CLOCK.now()
    configs = [one for one in scans.list_configs(session, actor, slug) if one.app_version_column and one.interval]
    choices = [[one.id, one.name] for one in configs]
    chosen = scan_id or (configs[0].id if configs else "")
    if not chosen:
        return ReleasesView()
    report = detection.release_regressions(session, actor, slug, chosen)
    known = releases.releases_of(session, actor, slug, chosen)
    pair = _pair(known)
    first = report.items[0] if report.items else None
    return ReleasesView(
        scans=choices,
        scan_id=chosen,
        scan_href=ui_paths.project_scan(slug, chosen),
        newest=report.latest_version or "",
        previous=pair[1].version if pair else "",
        share=percent(first.release_share if first else pair[0].adoption) if pair else "",
        window=_window(report, pair, zone, now),
        missing=full_number(sum(one.deficit.kind is RegressionKind.MISSING for one in report.items)),
        dropped=full_number(sum(one.deficit.kind is RegressionKind.VOLUME_DROP for one in report.items)),
        reason=report.reason,
        rows=[_regression_row(slug, chosen, one) for one in report.items],
        releases=[_release_row(one, pair, zone, now) for one in known],
        gates=_gates(known, pair, report, zone, now),
    )


def _pair(known: list[Release]) -> tuple[Release, Release] | None:
    """The two highest active releases, newer first."""
    active = [one for one in known if one.activated is not None]
    return (active[0], active[1]) if len(active) > 1 else None


def _window(report: RegressionReport, pair: tuple[Release, Release] | None, zone: ZoneInfo, now: datetime) -> str:
    if report.items:
        first = report.items[0]
        return f"{local_time(first.window_from, zone, now=now)} to {local_time(first.window_to, zone, now=now)}"
    return "" if pair is None else f"since {local_time(pair[0].activated, zone, now=now)}, at most 14 days"


def _regression_row(slug: str, scan_id: str, one: Regression) -> RegressionRow:
    found = one.deficit
    most = max(found.expected, float(found.observed), 1.0)
    return RegressionRow(
        name=one.scope_name,
        kind=SCOPE_WORDS[one.scope_type],
        href=ui_paths.project_signal(slug, choice_of(SeriesKey(scan_id, one.scope_type, one.scope_ref))),
        what=KIND_WORDS[found.kind],
        tone=KIND_TONES[found.kind],
        ratio=percent(found.ratio),
        expected=compact_number(found.expected),
        observed=compact_number(found.observed),
        expected_width=f"{100 * found.expected / most:.1f}%",
        observed_width=f"{100 * found.observed / most:.1f}%",
        shares=f"{percent(found.share_prev)} \u2192 {percent(found.share_new)}",
    )


def _release_row(one: Release, pair: tuple[Release, Release] | None, zone: ZoneInfo, now: datetime) -> ReleaseRow:
    roles = {} if pair is None else {pair[0].version: "newest", pair[1].version: "compared with"}
    if one.activated is not None:
        state, tone, why = "Active", "ok", f"since {local_time(one.activated, zone, now=now)}"
    elif not one.is_release:
        state, tone, why = "Pre-release", "neutral", "left out of the comparison"
    elif not one.holds_share:
        buckets = "bucket" if one.longest_run == 1 else "buckets"
        state, tone, why = "Not active", "neutral", f"held {percent(gates.LEAST_SHARE)} for {one.longest_run} {buckets} in a row"
    else:
        state, tone, why = "Not active", "neutral", f"{full_number(one.event_count)} of {gates.LEAST_EVENTS} events"
    return ReleaseRow(
        version=one.version,
        role=roles.get(one.version, ""),
        state=state,
        tone=tone,
        why=why,
        adoption=percent(one.adoption),
        total=full_number(one.total),
        path=spark_path(_bars(one.counts)),
        shape=f"{one.version}: {full_number(one.total)} events in all",
    )


def _bars(counts: list[int]) -> list[int]:
    width = max(1, -(-len(counts) // _SPARK_BARS))
    return [sum(counts[first : first + width]) for first in range(0, len(counts), width)]


def _gates(
    known: list[Release], pair: tuple[Release, Release] | None, report: RegressionReport, zone: ZoneInfo, now: datetime
) -> list[Gate]:
    """What must hold before a release is compared, with the figures at hand (contract 7)."""
    newest = pair[0] if pair else next((one for one in known if one.is_release), None)
    if newest is None:
        return []
    share = percent(gates.LEAST_SHARE)
    when = "" if newest.activated is None else f", first in the bucket of {local_time(newest.activated, zone, now=now)}"
    return [
        Gate(
            f"{newest.version} holds {share} of the traffic for {gates.LEAST_RUN} buckets in a row",
            f"longest run {newest.longest_run}{when}",
            newest.holds_share,
        ),
        Gate(
            f"{newest.version} counts {gates.LEAST_EVENTS} events since",
            f"{full_number(newest.event_count)} so far",
            newest.has_events,
        ),
        Gate(
            "An older release is active too",
            f"compared with {pair[1].version}" if pair else "there is none to compare with",
            pair is not None and (not report.reason or not report.is_comparable),
        ),
        Gate(
            "Both releases count much the same events",
            "scopes that had less than a fifth of their share before make up to "
            f"{percent(gates.MOST_UNFAMILIAR)} of the newer one; beyond that only missing scopes are told",
            report.is_comparable,
        ),
        Gate(
            f"A scope is told of from {gates.LEAST_EXPECTED:.0f} expected events and {percent(gates.LEAST_PREVIOUS_SHARE)} of "
            "the older release on",
            f"missing below {percent(gates.MISSING_BELOW)} of what was expected, a volume drop up to {percent(gates.DROP_UP_TO)} "
            f"and beyond {gates.DROP_SIGMA:.0f} times the square root of it",
            True,
        ),
    ]
