"""How rows of scans are written, the same on both engines of the metadata database."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from app.kernel.database import insert_into


def insert_if_absent(session: Session, table: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert unless a row with the same unique key exists; says whether the row is ours. Same on both engines."""
    target = cast(sa.Table, table.__table__)  # type: ignore[attr-defined]
    statement = insert_into(session, target).values(**values).on_conflict_do_nothing().returning(*target.primary_key.columns)
    return session.execute(statement).first() is not None


def affected_count(session: Session, statement: Any) -> int:
    """Change rows; how many. Rows that the session has loaded are left as they were loaded."""
    return cast("sa.CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False})).rowcount


def add(session: Session, row: SQLModel) -> None:
    """Write the row now."""
    session.add(row)
    session.flush()


def delete(session: Session, row: SQLModel) -> None:
    """Delete the row with everything that hangs on it."""
    session.delete(row)
    session.flush()
