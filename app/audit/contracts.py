"""Whose audit records are meant: what other areas may know of this one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where records are stored: those of an account under a tenant of its own, those of a project under the project's."""

    tenant_id: str
    project_id: str


def bucket_of(account_id: str) -> Bucket:
    """The bucket of an account."""
    return Bucket(f"audit_{account_id}", account_id)
