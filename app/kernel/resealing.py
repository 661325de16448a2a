"""Bringing everything that is sealed at rest under the newest encryption key.

Sealed values stand in text columns named `sealed_...`, and among the overridden settings.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from app.kernel.crypto import SecretBox

_PREFIX = "sealed_"
_MIXED = {"setting_overrides": ("value",)}
"""Columns that hold sealed values beside plain ones; sealed ones are known by how they begin (Fernet, version 0x80)."""
_TOKEN_START = "gAAAA"  # noqa: S105


def reseal(session: Session, box: SecretBox) -> dict[str, int]:
    """Seal every stored secret again with the newest key; how many per table.

    ValueError for one that no key opens; nothing may be committed then.
    """
    counts: dict[str, int] = {}
    for table, column in _sealed_columns():
        key = list(table.primary_key.columns)
        for row in session.execute(sa.select(*key, column).where(column.like(f"{_TOKEN_START}%"))).all():
            *identity, sealed = row
            where = [part == value for part, value in zip(key, identity, strict=True)]
            fresh = _resealed(box, sealed, f"{table.name}.{column.name}")
            session.execute(sa.update(table).where(*where).values({column.name: fresh}))
            counts[table.name] = counts.get(table.name, 0) + 1
    return counts


def _resealed(box: SecretBox, sealed: str, place: str) -> str:
    try:
        box.open(sealed)
    except ValueError:
        raise ValueError(f"a secret in {place} cannot be opened with any of the keys") from None
    return box.reseal(sealed)


def _sealed_columns() -> list[tuple[sa.Table, sa.Column[str]]]:
    return [
        (table, column)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.String) and (column.name.startswith(_PREFIX) or column.name in _MIXED.get(table.name, ()))
    ]
