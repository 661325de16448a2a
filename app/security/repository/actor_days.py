"""What actors did in each of the last days, as figures, and the scores that were given for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.eventstore.service import get_event_store
from app.kernel.database import insert_into
from app.security.contracts import Scoped
from models.security import SecurityActorScore, SecurityAlert

MOST_ACTORS: Final = 2_000
MOST_PEERS: Final = 500
_CHUNK: Final = 200

_WHERE = (
    "FROM {database}.events WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'security' "
    "AND actor_id != '' AND time >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') "
    "AND time < fromUnixTimestamp64Milli({{end:Int64}}, 'UTC') "
)
_LAST_DAY = "AND time >= fromUnixTimestamp64Milli({{last_day:Int64}}, 'UTC') "
# Version numbers change with every update; a device is the same without them.
_DEVICE = (
    "if(JSONExtractString(properties, 'metadata', 'device_id') != '', "
    "concat('id:', JSONExtractString(properties, 'metadata', 'device_id')), "
    "replaceRegexpAll(lower(JSONExtractString(properties, 'metadata', 'user_agent')), '[0-9._]+', ''))"
)
_COUNTRY = "JSONExtractString(properties, 'country_code')"
# In the order of `behaviour.actor_scores.FEATURES`.
_FIGURES: Final = (
    "count()",
    "countIf(name = 'auth.login_failed')",
    "countIf(startsWith(name, 'data.'))",
    "countIf(startsWith(name, 'admin.') OR startsWith(name, 'authz.'))",
    "uniq(name)",
    "uniqIf(ip, ip != '')",
    f"uniqIf({_COUNTRY}, {_COUNTRY} != '')",
    f"uniqIf({_DEVICE}, {_DEVICE} != '')",
    "countIf(toHour(time, 'UTC') < 6)",
)
# Windows of 24 hours that end where the last one ends, not calendar days: a day that has only begun cannot be compared with
# whole ones.
_BY_DAY = (
    "SELECT actor_id, intDiv({{end:Int64}} - 1 - toUnixTimestamp64Milli(time), 86400000) AS ago, "
    f"{', '.join(_FIGURES)}, argMax(id, (time, id)), max(time) {_WHERE}"
)
_DAYS = (
    f"{_BY_DAY}AND (actor_id IN (SELECT actor_id {_WHERE}{_LAST_DAY}GROUP BY actor_id ORDER BY count() DESC, actor_id "
    f"LIMIT {MOST_ACTORS}) OR actor_id IN (SELECT actor_id {_WHERE}GROUP BY actor_id "
    f"ORDER BY cityHash64(actor_id), actor_id LIMIT {MOST_PEERS})) "
    f"GROUP BY actor_id, ago ORDER BY actor_id, ago LIMIT {(MOST_ACTORS + MOST_PEERS) * 60}"
)
_OWN_DAYS = f"{_BY_DAY}AND actor_id = {{{{actor:String}}}} GROUP BY actor_id, ago ORDER BY ago LIMIT 100"
_PEERS = (
    f"SELECT count(), {', '.join(f'quantilesExactInclusive(0.5, 0.95)(f{number})' for number in range(len(_FIGURES)))} FROM ("
    f"SELECT actor_id, {', '.join(f'{figure} AS f{number}' for number, figure in enumerate(_FIGURES))} "
    f"{_WHERE}AND actor_id != {{{{actor:String}}}} GROUP BY actor_id)"
)


@dataclass(frozen=True, slots=True)
class ActorDay:
    """One actor's 24 hours that ended `ago` days before the last ones; figures as `FEATURES` names them."""

    actor_id: str
    ago: int
    figures: tuple[float, ...]
    last_event_id: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """The median and the 95th percentile of each feature over so many actors; empty without any."""

    count: int
    middle: tuple[float, ...]
    high: tuple[float, ...]


def actor_days(scope: Scoped, end: datetime, days: int) -> list[ActorDay]:
    """The 2,000 most active actors of the last 24 hours and 500 further ones, day by day. Errors: Unavailable."""
    parameters = {
        "since": _millis(end - timedelta(days=days + 1)),
        "last_day": _millis(end - timedelta(days=1)),
        "end": _millis(end),
    }
    return [_day(row) for row in get_event_store().select(_DAYS, scope.tenant_id, scope.project_id, parameters)]


def days_of(scope: Scoped, actor_id: str, end: datetime, days: int) -> list[ActorDay]:
    """The actor's last so many windows of 24 hours that hold an event, the newest first. Errors: Unavailable."""
    parameters = {"since": _millis(end - timedelta(days=days)), "end": _millis(end), "actor": actor_id}
    return [_day(row) for row in get_event_store().select(_OWN_DAYS, scope.tenant_id, scope.project_id, parameters)]


def peer_figures(scope: Scoped, actor_id: str, end: datetime) -> PeerFigures:
    """What everybody else did in the 24 hours until then. Errors: Unavailable."""
    parameters = {"since": _millis(end - timedelta(days=1)), "end": _millis(end), "actor": actor_id}
    [[count, *spread]] = get_event_store().select(_PEERS, scope.tenant_id, scope.project_id, parameters)
    if not count:
        return PeerFigures(0, (), ())
    return PeerFigures(int(count), tuple(float(pair[0]) for pair in spread), tuple(float(pair[1]) for pair in spread))


def unusual_days(session: Session, project_id: str, since: date, until: date) -> list[tuple[str, date, str]]:
    """Actor, day and alert of every unusual day in [since, until], in their order."""
    query = (
        sa.select(col(SecurityActorScore.actor_id), col(SecurityActorScore.day), col(SecurityActorScore.alert_id))
        .where(
            col(SecurityActorScore.project_id) == project_id,
            col(SecurityActorScore.day) >= since,
            col(SecurityActorScore.day) <= until,
            col(SecurityActorScore.is_unusual).is_(True),
        )
        .order_by(col(SecurityActorScore.day))
    )
    return [(str(row[0]), row[1], str(row[2])) for row in session.execute(query)]


def unusual_and_not_dismissed(session: Session, project_id: str, since: date) -> set[tuple[str, date]]:
    """Actors with their unusual days from `since`, those left out whose alert somebody dismissed."""
    query = (
        sa.select(col(SecurityActorScore.actor_id), col(SecurityActorScore.day))
        .join(SecurityAlert, col(SecurityAlert.id) == col(SecurityActorScore.alert_id))
        .where(
            col(SecurityActorScore.project_id) == project_id,
            col(SecurityAlert.project_id) == project_id,
            col(SecurityActorScore.day) >= since,
            col(SecurityActorScore.is_unusual).is_(True),
            col(SecurityAlert.status) != "dismissed",
        )
    )
    return {(str(row[0]), row[1]) for row in session.execute(query)}


def put_scores(session: Session, scores: Sequence[SecurityActorScore]) -> None:
    """Keep the scores; a day that was unusual before stays as it was found."""
    table = SecurityActorScore.__table__  # type: ignore[attr-defined]
    for start in range(0, len(scores), _CHUNK):
        values = [score.model_dump() for score in scores[start : start + _CHUNK]]
        statement = insert_into(session, table).values(values)
        changed = {
            name: statement.excluded[name] for name in ("score", "is_unusual", "contributions", "reason", "alert_id", "scored_at")
        }
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["project_id", "day", "actor_id"], set_=changed, where=table.c.is_unusual.is_(False)
            )
        )


def list_scores(session: Session, project_id: str, day: date, *, limit: int) -> Sequence[SecurityActorScore]:
    """Scores of the day, the most unusual first, unknown ones last."""
    order = (col(SecurityActorScore.is_unusual).desc(), col(SecurityActorScore.score).desc().nulls_last())
    query = select(SecurityActorScore).where(SecurityActorScore.project_id == project_id, SecurityActorScore.day == day)
    return session.exec(query.order_by(*order, col(SecurityActorScore.actor_id)).limit(limit)).all()


def latest_day(session: Session, project_id: str) -> date | None:
    """The newest day that has scores."""
    query = select(sa.func.max(SecurityActorScore.day)).where(SecurityActorScore.project_id == project_id)
    return session.exec(query).one()


def forget_scores(session: Session, before: date) -> None:
    """Forget days before this one."""
    session.execute(sa.delete(SecurityActorScore).where(col(SecurityActorScore.day) < before))


def _day(row: Sequence[Any]) -> ActorDay:
    return ActorDay(row[0], int(row[1]), tuple(map(float, row[2:11])), row[11], row[12])


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
