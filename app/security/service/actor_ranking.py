"""Actors by how unusual they were lately, and one of them beside own earlier days and everybody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import as_utc
from app.kernel.errors import NotFound
from app.projects import service as projects
from app.security.contracts import Scoped
from app.security.repository import actor_days, actor_ranking
from app.security.repository.actor_days import PeerFigures
from app.security.service.actor_scoring import HISTORY_DAYS, MEMORY, ScoreView, day_of, last_hour
from app.security.service.investigation import outlook
from models.security import SecurityActorScore

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayScore:
    """One day of an actor; None is unknown."""

    day: date
    score: float | None
    is_unusual: bool


@dataclass(frozen=True, slots=True)
class RankedActor:
    """An actor's newest score, and those of the days until then, oldest first."""

    newest: ScoreView
    history: tuple[DayScore, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """A page of actors; `has_scores` tells whether anybody was ever scored."""

    actors: tuple[RankedActor, ...]
    total: int
    has_scores: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The 24 hours a score is about, as far as the plan shows them.

    `own` are figures by how many windows of 24 hours before the scored one, which is 0; quiet windows are left out. `reach` is
    how many windows before it are shown.
    """

    until: datetime
    own: Mapping[int, tuple[float, ...]]
    reach: int
    peers: PeerFigures


def ranking(
    session: Session, actor: Actor, slug: str, now: datetime, *, days: int, above: float | None, limit: int, offset: int
) -> Ranking:
    """Actors scored in the last days, or on the newest day for one; unusual ones first. Errors: NotFound."""
    project_id = projects.get_project(session, actor, slug).id
    newest = actor_days.latest_day(session, project_id)
    if newest is None:
        return Ranking((), 0, has_scores=False)
    since = newest if days == 1 else today(now) - (days - 1) * _DAY
    rows, total = actor_ranking.newest_scores(session, project_id, since, above=above, limit=limit, offset=offset)
    history = _histories(session, project_id, [row.actor_id for row in rows], today(now) - HISTORY_DAYS * _DAY)
    found = [RankedActor(_view(row), tuple(history[row.actor_id])) for row in rows]
    return Ranking(tuple(found), total, has_scores=True)


def ranked(session: Session, actor: Actor, slug: str, actor_id: str, now: datetime) -> RankedActor:
    """One actor. NotFound also for one without any score."""
    project_id = projects.get_project(session, actor, slug).id
    rows = actor_ranking.scores_of(session, project_id, [actor_id], (now - MEMORY).date())
    if not rows:
        raise NotFound("This actor has no score")
    return RankedActor(_view(rows[-1]), tuple(DayScore(row.day, row.score, row.is_unusual) for row in rows))


def comparison(session: Session, actor: Actor, slug: str, actor_id: str, scored_at: datetime, now: datetime) -> Comparison:
    """What the actor did in the 24 hours that were scored then, before them, and what others did. Errors: NotFound, Unavailable."""
    view = outlook(session, actor, slug)
    scope: Scoped = view.scope
    end = last_hour(scored_at)
    windows = min(HISTORY_DAYS + 1, int((end - view.plan.cutoff(now)) / _DAY))
    if windows < 1:
        return Comparison(end, {}, 0, PeerFigures(0, (), ()))
    own = {one.ago: one.figures for one in actor_days.days_of(scope, actor_id, end, windows)}
    return Comparison(end, own, windows - 1, actor_days.peer_figures(scope, actor_id, end))


def actors_named(session: Session, actor: Actor, slug: str, words: str, now: datetime, *, limit: int) -> list[str]:
    """Actors of the last week whose id begins with the words. Errors: NotFound."""
    project_id = projects.get_project(session, actor, slug).id
    return list(actor_ranking.actors_named(session, project_id, words, today(now) - 7 * _DAY, limit=limit))


def today(now: datetime) -> date:
    """The day that the last full hour counts for."""
    return day_of(last_hour(now))


def _histories(session: Session, project_id: str, actor_ids: list[str], since: date) -> dict[str, list[DayScore]]:
    found: dict[str, list[DayScore]] = defaultdict(list)
    for row in actor_ranking.scores_of(session, project_id, actor_ids, since) if actor_ids else ():
        found[row.actor_id].append(DayScore(row.day, row.score, row.is_unusual))
    return found


def _view(row: SecurityActorScore) -> ScoreView:
    return ScoreView(
        row.actor_id, row.day, row.score, row.is_unusual, row.contributions, row.reason, row.alert_id, as_utc(row.scored_at)
    )
