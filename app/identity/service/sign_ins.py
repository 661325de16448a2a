"""The caller's own sign-ins: where they are signed in, and ending what is not theirs any more."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity import repository
from app.identity.contracts import Actor, SignInView, Via
from app.identity.service.audit import record_audit
from app.kernel.errors import Forbidden, NotFound


def list_sign_ins(session: Session, actor: Actor, now: datetime) -> list[SignInView]:
    """The caller's sign-ins that are not over, the one used last first. Errors: Forbidden for a key."""
    return [
        SignInView(
            id=row.id,
            address=row.address,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            is_current=row.id == actor.sign_in_id,
        )
        for row in repository.sessions_of(session, _person(actor), now)
    ]


def end_sign_in(session: Session, actor: Actor, sign_in_id: str) -> None:
    """End one of the caller's sign-ins at once. Errors: NotFound, Forbidden for a key."""
    if not repository.delete_own_session(session, _person(actor), sign_in_id):
        raise NotFound("This sign-in is over already")
    record_audit(session, actor, "session.revoke", "session", sign_in_id)


def end_other_sign_ins(session: Session, actor: Actor) -> int:
    """End every sign-in of the caller but the one that asks; how many. Errors: Forbidden for a key."""
    person = _person(actor)
    count = repository.delete_other_sessions(session, person, actor.sign_in_id or "")
    if count:
        record_audit(session, actor, "session.revoke_others", "user", person, payload={"count": count})
    return count


def _person(actor: Actor) -> str:
    if actor.user_id is None or actor.via is not Via.SESSION:
        raise Forbidden("Only a person in a browser session has sign-ins")
    return actor.user_id
