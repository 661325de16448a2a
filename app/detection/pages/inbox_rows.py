"""The lines of the inbox: incidents by correlation, each with its picture, its verdict and what was told about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.alerting.service.told import Told, ToldKey, told_scopes
from app.alerting.vocabulary import GroupAction, GroupStatus
from app.detection import feedback
from app.detection.contracts import Incident, Outcome
from app.detection.feedback import Verdict, VerdictKind
from app.detection.surroundings import Surroundings, around
from app.identity import service as identity
from app.identity.contracts import Actor
from app.metrics.contracts import ScopeType, SeriesKey
from app.presentation import bucket_widths, incident_rows
from components import SparkShape, spark_shape
from components.format import ago, deviation, iso_utc, local_time

MOST_VERDICTS = 1_000
MOST_NAMES = 3
VERDICT_WORDS = {
    VerdictKind.EXPECTED: "Expected",
    VerdictKind.TRACKING_BUG: "Tracking bug",
    VerdictKind.REAL: "Real",
    VerdictKind.FALSE_POSITIVE: "False positive",
}
VERDICT_TONES = {VerdictKind.TRACKING_BUG: "bad", VerdictKind.REAL: "warn"}
STATUS_WORDS = {
    GroupStatus.OPEN: "Open",
    GroupStatus.ACKNOWLEDGED: "Acknowledged",
    GroupStatus.RESOLVED: "Resolved",
    GroupStatus.MUTED: "Muted",
    GroupStatus.FALSE_POSITIVE: "False positive",
}

GROUP_ACTIONS = (
    (GroupAction.ACKNOWLEDGE.value, GroupStatus.ACKNOWLEDGED.value, "Acknowledge"),
    (GroupAction.RESOLVE.value, GroupStatus.RESOLVED.value, "Resolve"),
    (GroupAction.MUTE.value, GroupStatus.MUTED.value, "Mute for a day"),
    (GroupAction.REOPEN.value, GroupStatus.OPEN.value, "Reopen"),
)
"""What can be done with an alert, the status it leads to, and the words of its button."""


@dataclass(frozen=True)
class SignalRow:
    """One incident. `group` is the key of the line it stands under, its own for a line that leads; `alert_...` are empty when
    nothing was delivered about it."""

    key: str = ""
    group: str = ""
    is_member: bool = False
    members: str = ""
    day: str = ""
    direction: str = ""
    scope_kind: str = ""
    scope_name: str = ""
    size: str = ""
    when: str = ""
    iso: str = ""
    lasted: str = ""
    is_active: bool = False
    event_href: str = ""
    signal_href: str = ""
    spark: SparkShape = field(default_factory=SparkShape)
    verdict_id: str = ""
    verdict: str = ""
    verdict_tone: str = "neutral"
    verdict_note: str = ""
    expected: str = ""
    alert_group: str = ""
    alert_status: str = ""
    alert_words: str = ""
    alert_note: str = ""
    assignee_id: str = ""
    assignee: str = ""
    delivery_id: str = ""


def signal_rows(
    session: Session, actor: Actor, slug: str, incidents: Sequence[Incident], zone: ZoneInfo, now: datetime
) -> list[tuple[SignalRow, Incident]]:
    """A line per incident in the order they are shown: a line that leads, then those it speaks for. Errors: NotFound."""
    if not incidents:
        return []
    leads = lead_places(incidents)
    plain = incident_rows(incidents, slug, zone, now, bucket_widths(session, actor, slug))
    pictures = [_picture(near, one) for near, one in zip(around(session, actor, slug, incidents), incidents, strict=True)]
    verdicts = standing_verdicts(session, actor, slug)
    told = told_scopes(session, actor, slug, now=now)
    names = {str(user.id): user.name or user.email for user in identity.list_users(session, actor)} if told else {}
    keys = [f"{one.scan_config_id}:{row.key}" for one, row in zip(incidents, plain, strict=True)]
    rows, day = [], ""
    for lead in (place for place, of in enumerate(leads) if of == place):
        members = [place for place, of in enumerate(leads) if of == lead and place != lead]
        for place in (lead, *members):
            incident, line = incidents[place], plain[place]
            heading = _day_of(plain, place) if place == lead else ""
            verdict = verdict_on(incident, verdicts)
            row = SignalRow(
                key=keys[place],
                group=keys[lead],
                is_member=place != lead,
                members=_members([incidents[member] for member in members], verdicts, told) if place == lead else "",
                day="" if heading == day else heading,
                direction=line.direction,
                scope_kind=line.scope_kind,
                scope_name=line.scope_name,
                size=line.size,
                when=line.when,
                iso=line.iso,
                lasted=line.lasted,
                is_active=line.is_active,
                event_href=line.event_href,
                signal_href=ui_paths.project_signal(slug, signal_id(incident), at=iso_utc(incident.started_at)),
                spark=pictures[place],
                verdict_id=verdict.id if verdict else "",
                verdict=VERDICT_WORDS[verdict.kind] if verdict else "",
                verdict_tone=VERDICT_TONES.get(verdict.kind, "neutral") if verdict else "neutral",
                verdict_note=_verdict_note(verdict, now),
                expected="" if verdict else incident.expected_because,
                **_alert(told.get(_told_key(incident)), incident, names, zone, now),
            )
            rows.append((row, incident))
            day = heading or day
    return rows


def signal_id(incident: Incident) -> str:
    """The identity of a signal as one part of an address: scan, scope type and scope ref (contract 6.6)."""
    return f"{incident.scan_config_id}~{incident.scope_type.value}~{incident.scope_ref}"


def lead_places(incidents: Sequence[Incident]) -> list[int]:
    """For each incident the place of the one that speaks for it, its own when it speaks for itself.

    A total speaks for what the same scan saw in the same direction and at the same time, else an event type for its events.
    """
    places = []
    for place, incident in enumerate(incidents):
        speaker = place
        if incident.scope_type is not ScopeType.PROJECT_TOTAL:
            together = [other for other in range(len(incidents)) if other != place and _is_together(incidents[other], incident)]
            totals = [other for other in together if incidents[other].scope_type is ScopeType.PROJECT_TOTAL]
            types = [
                other
                for other in together
                if incident.scope_type is ScopeType.EVENT
                and incidents[other].scope_type is ScopeType.EVENT_TYPE
                and incidents[other].scope_ref == incident.event_type_id
            ]
            speaker = next(iter(totals or types), place)
        places.append(speaker)
    # A type that a total speaks for passes its events on.
    return [places[speaker] for speaker in places]


def _is_together(one: Incident, other: Incident) -> bool:
    same = (one.scan_config_id, one.direction) == (other.scan_config_id, other.direction)
    return same and one.started_at <= other.ended_at and other.started_at <= one.ended_at


def _members(members: Sequence[Incident], verdicts: Sequence[Verdict], told: Mapping[ToldKey, Told]) -> str:
    """What the line speaks for, and how far people are with it: "2 related: Shop, order_placed; 1 decided, 1 alert"."""
    if not members:
        return ""
    names = ", ".join(member.scope_name for member in members[:MOST_NAMES]) + (", \u2026" if len(members) > MOST_NAMES else "")
    decided = sum(verdict_on(member, verdicts) is not None for member in members)
    alerts = sum(_is_told(told.get(_told_key(member)), member) for member in members)
    parts = [f"{decided} decided"] if decided else []
    parts += [f"{alerts} alert{'' if alerts == 1 else 's'}"] if alerts else []
    return f"{len(members)} related: {names}" + (f"; {', '.join(parts)}" if parts else "")


def _day_of(rows: Sequence[object], place: int) -> str:
    """The day under which a line falls; only the first line of a day carries it."""
    return next((day for row in reversed(rows[: place + 1]) if (day := str(getattr(row, "day", "")))), "")


def standing_verdicts(session: Session, actor: Actor, slug: str) -> list[Verdict]:
    """The newest thousand verdicts of the project that nobody took back, newest first. Errors: NotFound."""
    found: list[Verdict] = []
    for offset in range(0, MOST_VERDICTS, feedback.LARGEST_PAGE):
        page = feedback.list_verdicts(session, actor, slug, limit=feedback.LARGEST_PAGE, offset=offset)
        found += [verdict for verdict in page if verdict.undone_at is None]
        if len(page) < feedback.LARGEST_PAGE:
            break
    return found


def verdict_on(incident: Incident, verdicts: Iterable[Verdict]) -> Verdict | None:
    """The newest of the verdicts that is about the incident; one that has grown since keeps it."""
    key = SeriesKey(incident.scan_config_id, incident.scope_type, incident.scope_ref)
    for verdict in verdicts:
        is_same = verdict.key == key and verdict.direction == incident.direction
        if is_same and verdict.started_at <= incident.ended_at and incident.started_at <= verdict.ended_at:
            return verdict
    return None


def _verdict_note(verdict: Verdict | None, now: datetime) -> str:
    if verdict is None:
        return ""
    who = f"{verdict.created_by_name}, {ago(verdict.created_at, now)}"
    return f"{who}: {verdict.note}" if verdict.note else who


def _told_key(incident: Incident) -> ToldKey:
    return incident.scan_config_id, incident.scope_type.value, incident.scope_ref, incident.direction.value


def _is_told(told: Told | None, incident: Incident) -> bool:
    return told is not None and incident.started_at <= told.bucket <= incident.ended_at


def _alert(told: Told | None, incident: Incident, names: Mapping[str, str], zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """What was told about the incident; a message about an earlier one of the same scope does not count."""
    if told is None or not _is_told(told, incident):
        return {}
    group = told.group
    words = STATUS_WORDS[group.status]
    if group.status is not GroupStatus.OPEN and group.acted_by:
        words += f" by {names.get(group.acted_by, 'somebody who left')}"
    if group.muted_until is not None:
        words += f" until {local_time(group.muted_until, zone, now=now)}"
    assignee = group.assignee_id or ""
    return {
        "assignee_id": assignee,
        "assignee": names.get(assignee, "") if assignee else "",
        "alert_group": group.correlation_group_id,
        "alert_status": group.status.value,
        "alert_words": words,
        "alert_note": group.note or "",
        "delivery_id": told.delivery_id,
    }


def _picture(near: Surroundings, incident: Incident) -> SparkShape:
    judged = near.judged
    reach = [near.sigma * (one.spread or 0.0) for one in judged]
    label = f"{incident.scope_name}: {deviation(incident.peak_actual, incident.peak_expected)}, {len(judged)} buckets around it"
    return spark_shape(
        [one.actual for one in judged],
        [None if one.expected is None else one.expected - width for one, width in zip(judged, reach, strict=True)],
        [None if one.expected is None else one.expected + width for one, width in zip(judged, reach, strict=True)],
        [one.outcome is Outcome.ANOMALY and incident.started_at <= one.bucket <= incident.ended_at for one in judged],
        label=label,
    )
