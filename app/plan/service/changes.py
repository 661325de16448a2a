"""How a partial change is applied to a row: the same way for every noun (contract section 0, PATCH)."""

from __future__ import annotations

from collections.abc import Mapping, Set

from sqlmodel import SQLModel


def apply_changes(row: SQLModel, changes: Mapping[str, object], *, may_be_empty: Set[str] = frozenset()) -> list[str]:
    """Set the attributes of `row` that `changes` holds; the names of those that became different.

    A None clears an attribute in `may_be_empty` and leaves alone any other.
    """
    changed = []
    for name, value in changes.items():
        if value is None and name not in may_be_empty:
            continue
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.append(name)
    return changed
