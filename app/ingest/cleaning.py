"""Keeping values under a sensitivity label out of records that are no product events."""

from __future__ import annotations

from typing import Any

from app.ingest.process import running_pipeline
from app.ingest.rules import masked_text
from app.ingest.validation import ProjectChecks


class ValueCleaner:
    """What a project's policy does with labelled values, by the names of their properties."""

    def __init__(self, checks: ProjectChecks) -> None:
        self._checks = checks

    def cleaned(self, record: Any) -> Any:
        """The record with every labelled value treated, at any depth, also in texts that are JSON themselves."""
        return self._checks.cleaned(record)

    def text(self, raw: bytes) -> bytes:
        """The text of a refused record; what cannot be read is left out."""
        return masked_text(raw, self._checks).encode()


async def value_cleaner(project_id: str) -> ValueCleaner | None:
    """What cleans the project's records; None when nothing is labelled. On the event loop of the process.

    Errors: Unavailable while the process starts or stops.
    """
    checks = (await running_pipeline().project_plan(project_id)).checks
    return ValueCleaner(checks) if checks is not None and checks.labelled else None
