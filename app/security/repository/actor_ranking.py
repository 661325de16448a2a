"""The newest score of each actor, and what the scores of actors were before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from models.security import SecurityActorScore


def newest_scores(
    session: Session, project_id: str, since: date, *, above: float | None, limit: int, offset: int
) -> tuple[Sequence[SecurityActorScore], int]:
    """A page of actors with their newest score since that day, and how many there are.

    Unusual ones come first, then the highest scores, unknown ones last. `above` leaves out lower and unknown scores.
    """
    newest = (
        sa.select(col(SecurityActorScore.actor_id).label("actor_id"), sa.func.max(SecurityActorScore.day).label("day"))
        .where(col(SecurityActorScore.project_id) == project_id, col(SecurityActorScore.day) >= since)
        .group_by(col(SecurityActorScore.actor_id))
        .subquery()
    )
    query = (
        select(SecurityActorScore)
        .join(newest, sa.and_(newest.c.actor_id == SecurityActorScore.actor_id, newest.c.day == SecurityActorScore.day))
        .where(SecurityActorScore.project_id == project_id)
    )
    if above is not None:
        query = query.where(col(SecurityActorScore.score) >= above)
    total = session.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    order = (
        col(SecurityActorScore.is_unusual).desc(),
        col(SecurityActorScore.score).desc().nulls_last(),
        col(SecurityActorScore.actor_id),
    )
    return session.exec(query.order_by(*order).limit(limit).offset(offset)).all(), total


def scores_of(session: Session, project_id: str, actor_ids: Sequence[str], since: date) -> Sequence[SecurityActorScore]:
    """Scores of these actors since that day, by actor and day."""
    query = select(SecurityActorScore).where(
        SecurityActorScore.project_id == project_id,
        col(SecurityActorScore.actor_id).in_(actor_ids),
        SecurityActorScore.day >= since,
    )
    return session.exec(query.order_by(col(SecurityActorScore.actor_id), col(SecurityActorScore.day))).all()


def actors_named(session: Session, project_id: str, words: str, since: date, *, limit: int) -> Sequence[str]:
    """Actors that were scored since that day and whose id begins with the words, whatever their case, in alphabetical order."""
    actor_id = col(SecurityActorScore.actor_id)
    query = (
        sa.select(actor_id)
        .where(
            col(SecurityActorScore.project_id) == project_id,
            col(SecurityActorScore.day) >= since,
            actor_id.istartswith(words, autoescape=True),
        )
        .distinct()
        .order_by(actor_id)
        .limit(limit)
    )
    return [str(row[0]) for row in session.execute(query)]
