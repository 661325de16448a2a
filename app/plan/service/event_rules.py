"""What an event must not collide with, and whom it may name (contract 2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.kernel.errors import Conflict, InvalidInput
from app.plan.branch_scope import BranchScope
from app.plan.repository import definitions
from app.plan.repository import events as rows


def check_identities(
    session: Session,
    scope: BranchScope,
    named: Sequence[tuple[str, str]],
    *,
    except_id: str | None = None,
    is_name_identity: bool = True,
) -> None:
    """Conflict when a (event type id, name) is in use, also twice in `named`.

    An event that no scan has found is known by its name, which must then not be what scans call another event.
    """
    wanted = set(named)
    if len(wanted) < len(named):
        raise Conflict("Two of the events have the same name in one event type")
    for event_id, event_type_id, name, source_name in rows.identities_in_use(session, scope.branch_id, [name for _, name in named]):
        if event_id == except_id:
            continue
        if (event_type_id, name) in wanted:
            raise Conflict(f"An event named {name} exists in this event type")
        if is_name_identity and source_name is not None and (event_type_id, source_name) in wanted:
            raise Conflict(f"Scans know an event of this event type as {source_name}: {name}")


def check_owner(session: Session, user_id: str | None) -> None:
    """InvalidInput when the id is nobody's; None is nobody and fine."""
    if user_id is not None and definitions.user_by_id(session, user_id) is None:
        raise InvalidInput("The owner must be a member", field="owner_id")
